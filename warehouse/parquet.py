"""A table as Parquet holds it: what each ClickHouse type becomes, and how it comes back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import pyarrow as pa

from contracts.errors import UserError

Kinds: TypeAlias = Mapping[str, str]
"""A table's columns, and their ClickHouse types."""

_ARROW: Final = {
    "String": pa.string(),
    "UUID": pa.string(),
    "Bool": pa.bool_(),
    "Date32": pa.date32(),
    "Float64": pa.float64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "DateTime64(6, 'UTC')": pa.timestamp("us", tz="UTC"),
    "Decimal(18, 8)": pa.decimal128(18, 8),
}
_WRAPPED: Final = re.compile(r"(LowCardinality|Nullable|Array)\((.*)\)")


def schema(kinds: Kinds) -> pa.Schema:
    """Return the schema that holds a table's values without loss.

    Raises:
        UserError: if a column has a type that no migration has used so far.
    """
    return pa.schema([(column, _arrow(kind)) for column, kind in kinds.items()])


def selected(kinds: Kinds) -> str:
    """Return what to select: times as microseconds, ids as text."""
    return ", ".join(_selected(column, kind) for column, kind in kinds.items())


def batch(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows of what was selected, their text as bytes, as they are kept."""
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    arrays = [
        pa.array(values, _as_bytes(field.type)).cast(field.type, safe=False)
        for values, field in columns
    ]
    return pa.record_batch(arrays, schema=schema)


def columns(block: pa.Table, kinds: Kinds) -> dict[str, list[Any]]:
    """Return what was kept as the driver inserts it, text as bytes."""
    named = zip(block.schema.names, block.columns, strict=True)
    return {name: _listed(column, kinds[name]) for name, column in named}


def _arrow(kind: str) -> pa.DataType:
    if wrapped := _WRAPPED.fullmatch(kind):
        inner = _arrow(wrapped[2])
        return pa.list_(inner) if wrapped[1] == "Array" else inner
    if kind not in _ARROW:
        raise UserError(f"the backup does not know how to keep a column of type {kind}")
    return _ARROW[kind]


def _selected(column: str, kind: str) -> str:
    if "DateTime64" in kind:
        return f"toUnixTimestamp64Micro(`{column}`)"
    return f"toString(`{column}`)" if kind == "UUID" else f"`{column}`"


def _listed(column: pa.ChunkedArray, kind: str) -> list[Any]:
    if kind == "UUID":
        return column.to_pylist()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).to_pylist()
    return column.cast(_as_bytes(column.type)).to_pylist()


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """Return the type with bytes in the place of text: ClickHouse's strings need not be UTF-8."""
    if pa.types.is_list(kind):
        return pa.list_(_as_bytes(kind.value_type))
    return pa.binary() if pa.types.is_string(kind) else kind
