"""Mail of people whom the CRM came to know after it was heard gets what may be kept of it.

Two do so. The worker makes an activity of the header that waits, whichever source it came from; and
a source that is read again fetches the body, if it still has it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from contracts.capture_rows import QuarantineRow
from contracts.clock import Clock
from contracts.wire import Event
from ingest.gate import KnownPeople
from ingest.publish import LogPublisher
from ingest.run import Run
from ingest.source import HeaderFirst
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_PAGE: Final = 200

_WAITING: Final = """
    SELECT * FROM live.quarantine
    WHERE (source, external_id) > (%(after_source)s, %(after_id)s)
        AND if(%(source)s = '', matched_at IS NULL, source = %(source)s)
    ORDER BY source, external_id
    LIMIT %(page)s
"""


class Quarantine:
    """The headers that wait, and the people whom the CRM knows by now."""

    def __init__(self, reader: Reader, people: KnownPeople) -> None:
        self._reader = reader
        self._people = people
        self._seen: datetime | None = None

    def changed(self) -> bool:
        """Tell whether the CRM is another than when this was last noted. Raises as the reader."""
        return self._people.directory().crm_version != self._seen

    def note(self) -> None:
        """Note that nothing waits for the CRM as it is."""
        self._seen = self._people.directory().crm_version

    def known(self, source: str = "") -> Iterator[list[QuarantineRow]]:
        """Yield pages of what waits for people who are known by now; raises as the reader does.

        Args:
            source: whose bodies are wanted; without it, those whose header is still unused.
        """
        after = ("", "")
        while page := self._page(source, after):
            yield [row for row in page if self._people.know_one_of(row.outside)]
            after = (page[-1].source, page[-1].external_id)

    def _page(self, source: str, after: tuple[str, str]) -> list[QuarantineRow]:
        asked = {"source": source, "after_source": after[0], "after_id": after[1], "page": _PAGE}
        return self._reader.rows(QuarantineRow, _WAITING, asked)


class Latecomers:
    """Fetches the bodies of one source's mail whose people are known by now."""

    def __init__(self, quarantine: Quarantine, writer: Writer, clock: Clock) -> None:
        self._quarantine = quarantine
        self._writer = writer
        self._clock = clock

    async def catch_up(self, run: Run) -> None:
        """Publish what the source still has, and drop the headers. Call after a pass.

        A source that is read anew each time has published it in that pass. Raises as the source,
        the reader and the writer do; safe to repeat.
        """
        if run.source.kind != "mail" or not await run.in_thread(self._quarantine.changed):
            return
        pages = self._quarantine.known(run.source.name)
        while (page := await run.in_thread(next, pages, None)) is not None:
            await run.publish_late(await run.in_thread(_bodies, run, page))
            await run.in_thread(self._settle, page)
        await run.in_thread(self._quarantine.note)

    def _settle(self, page: list[QuarantineRow]) -> None:
        now = self._clock.now()
        rows = [
            replace(row, header="", matched_at=row.matched_at or now, settled_at=now)
            for row in page
        ]
        if rows:
            self._writer.write(rows)


def _bodies(run: Run, page: list[QuarantineRow]) -> list[Event]:
    """Return the events of what the source still has, in the runs that heard them first."""
    if not isinstance(run.source, HeaderFirst) or not run.source.resumes:
        return []
    first_run = {row.external_id: row.ingest_run for row in page}
    fetched = list(run.source.fetch(list(first_run))) if page else []
    return [
        replace(event, ingest_run=first_run[event.external_id]) for event in run.events(fetched)
    ]


class LateHeaders:
    """Makes activities of the headers whose people are known by now, whatever their source."""

    def __init__(
        self, reader: Reader, writer: Writer, publisher: LogPublisher, settings: Settings
    ) -> None:
        self._quarantine = Quarantine(reader, KnownPeople(reader, settings))
        self._writer = writer
        self._publisher = publisher
        self._settings = settings

    def find(self) -> list[QuarantineRow]:
        """Return what is to be published; nothing while the CRM stays the same. Blocks."""
        if not self._quarantine.changed():
            return []
        found = [row for page in self._quarantine.known() for row in page]
        if not found:
            self._quarantine.note()
        return found

    async def publish(self, rows: list[QuarantineRow]) -> None:
        """Publish the headers, as heard when they were. Raises as the publisher does."""
        await self._publisher.publish([self._event(row) for row in rows])

    def mark(self, rows: list[QuarantineRow], now: datetime) -> None:
        """Note that their headers are used; the bodies may still come. Blocks."""
        self._writer.write([replace(row, matched_at=now) for row in rows])

    def _event(self, row: QuarantineRow) -> Event:
        mode = self._settings.capture_of(row.observer).mode
        return Event(
            kind="mail",
            source=row.source,
            external_id=row.external_id,
            observer=row.observer,
            ingest_run=row.ingest_run,
            received_at=row.quarantined_at,
            payload=row.header.encode("latin-1"),
            captured="metadata" if mode == "metadata" else "subject",
            activity_id=row.activity_id,
            held_at=row.held_at,
        )
