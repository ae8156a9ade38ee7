"""Reads: parametrised SELECTs into frames, typed rows, or a single value."""

from collections.abc import Mapping
from threading import Lock
from typing import Any, TypeVar

import msgspec
import pandas as pd
from pydantic import SecretStr

from contracts.errors import Rejected, UserError
from contracts.rows import Row
from warehouse.connection import connect, fates

Params = Mapping[str, Any]
_Row = TypeVar("_Row", bound=Row)


class Reader:
    """Reads the warehouse over one connection that can't write; threads take turns.

    Values go into a statement as parameters alone: `%(name)s`.

    Args:
        url: of the warehouse.
        seconds: how long a query may run.
    """

    def __init__(self, url: SecretStr, seconds: int = 60) -> None:
        self._client = connect(url, readonly=2, max_execution_time=seconds)
        self._turn = Lock()

    def frame(self, sql: str, params: Params | None = None) -> pd.DataFrame:
        """Return the result as a frame; times are UTC, arrays are lists, UUIDs are UUIDs.

        Raises:
            Retryable: the warehouse is away or busy.
            UserError: the statement is wrong.
            Fatal: wrong password, or tables that the migrations have not made.
        """
        columns, described = self._execute(sql, params)
        if not columns:
            columns = [() for _ in described]
        series = (
            pd.Series(list(column), dtype=_dtype(kind))
            for column, (_, kind) in zip(columns, described, strict=True)
        )
        return pd.DataFrame(dict(zip((name for name, _ in described), series, strict=True)))

    def rows(self, row_type: type[_Row], sql: str, params: Params | None = None) -> list[_Row]:
        """Return the result as typed rows; columns that the type does not have are left out.

        Raises as `frame` does; UserError also if a column that the type needs is missing.
        """
        columns, described = self._execute(sql, params)
        names = [name for name, _ in described]
        missing = set(row_type.__struct_fields__) - set(names)
        if missing:
            raise UserError(f"{row_type.__name__} needs {', '.join(sorted(missing))} from: {sql}")
        records = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
        return [msgspec.convert(record, row_type) for record in records]

    def value(self, sql: str, params: Params | None = None) -> Any:  # noqa: ANN401 any type
        """Return the first column of the first row; None where there is none."""
        columns, _ = self._execute(sql, params)
        return columns[0][0] if columns else None

    def close(self) -> None:
        """Leave the connection."""
        self._client.disconnect()

    def _execute(
        self, sql: str, params: Params | None
    ) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
        with self._turn:
            try:
                with fates("reading"):
                    result = self._client.execute(
                        sql, params, with_column_types=True, columnar=True
                    )
            except Rejected as error:
                raise UserError(f"{error.detail}. The statement was: {sql.strip()}") from error
            except BaseException:
                self._client.disconnect()
                raise
        return result


_AS_IT_IS = ("Array", "Tuple", "Map", "UUID", "Nullable(UUID", "Date", "Nullable(Date", "String")


def _dtype(kind: str) -> str | None:
    """Return the dtype that keeps a column of this ClickHouse type as it is."""
    if kind.startswith(("DateTime", "Nullable(DateTime")):
        return "datetime64[us, UTC]"
    if kind.removeprefix("LowCardinality(").startswith(_AS_IT_IS):
        return "object"
    return None
