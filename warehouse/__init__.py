"""Speaks ClickHouse: connection, migrations, writer, reader, backup."""
