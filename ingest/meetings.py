"""Makes activities of the meetings that calendars in mail told of, once they have ended.

Each goes the way of a call that a provider reports: into the log, and so to rows, privacy and
matching. What a provider reports of the same meeting stands (`ingest.fuller`).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

import msgspec
import structlog

from contracts.capture_rows import CursorRow
from contracts.clock import Clock
from contracts.company import Company
from contracts.invitation import InvitationRow
from contracts.wire import Event
from ingest.publish import LogPublisher
from transforms.calls import CallRecord
from transforms.meeting import PROVIDER, Due, due
from warehouse.reader import Reader
from warehouse.writer import Writer

log = structlog.get_logger()

SOURCE: Final = "calendar:mail"
INGEST_RUN: Final = "calendar"
CURSOR: Final = "calendar:ended"
"""Where it is kept until when the meetings that ended are published."""

_PAGE: Final = 500
_SETTLED: Final = timedelta(minutes=1)
_INSTANT: Final = timedelta(microseconds=1)
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(2299, 1, 1, tzinfo=UTC)

_SAID: Final = """
    SELECT series_id, max(ingested_at) AS said_at FROM raw.invitation
    WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC')
        OR until_at > toDateTime64(%(ended)s, 6, 'UTC')
    GROUP BY series_id
    ORDER BY series_id
"""
_SERIES: Final = """
    SELECT * FROM raw.invitation FINAL WHERE series_id IN %(ids)s
    ORDER BY series_id, method = 'reply', sequence DESC, stamped_at DESC
    LIMIT 1000 BY series_id
"""
_CURSOR: Final = "SELECT state FROM raw.source_cursor FINAL WHERE source = %(source)s"


class Meetings:
    """Knows when the next meeting of each series ends, and what was said since it last looked.

    A meeting that is published again, because more was said or because a worker took over, is the
    same activity. `catch_up` raises as the reader, the writer and the publisher do; safe to repeat.
    """

    def __init__(
        self, connections: tuple[Reader, Writer], publisher: LogPublisher, company: Company
    ) -> None:
        self._reader, self._writer = connections
        self._publisher = publisher
        self._company = company
        self.forget()

    def forget(self) -> None:
        """Begin from the kept cursor: another worker may go on in between."""
        self._looked_at: datetime | None = None
        self._next: dict[UUID, datetime] = {}
        self._heard: dict[UUID, datetime] = {}

    async def catch_up(self, clock: Clock) -> int:
        """Publish the meetings that ended, and those of which more was said; return how many."""
        now = clock.now()
        todo, heard = await asyncio.to_thread(self._todo, now)
        published = 0
        for page in _pages(sorted(todo)):
            found = await asyncio.to_thread(self._due, page, todo, now)
            events = [_event(call, now) for one in found.values() for call in one.meetings]
            await self._publisher.publish(events)
            published += len(events)
            for series, one in found.items():
                self._next.pop(series, None)
                if one.next_at:
                    self._next[series] = one.next_at
        self._looked_at, self._heard = now, heard
        if published:
            cursor = CursorRow(source=CURSOR, state=now.isoformat(), saved_at=now)
            await asyncio.to_thread(self._writer.write, [cursor])
        return published

    def _todo(self, now: datetime) -> tuple[dict[UUID, datetime], dict[UUID, datetime]]:
        """Return the series to look at, each with the moment after which its meetings count.

        And those of which something was said lately, with when.
        """
        looked_at = self._looked_at or self._kept()
        since = looked_at - _SETTLED
        ended = looked_at if self._looked_at is None else _NEVER
        said = self._reader.frame(_SAID, {"since": _text(since), "ended": _text(ended)})
        todo = {series: at - _INSTANT for series, at in self._next.items() if at <= now}
        heard: dict[UUID, datetime] = {}
        for series, said_at in zip(said["series_id"], said["said_at"], strict=True):
            is_new = said_at > since
            if is_new:
                heard[series] = said_at
            if self._heard.get(series) != said_at:
                todo[series] = _EVER if is_new else looked_at
        return todo, heard

    def _due(
        self, page: Sequence[UUID], after: Mapping[UUID, datetime], now: datetime
    ) -> dict[UUID, Due]:
        said = self._reader.rows(InvitationRow, _SERIES, {"ids": tuple(page)})
        return {
            series: self._due_of([*rows], after[series], now)
            for series, rows in groupby(said, attrgetter("series_id"))
        }

    def _due_of(self, said: Sequence[InvitationRow], after: datetime, now: datetime) -> Due:
        """Return what is due of one series; what nobody foresaw in it holds up no other."""
        try:
            return due(said, self._company, after, now)
        except Exception as error:  # noqa: BLE001 strangers' bytes, which stay stored
            log.warning("no meetings of a series", series=str(said[0].series_id), why=repr(error))
            return Due([], None)

    def _kept(self) -> datetime:
        state = str(self._reader.value(_CURSOR, {"source": CURSOR}) or "")
        return datetime.fromisoformat(state) if state else _EVER + _SETTLED


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _pages(series: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(series), _PAGE):
        yield series[start : start + _PAGE]


def _event(call: CallRecord, now: datetime) -> Event:
    payload = msgspec.json.encode(call)
    return Event(
        kind="call",
        source=SOURCE,
        external_id=f"{call.call_id}-{sha256(payload).hexdigest()[:16]}",
        observer=PROVIDER,
        ingest_run=INGEST_RUN,
        received_at=now,
        payload=payload,
    )
