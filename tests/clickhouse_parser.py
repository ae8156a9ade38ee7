"""ClickHouse's own parser, in process: what it takes, and how it writes it."""

import chdb


def formatted(sql: str) -> str:
    """Return one statement as ClickHouse writes it; raises if it is none."""
    text = sql.replace("\\", "\\\\").replace("'", "\\'")
    return str(chdb.query(f"SELECT formatQuery('{text}')", "TSVRaw")).rstrip("\n")
