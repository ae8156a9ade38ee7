"""Writes rows: columnar, table by table, safe to repeat."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from threading import Lock

from clickhouse_driver import Client
from msgspec.structs import astuple
from pydantic import SecretStr

from contracts.errors import Rejected
from contracts.rows import Row
from warehouse.connection import connect, fates


class Writer:
    """Writes to the warehouse over one connection, reconnecting as needed.

    A write is durable when it returns. Writing the same rows again changes nothing: every table
    forgets repeats by its key. Threads take turns.
    """

    def __init__(self, url: SecretStr) -> None:
        self._client = connect(url)
        self._turn = Lock()

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows, the tables in the order in which the rows first name them.

        Raises:
            Retryable: nothing, or the rows of the first tables only, are written: write all again.
            Rejected: a row does not fit its table; which one is for the caller to find by halves.
            Fatal: the warehouse is not ours to write to.
        """
        by_table = _by_type(rows)
        with self._turn:
            for row_type, typed in by_table.items():
                self._insert(row_type, typed)

    def close(self) -> None:
        """Leave the connection."""
        self._client.disconnect()

    def _insert(self, row_type: type[Row], rows: Sequence[Row]) -> None:
        columns = [_fit(column) for column in zip(*map(astuple, rows), strict=True)]
        statement = f"INSERT INTO {row_type.table} ({_names(row_type)}) VALUES"
        with fates(f"writing {len(rows)} rows to {row_type.table}"), _whole(self._client):
            self._client.execute(statement, columns, columnar=True, types_check=True)


@contextmanager
def _whole(client: Client) -> Iterator[None]:
    """Drop the connection when a statement fails half-way: what is left on it can't be trusted."""
    try:
        yield
    except BaseException:
        client.disconnect()
        raise


def _by_type(rows: Sequence[Row]) -> dict[type[Row], list[Row]]:
    typed: dict[type[Row], list[Row]] = {}
    for row_type, run in groupby(rows, type):
        typed.setdefault(row_type, []).extend(run)
    return typed


def _names(row_type: type[Row]) -> str:
    return ", ".join(f"`{name}`" for name in row_type.__struct_fields__)


def _fit(column: tuple[object, ...]) -> list[object]:
    """Return a column as the driver takes it: text that UTF-8 can hold, times with a zone."""
    return [_fit_value(value) for value in column]


def _fit_value(value: object) -> object:
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, datetime) and value.tzinfo is None:
        raise Rejected("bad_row", f"{value!r} has no time zone")
    if isinstance(value, tuple):
        return [_fit_value(item) for item in value]
    return value
