"""One run of one source: passes over what is new, each published before its cursor is kept."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import uuid4

from contracts.capture_rows import CursorRow, WithdrawalRow
from contracts.clock import EARLIEST, LATEST, Clock
from contracts.errors import HeadwaterError, UserError
from contracts.wire import Event
from ingest.gate import Gate
from ingest.publish import LogPublisher
from ingest.source import (
    Checkpoint,
    Found,
    Glimpse,
    HeaderFirst,
    Heard,
    Patient,
    Source,
    Withdrawn,
)
from warehouse.reader import Reader
from warehouse.writer import Writer

MAX_EVENTS: Final = 100
MAX_BYTES: Final = 500_000

_CURSOR: Final = """
    SELECT argMax(state, saved_at) FROM raw.source_cursor WHERE source = %(source)s
"""

Progress = Callable[[int], None]
"""Told, as they are published, how many events the log has so far."""

Result = TypeVar("Result")


class Piece(NamedTuple):
    """What is published at once, and the cursor that may be kept when the log has it."""

    heard: list[Heard]
    glimpsed: list[Glimpse]
    withdrawn: list[Withdrawn]
    state: str | None


class Run:
    """Reads a source in a thread of its own, and publishes no more of it than may be kept.

    Attributes:
        sent: how many events the log has.
        unknown: how many of them are of people whom the CRM does not know.
    """

    def __init__(
        self,
        source: Source,
        publisher: LogPublisher,
        warehouse: tuple[Reader, Writer],
        gate: Gate,
        clock: Clock,
    ) -> None:
        self.source = source
        self.ingest_run = f"{source.kind}-{clock.now():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
        self.sent = self.unknown = 0
        self._publisher = publisher
        self._reader, self._writer = warehouse
        self._gate = gate
        self._clock = clock
        self._progress: Progress | None = None
        self._state: str | None = None
        self._has_caught_up = False
        self._sent_since_checkpoint: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=source.name)

    async def read(self) -> None:
        """Publish what comes after the cursor, up to the end. Raises as the source does.

        An error leaves what was published before it, and the cursor at the last checkpoint.
        """
        if self._state is None:
            self._state = await self.in_thread(self._kept_cursor)
            self._has_caught_up = bool(self._state)
        items = iter(self.source.read(self._state))
        try:
            while piece := await self.in_thread(_piece, items):
                await self._take(piece)
            self._has_caught_up = True
        finally:
            self._thread.submit(_leave, items)

    async def publish_late(self, events: Sequence[Event]) -> None:
        """Publish events of earlier runs; raises UserError if the log takes no more."""
        try:
            await self._publisher.publish(events)
        except HeadwaterError as error:
            raise UserError(
                f"the log takes no more after {self.sent:,} events: {error}. What it has is safe; "
                "look at the disk it is on, then run this again: what was heard counts as repeated"
            ) from error

    async def _publish(self, events: Sequence[Event]) -> None:
        await self.publish_late(events)
        self.sent += len(events)
        self.unknown += sum(event.captured in {"unknown", "quarantined"} for event in events)
        if self._progress:
            self._progress(self.sent)

    def tell(self, progress: Progress | None) -> None:
        """Tell somebody the progress from now on."""
        self._progress = progress

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do something in the one thread in which the source is used."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def events(self, items: Sequence[Heard | Glimpse]) -> list[Event]:
        """Return the events of what was heard, with no more than may be kept. Blocks."""
        return [self._gate.passed(self._event(item)) for item in items]

    def leave(self) -> None:
        """Let the source close what it holds open, and its thread end: now, if it is waiting."""
        if isinstance(self.source, Patient):
            self.source.close()
            self._thread.submit(self.source.close)  # it may have been opened in between
        self._thread.shutdown(wait=False)

    async def _take(self, piece: Piece) -> None:
        """Publish a piece, but for what was sent since the checkpoint that an error led back to."""
        done = self._sent_since_checkpoint
        heard = [item for item in piece.heard if item.external_id not in done]
        glimpsed = [item for item in piece.glimpsed if item.external_id not in done]
        events = await self.in_thread(self._kept_of, heard, glimpsed)
        if events:
            await self._publish(events)
        done.update(event.external_id for event in events)
        if piece.withdrawn:
            await self.in_thread(self._writer.write, [*map(self._withdrawal, piece.withdrawn)])
        if piece.state is not None:
            await self._keep(piece.state)

    def _kept_of(self, heard: list[Heard], glimpsed: list[Glimpse]) -> list[Event]:
        """Return the events of a piece, once the bodies that may be kept are fetched. Blocks."""
        wanted = {item.external_id for item in glimpsed if self._gate.wants_body(item)}
        left = [item for item in glimpsed if item.external_id not in wanted]
        return self.events([*heard, *left]) + self.events(list(self._fetched(sorted(wanted))))

    def _fetched(self, wanted: list[str]) -> Iterator[Heard]:
        if wanted and isinstance(self.source, HeaderFirst):
            yield from self.source.fetch(wanted)

    async def _keep(self, state: str) -> None:
        if state != self._state:
            cursor = CursorRow(source=self.source.name, state=state, saved_at=self._clock.now())
            await self.in_thread(self._writer.write, [cursor])
        self._state = state
        self._sent_since_checkpoint.clear()

    def _withdrawal(self, item: Withdrawn) -> WithdrawalRow:
        return WithdrawalRow(
            source=self.source.name,
            external_id=item.external_id,
            observer=item.observer,
            noticed_at=self._clock.now(),
        )

    def _event(self, item: Heard | Glimpse) -> Event:
        return Event(
            kind=self.source.kind,
            source=self.source.name,
            external_id=item.external_id,
            observer=item.observer,
            ingest_run=self.ingest_run,
            received_at=self._clock.now(),
            payload=item.payload,
            held_at=_believed(item.held_at),
            is_live=self._has_caught_up and self.source.follow_seconds is not None,
        )

    def _kept_cursor(self) -> str:
        if not self.source.resumes:
            return ""
        return str(self._reader.value(_CURSOR, {"source": self.source.name}))


def _piece(items: Iterator[Found]) -> Piece | None:
    """Return what is published next, up to a checkpoint; None at the end. Blocks."""
    found: list[Heard | Glimpse | Withdrawn] = []
    size = 0
    for item in items:
        if isinstance(item, Checkpoint):
            return _sorted(found, item.state)
        found.append(item)
        size += 0 if isinstance(item, Withdrawn) else len(item.payload)
        if len(found) >= MAX_EVENTS or size >= MAX_BYTES:
            break
    return _sorted(found, None) if found else None


def _sorted(found: list[Heard | Glimpse | Withdrawn], state: str | None) -> Piece:
    return Piece(
        [item for item in found if isinstance(item, Heard)],
        [item for item in found if isinstance(item, Glimpse)],
        [item for item in found if isinstance(item, Withdrawn)],
        state,
    )


def _believed(moment: datetime | None) -> datetime | None:
    """Return a time; None for one that no table keeps: strangers set those of files and mails."""
    return moment if moment and EARLIEST <= moment <= LATEST else None


def _leave(items: Iterator[Found]) -> None:
    """Let a source that is not read to its end close what it has open."""
    if hasattr(items, "close"):
        items.close()
