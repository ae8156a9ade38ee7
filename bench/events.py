"""An event of twenty columns and about 600 bytes, its table, and as many of them as one wants.

Contenders of other environments import this: it needs msgspec alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import ClassVar
from uuid import UUID

import msgspec

from contracts.rows import Row

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORDS = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text().split()


class EventRow(Row, frozen=True, kw_only=True):
    """Twenty columns, as an event has them."""

    table: ClassVar[str] = "bench.event"

    event_id: UUID
    event_time: datetime
    received_at: datetime
    source: str
    kind: str
    actor: str
    subject: str
    message: str
    country: str
    device: str
    session_id: str
    url: str
    referrer: str
    revenue: float
    score: float
    duration_seconds: int
    retries: int
    bytes_sent: int
    is_automatic: bool
    is_ours: bool


class EventEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """One message: one event, or many from a bulk source."""

    schema_version: int = 1
    events: tuple[EventRow, ...]


decode = msgspec.msgpack.Decoder(EventEnvelope).decode
encode = msgspec.msgpack.Encoder().encode

_KINDS = {
    UUID: "UUID",
    datetime: "DateTime64(6, 'UTC')",
    float: "Float64",
    int: "Int64",
    bool: "Bool",
}


def create_table(name: str) -> str:
    """Return the statement that makes an event table, as durable as the platform's own."""
    kinds = {column: EventRow.__annotations__[column] for column in EventRow.__struct_fields__}
    columns = ", ".join(f"{key} {_KINDS.get(kind, 'String')}" for key, kind in kinds.items())
    return (
        f"CREATE TABLE {name} ({columns}) ENGINE = ReplacingMergeTree ORDER BY event_id "
        "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
    )


def events(count: int, seed: int = 7) -> Iterator[EventRow]:
    """Yield made-up events, the same ones for the same seed."""
    random = Random(seed)
    for _ in range(count):
        yield _event(random)


def _event(random: Random) -> EventRow:
    return EventRow(
        event_id=UUID(int=random.getrandbits(128), version=4),
        event_time=_moment(random),
        received_at=_moment(random),
        source="webhook:site",
        kind=random.choice(("view", "click", "reply")),
        actor=f"person{random.randrange(5_000)}@acme.example",
        subject=_text(random, 5),
        message=_text(random, 30),
        country="DE",
        device="phone",
        session_id=str(random.random()),
        url="https://site.example/" + _text(random, 1),
        referrer="",
        revenue=random.random() * 1_000,
        score=random.random(),
        duration_seconds=random.randrange(10_000),
        retries=0,
        bytes_sent=random.randrange(10**9),
        is_automatic=False,
        is_ours=random.random() < 0.5,
    )


def _moment(random: Random) -> datetime:
    return NOW - timedelta(microseconds=random.randrange(10**13))


def _text(random: Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words))
