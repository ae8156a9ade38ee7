#!/usr/bin/env python3
"""Stands in for `clickhouse-client`, which clickhouse-driver's public test suite calls.

Runs one query over the native protocol and prints its rows as tab-separated text, formatted by the
server. The user and the password come from the suite's `setup.cfg`, in the working directory.
"""

import argparse
import configparser
import os
import re
import sys

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

ROWS = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)


def main() -> int:
    """Run the query of the command line."""
    parser = argparse.ArgumentParser()
    for option in ("--database", "--host", "--port", "--query"):
        parser.add_argument(option)
    known, rest = parser.parse_known_args()
    settings = dict(zip((name.lstrip("-") for name in rest[::2]), rest[1::2], strict=True))
    if settings.pop("use_client_time_zone", "0") == "1":
        settings["session_timezone"] = os.environ["TZ"]
    client = Client(
        known.host, port=known.port, database=known.database, settings=settings, **_login()
    )
    try:
        sys.stdout.buffer.write(_answer(client, known.query))
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _login() -> dict[str, str]:
    config = configparser.ConfigParser()
    config.read("setup.cfg")
    return {name: config.get("db", name) for name in ("user", "password")}


def _answer(client: Client, query: str) -> bytes:
    if not ROWS.match(query):
        client.execute(query)
        return b""
    formatted = f"SELECT formatRow('TabSeparated', *) FROM ({query})"
    rows = client.execute(formatted, settings={"strings_as_bytes": True})
    return b"".join(row[0] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
