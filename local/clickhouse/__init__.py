"""The ClickHouse engine in process (chDB), served on loopback over ClickHouse's native protocol.

`server` listens, `session` talks with one client, `protocol` and `wire` are its words and bytes,
`native` finds its way in blocks of data, `statements` says what is refused, `engine` is chDB.
`launch` is what the rest of the house calls; `binary` runs a real `clickhouse` instead.
"""
