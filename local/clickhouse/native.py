"""Finds its way in Native blocks: where a column ends, what a block's header says.

A block is a number of columns, a number of rows, then for each column its name, its type and its
data; nothing tells how long it is, so that one must know how each type is laid out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from clickhouse_driver.columns.service import read_column
from clickhouse_driver.context import Context

from local.clickhouse.errors import unsupported
from local.clickhouse.wire import REVISION, Stream, text, varint

_WIDTHS: Final = {
    **dict.fromkeys(("UInt8", "Int8", "Bool", "Nothing"), 1),
    **dict.fromkeys(("UInt16", "Int16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("UInt32", "Int32", "Float32", "Date32", "DateTime", "IPv4", "Time"), 4),
    **dict.fromkeys(("UInt64", "Int64", "Float64"), 8),
    **dict.fromkeys(("UInt128", "Int128", "UUID", "IPv6", "Point"), 16),
    **dict.fromkeys(("UInt256", "Int256"), 32),
}
_FAMILY_WIDTHS: Final = {"Enum8": 1, "Enum16": 2, "DateTime": 4, "DateTime64": 8, "Time64": 8}
_DECIMAL_WIDTHS: Final = ((9, 4), (18, 8), (38, 16), (76, 32))
_GEO: Final = {
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
_SELF_DESCRIBING: Final = re.compile(r"\b(?:JSON|Dynamic|Variant|Object)\b")
_NULLABLE: Final = re.compile(r"Nullable\((.*)\)", re.DOTALL)
_FAMILY: Final = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_NAMED_PART: Final = re.compile(r"(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)\s+([A-Z].*)", re.DOTALL)


class Column(NamedTuple):
    """A column as a block's header names it."""

    name: str
    type: str


@dataclass(frozen=True)
class Block:
    """A block of data.

    Attributes:
        native: the whole block in ClickHouse's Native format.
    """

    columns: tuple[Column, ...]
    rows: int
    native: bytes


class Layout(Protocol):
    """How the data of a type lie in a block: all prefixes of a column, then all its data."""

    def skip_prefix(self, stream: Stream) -> None:
        """Go past what stands once, before the data."""

    def skip(self, stream: Stream, rows: int) -> None:
        """Go past the data of as many rows."""


def read_block(stream: Stream) -> Block:
    """Read the next block.

    Raises:
        QueryError: if a type's layout is unknown: where the block ends is then unknown too.
    """
    stream.mark()
    count, rows = stream.varint(), stream.varint()
    columns = []
    for _ in range(count):
        column = Column(stream.text(), stream.text())
        _skip_column(stream, column.type, rows)
        columns.append(column)
    return Block(tuple(columns), rows, stream.take())


def header(columns: Sequence[Column]) -> bytes:
    """Return a block without rows: it tells a client the columns to come."""
    return varint(len(columns)) + varint(0) + b"".join(map(_head, columns))


def retyped(native: bytes, types: Iterable[str]) -> bytes:
    """Return a block with the types of its columns named anew; the data stay as they are."""
    stream = _stream(native)
    count, rows = stream.varint(), stream.varint()
    parts = [varint(count), varint(rows)]
    for wanted in types:
        name, named = stream.text(), stream.text()
        stream.mark()
        _skip_column(stream, named, rows)
        parts += [_head(Column(name, wanted)), stream.take()]
    return b"".join(parts)


def blocks_of(native: bytes) -> Iterator[Block]:
    """Yield the blocks of a result: one after the other, they are all that is in it."""
    stream, read = _stream(native), 0
    while read < len(native):
        block = read_block(stream)
        read += len(block.native)
        yield block


def arguments(inside: str) -> list[str]:
    """Split what stands between a type's parentheses at its own commas."""
    parts, depth, quote, start = [], 0, "", 0
    for at, sign in enumerate(inside):
        if quote:
            quote = "" if sign == quote and inside[at - 1] != "\\" else quote
        elif sign in "'`\"":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "," and not depth:
            parts.append(inside[start:at].strip())
            start = at + 1
    last = inside[start:].strip()
    return [*parts, last] if last else parts


@dataclass(frozen=True)
class _Fixed:
    width: int

    def skip_prefix(self, stream: Stream) -> None:
        """Nothing stands before the data."""

    def skip(self, stream: Stream, rows: int) -> None:
        stream.skip(self.width * rows)


