"""A replay sends what waits when it begins, in the real warehouse; only the log is left out."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from typing_extensions import override

from contracts.clock import ManualClock
from contracts.rows import DeadLetterRow
from contracts.topics import Topic
from contracts.wire import DeadLetter, Event, RecordedBatch
from ingest.dead_letter import to_row
from ingest.publish import LogPublisher
from ingest.replay import Replayer
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WAITING = "SELECT count() FROM live.dead_letter WHERE replayed_at IS NULL"


class FailingAtOnce(LogPublisher):
    """A log whose worker fails on each event before the next page is read."""

    def __init__(self, writer: Writer, clock: ManualClock) -> None:
        self._writer, self._clock = writer, clock
        self.published = 0

    @override
    async def publish(self, events: Iterable[Event]) -> None:
        self._clock.advance(timedelta(seconds=1))
        letters = [failed(event, self._clock.now()) for event in events]
        self.published += len(letters)
        self._writer.write(letters)

    @override
    async def send(
        self, topic: Topic, key: str, messages: Iterable[RecordedBatch | DeadLetter]
    ) -> None:
        assert list(messages) == []


def test_what_fails_again_during_a_replay_is_not_sent_again_by_it(
    reader: Reader, writer: Writer
) -> None:
    count = 120
    writer.write(unreadable(count))
    clock = ManualClock(NOON)
    publisher = FailingAtOnce(writer, clock)
    sent = asyncio.run(Replayer(reader, writer, publisher, clock).replay())
    assert sent == publisher.published == count
    assert reader.value(WAITING) == count


def unreadable(count: int) -> Sequence[DeadLetterRow]:
    return [
        failed(
            Event(
                kind="mail", source="eml:/unreadable", external_id=str(number), observer="x",
                ingest_run="r", received_at=NOON, payload=b"\n",
            ),
            NOON,
        )
        for number in range(count)
    ]  # fmt: skip


def failed(event: Event, at: datetime) -> DeadLetterRow:
    """Return the letter of an event that failed; its place in the log, and so its id, is new."""
    letter = DeadLetter(
        topic=f"headwater.mail.{uuid4()}", partition=0, offset=1, position=0,
        reason="no_participants", detail="", failed_at=at, event=event,
    )  # fmt: skip
    return to_row(letter)
