"""The walker over Native blocks, against blocks that the engine itself wrote."""

from collections.abc import Iterator
from typing import Any

import pytest
from chdb import _chdb
from clickhouse_cityhash.cityhash import (  # type: ignore[import-untyped]  # it has no types
    CityHash128,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from local.clickhouse.errors import QueryError
from local.clickhouse.native import Column, arguments, blocks_of, header, read_block, retyped
from local.clickhouse.wire import Stream, compress, decompress, text, varint

VALUES = [
    "1::UInt8",
    "toInt256(-1)",
    "toBFloat16(1.5)",
    "1.5::Decimal(76, 3)",
    "'a'::FixedString(3)",
    "generateUUIDv4()",
    "now()",
    "toDateTime64('2026-11-23 12:00:00', 3, 'Asia/Tokyo')",
    "INTERVAL 3 DAY",
    "'x'::Enum16('x, (' = 1, 'x' = 2)",
    "NULL",
    "toNullable('a')",
    "'a'::LowCardinality(String)",
    "NULL::LowCardinality(Nullable(FixedString(3)))",
    "[[1, 2], []]",
    "['a', 'b']::Array(LowCardinality(String))",
    "tuple()",
    "(1, 'a', [(2, NULL)])",
    "CAST((1, 'a'), 'Tuple(`a b` UInt8, c String)')",
    "map('a', [1], 'b', [])",
    "map('a', 'b')::Map(LowCardinality(String), LowCardinality(Nullable(String)))",
    "CAST([(1, 'a')], 'Nested(a UInt8, b String)')",
    "toIPv6('::1')",
    "((1, 2), [(1, 2), (3, 4)])::Tuple(Point, Ring)",
    "[[[(1, 2)]]]::MultiPolygon",
    "1::SimpleAggregateFunction(max, UInt64)",
    '\'{"a": {"b": 1}}\'::JSON',
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    connection = _chdb.connect(":memory:")  # its stubs forget it
    yield connection
    connection.close()


def chopped(data: bytes, size: int) -> Stream:
    """The bytes, as they may come over a socket."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return Stream(iter([*pieces, b""]).__next__)


def kinds(native: bytes) -> list[str]:
    return [column.type for column in next(blocks_of(native)).columns]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("value", VALUES)
def test_a_block_ends_where_the_engine_ended_it(engine: Any, value: str, size: int) -> None:
    sql = f"SELECT {value} AS v, number AS n FROM numbers(3)"
    block = engine.query(sql, "Native").bytes()
    stream = chopped(block + b"what follows", size)
    read = read_block(stream)
    assert (read.native, read.rows) == (block, 3)
    assert [column.name for column in read.columns] == ["v", "n"]
    assert stream.read(12) == b"what follows"


def test_a_result_is_all_of_its_blocks(engine: Any) -> None:
    result = engine.query("SELECT number FROM numbers(25) SETTINGS max_block_size = 10", "Native")
    blocks = list(blocks_of(result.bytes()))
    assert [block.rows for block in blocks] == [10, 10, 5]
    assert b"".join(block.native for block in blocks) == result.bytes()


def test_a_type_of_unknown_layout_is_told(engine: Any) -> None:
    block = engine.query("SELECT uniqState(1) AS v", "Native").bytes()
    with pytest.raises(QueryError, match="AggregateFunction"):
        read_block(chopped(block, 100))


def test_a_header_names_its_columns() -> None:
    columns = (Column("a", "UInt8"), Column("b c", "DateTime('UTC')"))
    assert next(blocks_of(header(columns))).columns == columns


def test_retyping_changes_types_and_nothing_else(engine: Any) -> None:
    sql = "SELECT 'x' AS s, toDateTime(0, 'Asia/Tokyo') AS t, [number] AS n FROM numbers(2)"
    block = engine.query(sql, "Native").bytes()
    types = ["String", "DateTime('Asia/Tokyo')", "Array(UInt64)"]
    changed = retyped(block, types)
    assert kinds(changed) == types
    assert retyped(changed, kinds(block)) == block


def test_arguments_are_split_at_their_own_commas_alone() -> None:
    inside = "a Enum8('x, (' = 1, 'y\\'' = 2), `b, c` Map(String, UInt8), UInt8"
    assert arguments(inside) == [
        "a Enum8('x, (' = 1, 'y\\'' = 2)",
        "`b, c` Map(String, UInt8)",
        "UInt8",
    ]


@given(st.lists(st.text(), max_size=5), st.integers(0, 2**63), st.integers(1, 9))
@settings(max_examples=50)
def test_numbers_and_strings_come_back(strings: list[str], number: int, size: int) -> None:
    sent = varint(number) + b"".join(map(text, strings))
    stream = chopped(sent, size)
    assert stream.varint() == number
    assert [stream.text() for _ in strings] == strings


@given(st.binary(min_size=1, max_size=2_000), st.integers(1, 50))
@settings(max_examples=50)
def test_a_frame_comes_back(content: bytes, size: int) -> None:
    assert decompress(chopped(compress(content), size)) == content


def test_a_corrupted_frame_is_told() -> None:
    frame = bytearray(compress(b"rows" * 100))
    frame[-1] ^= 1
    with pytest.raises(QueryError, match="corrupted"):
        decompress(chopped(bytes(frame), 100))


def test_an_unknown_compression_is_told() -> None:
    body = b"\x99" + (13).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"rows"
    high, low = divmod(CityHash128(body), 1 << 64)
    checksum = high.to_bytes(8, "little") + low.to_bytes(8, "little")
    with pytest.raises(QueryError, match="0x99"):
        decompress(chopped(checksum + body, 100))


@given(st.binary(max_size=300), st.integers(1, 40), st.data())
@settings(max_examples=50)
def test_what_was_read_since_a_mark_can_be_had(data: bytes, size: int, draw: st.DataObject) -> None:
    before = draw.draw(st.integers(0, len(data)))
    count = draw.draw(st.integers(0, len(data) - before))
    stream = chopped(data, size)
    stream.skip(before)
    stream.mark()
    stream.skip(count)
    assert stream.take() == data[before : before + count]
    assert stream.read(len(data) - before - count) == data[before + count :]