@dataclass(frozen=True)
class _String:
    def skip_prefix(self, stream: Stream) -> None:
        """Nothing stands before the data."""

    def skip(self, stream: Stream, rows: int) -> None:
        stream.skip_strings(rows)


@dataclass(frozen=True)
class _Nullable:
    inner: Layout

    def skip_prefix(self, stream: Stream) -> None:
        self.inner.skip_prefix(stream)

    def skip(self, stream: Stream, rows: int) -> None:
        stream.skip(rows)
        self.inner.skip(stream, rows)


@dataclass(frozen=True)
class _Tuple:
    parts: tuple[Layout, ...]

    def skip_prefix(self, stream: Stream) -> None:
        for part in self.parts:
            part.skip_prefix(stream)

    def skip(self, stream: Stream, rows: int) -> None:
        for part in self.parts:
            part.skip(stream, rows)


@dataclass(frozen=True)
class _Array:
    inner: Layout

    def skip_prefix(self, stream: Stream) -> None:
        self.inner.skip_prefix(stream)

    def skip(self, stream: Stream, rows: int) -> None:
        if rows:
            stream.skip(8 * (rows - 1))
            self.inner.skip(stream, stream.uint64())


@dataclass(frozen=True)
class _LowCardinality:
    """A dictionary, then a key of 1, 2, 4 or 8 bytes for each row."""

    dictionary: Layout

    def skip_prefix(self, stream: Stream) -> None:
        stream.skip(8)

    def skip(self, stream: Stream, rows: int) -> None:
        if rows:
            key_width = 1 << (stream.uint64() & 0xF)
            self.dictionary.skip(stream, stream.uint64())
            stream.skip(stream.uint64() * key_width)


@lru_cache(maxsize=4096)
def _layout(type_name: str) -> Layout:
    """Return how a type is laid out.

    Raises:
        QueryError: if that is unknown.
    """
    matched = _FAMILY.fullmatch(_GEO.get(type_name, type_name))
    if matched is None:
        raise unsupported(f"the type {type_name}")
    family, inside = matched[1], matched[2] or ""
    if width := _width(family, inside):
        return _Fixed(width)
    return _nested(family, arguments(inside), type_name)


def _nested(family: str, inner: list[str], type_name: str) -> Layout:
    match family, inner:
        case "String", []:
            return _String()
        case "Nullable", [of]:
            return _Nullable(_layout(of))
        case "Array", [of]:
            return _Array(_layout(of))
        case "LowCardinality", [of]:
            return _LowCardinality(_layout(_NULLABLE.sub(r"\1", of)))
        case "SimpleAggregateFunction", [_, of]:
            return _layout(of)
        case (("Tuple" | "Map" | "Nested"), parts):
            row = _tuple(parts)
            return row if family == "Tuple" else _Array(row)
    raise unsupported(f"the type {type_name}")


def _tuple(parts: list[str]) -> Layout:
    if not parts:
        return _Fixed(1)
    types = (named[1] if (named := _NAMED_PART.match(part)) else part for part in parts)
    return _Tuple(tuple(map(_layout, types)))


def _width(family: str, inside: str) -> int | None:
    if family == "FixedString":
        return int(inside)
    if family == "Decimal":
        precision = int(inside.partition(",")[0])
        return next(width for digits, width in _DECIMAL_WIDTHS if precision <= digits)
    if family.startswith("Interval"):
        return 8
    return _FAMILY_WIDTHS.get(family) if inside else _WIDTHS.get(family)


def _stream(native: bytes) -> Stream:
    return Stream(iter((native, b"")).__next__)


def _head(column: Column) -> bytes:
    return text(column.name) + text(column.type)


def _skip_column(stream: Stream, type_name: str, rows: int) -> None:
    if not rows:
        return
    if _SELF_DESCRIBING.search(type_name):
        read_column(_DRIVER_CONTEXT, type_name, rows, stream.reader)
    else:
        layout = _layout(type_name)
        layout.skip_prefix(stream)
        layout.skip(stream, rows)


class _Revision(NamedTuple):
    used_revision: int = REVISION

    def get_timezone(self) -> str:
        return "UTC"


def _driver_context() -> Context:
    context = Context()
    context.settings = {}
    context.client_settings = {
        "namedtuple_as_json": False,
        "strings_as_bytes": True,
        "strings_encoding": "utf-8",
        "use_numpy": False,
    }
    context.server_info = _Revision()
    return context


_DRIVER_CONTEXT: Final = _driver_context()
