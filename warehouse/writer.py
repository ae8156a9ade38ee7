"""Writes rows: columnar, table by table, safe to repeat."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any, Final, get_args, get_origin, get_type_hints

from msgspec.structs import astuple
from pydantic import SecretStr

from contracts.errors import Rejected
from contracts.rows import Row, SightingRow
from warehouse.connection import connect, fates

Column = Sequence[Any]
Fit = Callable[[Column], Column]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(2299, 12, 31)
_FIRST_MICROSECOND: Final = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_END_MICROSECOND: Final = (datetime(2300, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Writer:
    """Writes to the warehouse over one connection, reconnecting as needed.

    A write is durable when it returns. Writing the same rows again changes nothing: every table
    forgets repeats by its key. Threads take turns.
    """

    def __init__(self, url: SecretStr) -> None:
        self._client = connect(url)
        self._turn = Lock()

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows, table by table; sightings last, so that one stands for stored rows alone.

        Text that UTF-8 can't hold (a lone surrogate) becomes U+FFFD; NUL is kept.

        Raises:
            Retryable: nothing, or the rows of some tables only, are written: write all again.
            Rejected: a row does not fit its table, and no sighting is written; the message names
                the table, the column and the value's type. Which row is for the caller to find.
            Fatal: the warehouse is not ours to write to.
        """
        tables = _by_type(rows)
        with self._turn:
            for row_type in sorted(tables, key=_is_receipt):
                self._insert(row_type, tables[row_type])

    def close(self) -> None:
        """Leave the connection."""
        self._client.disconnect()

    def _insert(self, row_type: type[Row], rows: Sequence[Row]) -> None:
        statement = f"INSERT INTO {row_type.table} ({_names(row_type)}) VALUES"
        columns = _columns(row_type, rows)
        with fates(f"writing {len(rows)} rows to {row_type.table}"):
            self._client.execute(statement, columns, columnar=True)


def _by_type(rows: Sequence[Row]) -> dict[type[Row], Sequence[Row]]:
    kinds = dict.fromkeys(map(type, rows))
    if len(kinds) == 1:
        return dict.fromkeys(kinds, rows)
    return {kind: [row for row in rows if type(row) is kind] for kind in kinds}


def _is_receipt(row_type: type[Row]) -> bool:
    return row_type is SightingRow


def _names(row_type: type[Row]) -> str:
    return ", ".join(f"`{name}`" for name in row_type.__struct_fields__)


def _columns(row_type: type[Row], rows: Sequence[Row]) -> list[Column]:
    """Return the rows' columns as the driver takes them.

    Raises:
        Rejected: if a value is not of its field's type, or a time is out of range.
    """
    fits = _fits(row_type)
    columns = zip(*map(astuple, rows), strict=True)
    named = zip(row_type.__struct_fields__, fits, columns, strict=True)
    return [_fitted(row_type, name, fit, column) for name, fit, column in named]


def _fitted(row_type: type[Row], name: str, fit: Fit, column: Column) -> Column:
    try:
        return fit(column)
    except (TypeError, ValueError, AttributeError) as error:
        found = ", ".join(sorted({type(value).__name__ for value in column}))
        raise Rejected(
            "bad_row", f"column {name} of {row_type.table} can't hold a value ({found}): {error}"
        ) from error


def _text(column: Column) -> Column:
    if all(map(str.isascii, column)):
        return column
    try:
        "".join(column).encode()
    except UnicodeEncodeError:
        return [_mended(text) for text in column]
    return column


def _mended(text: str) -> str:
    """Return text with its surrogate pairs joined, and U+FFFD for lone ones."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _moments(column: Column) -> list[int | None]:
    """Return microseconds since 1970: the driver's own way is inexact before that."""
    moments = [None if moment is None else (moment - _EPOCH) // _MICROSECOND for moment in column]
    known = [moment for moment in moments if moment is not None] if None in moments else moments
    if known and not _FIRST_MICROSECOND <= min(known) <= max(known) < _END_MICROSECOND:
        raise ValueError("a time is not between the years 1900 and 2299")
    return moments


def _days(column: Column) -> Column:
    """Return days that the driver can hold: it writes others as 1970-01-01."""
    for day in column:
        if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
            raise ValueError("a date is not between the years 1900 and 2299")
    return column


_FIT: Final[Mapping[Any, Fit]] = {
    str: _text,
    datetime: _moments,
    datetime | None: _moments,
    date: _days,
    date | None: _days,
}


@cache
def _fits(row_type: type[Row]) -> list[Fit]:
    """Return, for each field, what makes a column of its values fit."""
    hints = get_type_hints(row_type)
    return [_fit_for(hints[name]) for name in row_type.__struct_fields__]


def _fit_for(hint: Any) -> Fit:  # noqa: ANN401 a type, as annotations have them
    if hint in _FIT:
        return _FIT[hint]
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        fit = _fit_for(inner[0])
        return lambda column: [fit(values) for values in column]
    return _only(inner or (hint,))


def _only(kinds: tuple[type, ...]) -> Fit:
    """Return what lets values of these types pass; the driver's own check would chop numbers."""
    allowed = (*kinds, int) if float in kinds else kinds

    def fit(column: Column) -> Column:
        if not all(issubclass(kind, allowed) for kind in set(map(type, column))):
            raise TypeError(f"it holds {' or '.join(kind.__name__ for kind in kinds)}")
        return column

    return fit
