"""Brings in a source: reads it, publishes what it yields, and tells what became of everything."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import uuid4

import structlog

from contracts.clock import Clock, SystemClock
from contracts.errors import HeadwaterError, Retryable, UserError
from contracts.rows import CursorRow
from contracts.wire import Event
from ingest.account import Account, wait_for
from ingest.publish import Publisher
from ingest.source import Checkpoint, Heard, Source
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

MAX_EVENTS: Final = 100
MAX_BYTES: Final = 500_000
MAX_WAIT_SECONDS: Final = 60.0

_CURSOR: Final = """
    SELECT argMax(state, saved_at) FROM raw.source_cursor WHERE source = %(source)s
"""

Progress = Callable[[int], None]
"""Told, as they are published, how many events the log has so far."""

log = structlog.get_logger()


class _Piece(NamedTuple):
    """What is published at once, and the cursor that may be kept when the log has it."""

    heard: list[Heard]
    state: str | None


async def bring_in(
    settings: Settings,
    source: Source,
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Account:
    """Read a source into the log, wait until all of it has an outcome, and return the account.

    A cursor is kept only when the log has everything before it: whatever stops this, the next run
    misses nothing. A source that is followed is read until this is cancelled, which ends the run:
    the account is returned.

    Raises:
        UserError: if the source can't be read, or no worker carries out what was published.
    """
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    try:
        async with Publisher(settings) as publisher:
            run = _Run(source, publisher, writer, clock or SystemClock(), progress)
            state = await asyncio.to_thread(_kept_cursor, reader, source)
            await run.read(state)
        return await wait_for(reader, source.name, run.ingest_run, run.sent)
    finally:
        reader.close()
        writer.close()


class _Run:
    """One run of one source."""

    def __init__(
        self,
        source: Source,
        publisher: Publisher,
        writer: Writer,
        clock: Clock,
        progress: Progress | None,
    ) -> None:
        self.ingest_run = f"{source.kind}-{clock.now():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
        self.sent = 0
        self._source = source
        self._publisher = publisher
        self._writer = writer
        self._clock = clock
        self._progress = progress
        self._sent_since_checkpoint: set[str] = set()

    async def read(self, state: str) -> None:
        """Publish what comes after a cursor; then what is new, until cancelled, if followed."""
        self._state = state
        if self._source.follow_seconds is None:
            await self._read_once()
            return
        with suppress(asyncio.CancelledError):
            await self._follow(self._source.follow_seconds)
        _not_cancelled()

    async def _follow(self, every_seconds: float) -> None:
        await self._read_once()  # what is wrong from the beginning is told, and not tried again
        wait = every_seconds
        while True:
            await asyncio.sleep(wait)
            try:
                await self._read_once()
                wait = every_seconds
            except (Retryable, UserError) as error:
                wait = min(2 * wait, MAX_WAIT_SECONDS)
                log.warning("source can't be read now", source=self._source.name, why=str(error))

    async def _read_once(self) -> None:
        items = iter(self._source.read(self._state))
        while piece := await asyncio.to_thread(_piece, items):
            await self._publish(piece.heard)
            if piece.state is not None:
                await self._keep(piece.state)

    async def _publish(self, heard: list[Heard]) -> None:
        """Publish what was not sent yet: after an error, a followed source repeats itself."""
        new = [item for item in heard if item.external_id not in self._sent_since_checkpoint]
        if not new:
            return
        try:
            await self._publisher.publish([self._event(item) for item in new])
        except HeadwaterError as error:
            raise UserError(
                f"the log takes no more after {self.sent:,} events: {error}. What it has is safe; "
                "look at the disk it is on, then run this again: what was heard counts as repeated"
            ) from error
        if self._source.follow_seconds is not None:
            self._sent_since_checkpoint |= {item.external_id for item in new}
        self.sent += len(new)
        if self._progress:
            self._progress(self.sent)

    async def _keep(self, state: str) -> None:
        cursor = CursorRow(source=self._source.name, state=state, saved_at=self._clock.now())
        await asyncio.to_thread(self._writer.write, [cursor])
        self._state = state
        self._sent_since_checkpoint.clear()

    def _event(self, item: Heard) -> Event:
        return Event(
            kind=self._source.kind,
            source=self._source.name,
            external_id=item.external_id,
            observer=item.observer,
            ingest_run=self.ingest_run,
            received_at=self._clock.now(),
            payload=item.payload,
        )


def _not_cancelled() -> None:
    """Take back the cancellation that ended a following run: the account is still to come."""
    if task := asyncio.current_task():
        task.uncancel()


def _piece(items: Iterator[Heard | Checkpoint]) -> _Piece | None:
    """Return what is published next, up to a checkpoint; None at the end. Blocks."""
    heard: list[Heard] = []
    size = 0
    for item in items:
        if isinstance(item, Checkpoint):
            return _Piece(heard, item.state)
        heard.append(item)
        size += len(item.payload)
        if len(heard) >= MAX_EVENTS or size >= MAX_BYTES:
            break
    return _Piece(heard, None) if heard else None


def _kept_cursor(reader: Reader, source: Source) -> str:
    return str(reader.value(_CURSOR, {"source": source.name})) if source.resumes else ""
