"""ClickHouse's own parser, in process: what it takes, and how it writes it."""

import json
from collections.abc import Iterable

import chdb


def formatted(statements: Iterable[str]) -> list[str]:
    """Return statements as ClickHouse writes them; raises if one is none."""
    quoted = [s.replace("\\", "\\\\").replace("'", "\\'") for s in statements]
    listed = ", ".join(f"'{text}'" for text in quoted)
    answer = chdb.query(f"SELECT formatQuery(arrayJoin([{listed}])) AS sql", "JSONColumns")
    return json.loads(str(answer))["sql"]
