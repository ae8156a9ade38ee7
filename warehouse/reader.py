"""Reads: parametrised SELECTs into frames, typed rows, or a single value."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pandas as pd
from pydantic import SecretStr

from contracts.clock import utc
from contracts.errors import Rejected, UserError
from contracts.rows import Row
from warehouse.connection import connect, fates

Params = Mapping[str, Any]
_Row = TypeVar("_Row", bound=Row)
_GRACE_SECONDS: Final = 2
"""How long a server that stopped a query may take to say so."""


class _Column(NamedTuple):
    """A column of a result: its ClickHouse type, and a cell for each row."""

    name: str
    kind: str
    cells: Sequence[Any]


class Reader:
    """Reads the warehouse over one connection that can't write; threads take turns.

    Values go into a statement as parameters alone: `%(name)s`. Where there are parameters, a
    percent sign is written `%%`. Times in parameters must be aware; they arrive in UTC, with their
    microseconds, as text that a column or parameter of type DateTime64(6, 'UTC') takes.

    Every method raises:
        Retryable: the warehouse is away or busy, or the query took too long.
        UserError: the statement or a parameter is wrong.
        Fatal: wrong password, or tables that the migrations have not made.

    Args:
        url: of the warehouse.
        seconds: how long a query may run; an answer is not waited for much longer.
    """

    def __init__(self, url: SecretStr, seconds: int = 60) -> None:
        self._client = connect(url, readonly=2, max_execution_time=seconds, session_timezone="UTC")
        self._client.connection.send_receive_timeout = seconds + _GRACE_SECONDS
        self._turn = Lock()

    def frame(self, sql: str, params: Params | None = None) -> pd.DataFrame:
        """Return the result as a frame, whose dtypes do not depend on the values.

        Times are UTC to the microsecond; whole numbers are int64, those that may be absent float64
        with NaN; text, dates, decimals, UUIDs, maps, arrays (as lists) and numbers beyond int64 are
        Python's objects, absent ones None.
        """
        columns = self._execute(sql, params)
        return pd.DataFrame({column.name: _series(column) for column in columns})

    def rows(self, row_type: type[_Row], sql: str, params: Params | None = None) -> list[_Row]:
        """Return the result as typed rows; columns that the type does not have are left out.

        Raises UserError also if a column that the type needs is missing, or holds other values.
        """
        return _typed(row_type, self._execute(sql, params), sql)

    def pages(
        self, row_type: type[_Row], sql: str, params: Params | None = None, size: int = 5_000
    ) -> Iterator[list[_Row]]:
        """Yield the result as typed rows, page by page as it comes, however long it is or takes.

        Nothing else is read over this connection until the iterator has ended or is closed.
        """
        with self._turn, _understood(sql):
            try:
                rows = self._client.execute_iter(
                    sql, _told(params), with_column_types=True, settings={"max_execution_time": 0}
                )
                described = next(rows)
                while page := [*zip(*islice(rows, size), strict=True)]:
                    yield _typed(row_type, self._columns(described, page), sql)
            finally:
                self._client.disconnect()

    def value(self, sql: str, params: Params | None = None) -> Any:  # noqa: ANN401 any type
        """Return the first column of the first row; None where there is none."""
        columns = self._execute(sql, params)
        return next(iter(columns[0].cells), None) if columns else None

    def close(self) -> None:
        """Leave the connection, once what is being read on it is read."""
        with self._turn:
            self._client.disconnect()

    def _execute(self, sql: str, params: Params | None) -> list[_Column]:
        with self._turn, _understood(sql):
            values, described = self._client.execute(
                sql, _told(params), with_column_types=True, columnar=True
            )
            return self._columns(described, values or [() for _ in described])

    def _columns(
        self, described: Sequence[tuple[str, str]], values: Sequence[Sequence[Any]]
    ) -> list[_Column]:
        zone = ZoneInfo(self._client.connection.server_info.get_timezone())
        return [
            _Column(name, kind, _aware(held, zone) if _is_moment(kind) else held)
            for (name, kind), held in zip(described, values, strict=True)
        ]


@contextmanager
def _understood(sql: str) -> Iterator[None]:
    """Turn what goes wrong with a statement into what `Reader` raises."""
    try:
        with fates("reading"):
            yield
    except Rejected as error:
        raise UserError(f"{error.detail}. The statement was: {sql.strip()}") from error
    except KeyError as error:
        raise UserError(f"no parameter {error} is given to: {sql.strip()}") from error


def _typed(row_type: type[_Row], columns: Sequence[_Column], sql: str) -> list[_Row]:
    """Return columns as rows, without those that the type does not have."""
    names = [column.name for column in columns]
    if missing := set(row_type.__struct_fields__) - set(names):
        raise UserError(f"{row_type.__name__} needs {', '.join(sorted(missing))} from: {sql}")
    values = zip(*(column.cells for column in columns), strict=True)
    records = (dict(zip(names, row, strict=True)) for row in values)
    try:
        return [msgspec.convert(record, row_type) for record in records]
    except msgspec.ValidationError as error:
        raise UserError(f"{row_type.__name__}: {error}, in the result of: {sql}") from error


def _told(params: Params | None) -> Params | None:
    """Return parameters as the driver tells them truly: it would cut a time's microseconds."""
    return {name: _literal(value) for name, value in params.items()} if params else None


def _literal(value: object) -> object:
    if isinstance(value, datetime):
        return utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return tuple(map(_literal, value)) if isinstance(value, tuple) else value


def _is_moment(kind: str) -> bool:
    return kind.startswith(("DateTime", "Nullable(DateTime"))


def _aware(moments: Sequence[datetime | None], zone: ZoneInfo) -> list[datetime | None]:
    """Return times in UTC; those of a type without a zone come in the server's."""
    return [
        moment and utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        for moment in moments
    ]


_WHOLE: Final = {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"}
_REAL: Final = ("Float", "Nullable(Float", "Nullable(Int", "Nullable(UInt")


def _series(column: _Column) -> "pd.Series[Any]":
    kind, values = column.kind, list(column.cells)
    if _is_moment(kind):
        return pd.Series(values, dtype="datetime64[us, UTC]")
    if kind.startswith(_REAL):
        return pd.Series(values, dtype="float64")
    if kind == "Bool":
        return pd.Series(values, dtype="bool")
    if kind in _WHOLE and max(values, default=0) < 2**63:
        return pd.Series(values, dtype="int64")
    return pd.Series(values, dtype="object")
