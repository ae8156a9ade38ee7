"""Dead letters sent again, as they were: after the code or the settings were corrected."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from msgspec.structs import replace

from contracts import topics
from contracts.clock import Clock, SystemClock
from contracts.errors import Rejected
from contracts.rows import DeadLetterRow
from contracts.wire import Event, Recorded, RecordedBatch, decode_envelope, decode_recorded
from ingest.dead_letter import to_event
from ingest.publish import LogPublisher, Publisher
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_PAGE: Final = 50

_WAITING: Final = """
    SELECT * FROM live.dead_letter
    WHERE replayed_at IS NULL
        AND failed_at <= toDateTime64(%(until)s, 6, 'UTC')
        AND (%(reason)s = '' OR reason = %(reason)s)
        AND (%(source)s = '' OR source = %(source)s)
        AND (%(any_id)s OR dead_letter_id IN %(ids)s)
        AND dead_letter_id > %(after)s
    ORDER BY dead_letter_id
    LIMIT %(page)s
"""
_NEWEST: Final = "SELECT toString(max(failed_at)) FROM live.dead_letter"

log = structlog.get_logger()


async def replay(
    settings: Settings,
    *,
    reason: str = "",
    source: str = "",
    ids: Sequence[UUID] = (),
    clock: Clock | None = None,
) -> int:
    """Send the waiting dead letters again that fit all that is given; return how much they hold.

    What was heard is heard again; an activity that could not be matched is decided again.

    A letter is marked only when the log has it. One that fails again waits again, as a new letter
    that this replay leaves alone; one whose message this code still can't read stays as it is.
    """
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    try:
        async with Publisher(settings) as publisher:
            replayer = Replayer(reader, writer, publisher, clock or SystemClock())
            return await replayer.replay(reason=reason, source=source, ids=ids)
    finally:
        reader.close()
        writer.close()


class Replayer:
    """Sends dead letters again over connections that are open already."""

    def __init__(
        self, reader: Reader, writer: Writer, publisher: LogPublisher, clock: Clock
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._publisher = publisher
        self._clock = clock

    async def replay(self, *, reason: str = "", source: str = "", ids: Sequence[UUID] = ()) -> int:
        """Do what the function of the same name promises."""
        chosen = {
            "reason": reason,
            "source": source,
            "any_id": not ids,
            "ids": tuple(ids) or (UUID(int=0),),
            "page": _PAGE,
            "until": await asyncio.to_thread(self._reader.value, _NEWEST),
        }
        sent, after = 0, UUID(int=0)
        while page := await asyncio.to_thread(
            self._reader.rows, DeadLetterRow, _WAITING, chosen | {"after": after}
        ):
            sent += await self._send(page)
            after = page[-1].dead_letter_id
        return sent

    async def _send(self, letters: Sequence[DeadLetterRow]) -> int:
        readable = {letter: held for letter in letters if (held := _held(letter))}
        to_send = [one for held in readable.values() for one in held]
        events = (replace(one, is_live=False) for one in to_send if isinstance(one, Event))
        await self._publisher.publish(events)
        recorded = tuple(one for one in to_send if isinstance(one, Recorded))
        batches = [RecordedBatch(activities=recorded)] if recorded else []
        await self._publisher.send(topics.ACTIVITIES, topics.ACTIVITIES.name, batches)
        now = self._clock.now()
        await asyncio.to_thread(
            self._writer.write, [replace(letter, replayed_at=now) for letter in readable]
        )
        return len(to_send)


def _held(letter: DeadLetterRow) -> tuple[Event | Recorded, ...]:
    """Return what the letter holds, an event or a message's; nothing while it can't be read."""
    if letter.is_event:
        return (to_event(letter),)
    data = b64decode(letter.event_base64)
    try:
        if letter.topic == topics.ACTIVITIES.name:
            return decode_recorded(data).activities
        return decode_envelope(data).events
    except Rejected as rejected:
        log.warning("dead letter can't be read yet", id=letter.dead_letter_id, why=str(rejected))
        return ()
