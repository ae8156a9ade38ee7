"""The sink of every peer: clickhouse-driver's insert in its best form."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_driver import Client
from msgspec.structs import astuple

from bench.events import EventRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOMENTS = [
    place
    for place, name in enumerate(EventRow.__struct_fields__)
    if EventRow.__annotations__[name] is datetime
]


class Sink:
    """Stores rows column by column, times as microseconds; an empty table stores nothing."""

    def __init__(self, warehouse: str, table: str) -> None:
        self._client = Client.from_url(warehouse)
        self._statement = f"INSERT INTO {table} VALUES" if table else ""

    def store(self, rows: Sequence[EventRow]) -> None:
        """Store rows; they are durable when this returns."""
        if self._statement:
            self._client.execute(self._statement, columns(rows), columnar=True)


def columns(rows: Sequence[EventRow]) -> list[Sequence[Any]]:
    """Return the columns of some rows as the driver likes them best."""
    found: list[Sequence[Any]] = list(zip(*map(astuple, rows), strict=True))
    for place in MOMENTS:
        found[place] = [(moment - EPOCH) // MICROSECOND for moment in found[place]]
    return found
