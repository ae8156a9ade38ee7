"""To whom the stored activities belong: decided with the CRM as it is, again when it changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from msgspec.structs import replace

from contracts.capture_rows import CursorRow
from contracts.clock import Clock
from contracts.company import Company
from contracts.errors import Rejected
from contracts.matching import MatchRules
from contracts.rows import MatchRow
from contracts.wire import Recorded
from ingest import affected, stored
from ingest.directory import crm_version, read_directory, signature_phones
from ingest.pipeline import Partly, rejection
from ingest.stored import Stored
from transforms.directory import Directory
from transforms.identity import match
from transforms.memory import Memory, remembered
from warehouse.reader import Reader
from warehouse.writer import Writer

CURSOR: Final = "match:crm"
"""Where it is kept up to when the CRM's changes have been looked at."""

_MANY: Final = 10_000
"""From so many activities on, all are decided again: to ask for each thousand reads the tables."""
_PAGE: Final = 10_000
_ALWAYS: Final = datetime(1900, 1, 1, tzinfo=UTC)
_FRESH_SECONDS: Final = 2.0
_SIGNED_SECONDS: Final = 30.0
_CURSOR: Final = """
    SELECT state FROM raw.source_cursor FINAL WHERE source = %(source)s
"""


log = structlog.get_logger()


class Decisions(NamedTuple):
    """The decisions on a batch, and the activities on which deciding failed, with the reason."""

    rows: list[MatchRow]
    failed: list[tuple[Recorded, Rejected]]


class Matcher:
    """Decides with a directory that is at most a few seconds behind the CRM."""

    def __init__(
        self, reader: Reader, company: Company, clock: Clock, rules: MatchRules | None = None
    ) -> None:
        self._reader = reader
        self._company = company
        self._clock = clock
        self._rules = rules
        self._directory: Directory | None = None
        self._looked_at = 0.0
        self._learnt_at = monotonic()
        self._caught_up: datetime | None = None

    def match(self, recorded: Iterable[Recorded]) -> list[MatchRow]:
        """Return a decision for each activity, and for each of their threads that it changes.

        Raises as the reader does; Partly where some of the activities can't be decided.
        """
        batch = list(recorded)
        rows, failed = decide(self._reader, self._fresh(), batch, self._clock.now())
        places = {one.activity_id: place for place, one in enumerate(batch)}
        if refused := [
            (places[one.activity_id], one, why) for one, why in failed if one.activity_id in places
        ]:
            raise Partly(rows, refused)
        return rows

    def inherited(self, activity_id: UUID) -> list[MatchRow]:
        """Return new decisions of what follows in an activity's thread, once a person chose for it.

        Raises as the reader does.
        """
        found = [one for page in stored.of_ids(self._reader, [activity_id]) for one in page]
        batch = [one.recorded() for one in found]
        rows = decide(self._reader, self._fresh(), batch, self._clock.now()).rows
        return [row for row in rows if row.activity_id != activity_id]

    def catch_up(self, writer: Writer) -> int:
        """Decide again what was decided before the CRM changed; return how many changed.

        Costs one small query while the CRM stays the same; for a minute after a change it looks
        again each time, for decisions that were still under way.
        """
        version, now = crm_version(self._reader), self._clock.now()
        if version == self._caught_up:
            return 0
        changed = rematch(self._reader, writer, self._company, now, self._rules)
        self._caught_up = version if now - version > affected.SETTLED else None
        return changed

    def _fresh(self) -> Directory:
        if self._directory is None or monotonic() - self._looked_at > _FRESH_SECONDS:
            version = crm_version(self._reader)
            if self._directory is None or self._directory.crm_version != version:
                self._directory = read_directory(self._reader, self._company, self._rules)
            self._looked_at = monotonic()
        if monotonic() - self._learnt_at > _SIGNED_SECONDS:  # also to forget who was erased
            self._directory.learn(signature_phones(self._reader))
            self._learnt_at = monotonic()
        return self._directory


def decide(
    reader: Reader,
    directory: Directory,
    recorded: Sequence[Recorded],
    now: datetime,
    *,
    hindsight: bool = False,
) -> Decisions:
    """Return decisions in order of time, each knowing the earlier ones, in hindsight all.

    Of a thread whose mails are decided now, the later ones are decided again, for they inherit; and
    the earlier ones of which no deal was known, for what follows may tell it. What a person chose
    is not touched.
    """
    first = _first_by_thread(recorded)
    mates = stored.of_threads(reader, first)
    waiting = {one.activity_id: one for one in recorded}
    kept = [mate for mate in mates if mate.activity_id not in waiting]
    later = [mate for mate in kept if mate.event_time > first[mate.thread_id]]
    again = [mate for mate in later if mate.decided_by == "rule"]
    chosen = [mate for mate in mates if mate.decided_by not in {"", "rule"}]
    earlier = [mate for mate in kept if not mate.event_time > first[mate.thread_id]]
    told = [mate for mate in (kept if hindsight else earlier) if mate.decided_by]
    memory = Memory((mate.decided(directory) for mate in [*told, *chosen]), hindsight=hindsight)
    todo = [*waiting.values(), *(mate.recorded() for mate in again)]
    _recall_deals(reader, directory, todo, memory, now)
    fixed = {mate.activity_id for mate in chosen}
    before = {mate.activity_id: mate for mate in mates}
    rows, failed = _in_order(todo, directory, memory, now, fixed)
    if lost := [mate for mate in earlier if _waits_for_its_deal(mate)]:
        backwards = memory.in_hindsight()
        rows += _in_order((m.recorded() for m in lost), directory, backwards, now, fixed).rows
    mated = {mate.activity_id for mate in [*again, *lost]}
    return Decisions(
        [row for row in rows if row.activity_id not in mated or not _stands(row, before)], failed
    )


def _waits_for_its_deal(mate: Stored) -> bool:
    return mate.decided_by == "rule" and bool(mate.account_id) and not mate.opportunity_id


def rematch(
    reader: Reader,
    writer: Writer,
    company: Company,
    now: datetime,
    rules: MatchRules | None = None,
) -> int:
    """Decide again what the CRM's changes, or newer rules, may concern since it was last asked.

    Return how many decisions changed: those get a new row; a decision that stands only notes that
    it has seen the newer CRM. What a person chose is not touched. Costs one scan of the
    participants where contacts or accounts changed; where these concern many activities, as much as
    deciding everything. Safe to repeat, and to run beside the worker.
    """
    version = crm_version(reader)
    ids = affected.outdated(reader, company, _looked_until(reader), version)
    changed = 0
    again = _some if len(ids) < _MANY else _all
    directory = read_directory(reader, company, rules) if ids else None
    for rows in again(reader, ids, directory, now) if directory else ():
        writer.write(rows)
        changed += sum(row.matched_at == now for row in rows)
    writer.write([CursorRow(source=CURSOR, state=version.isoformat(), saved_at=now)])
    return changed


def everything(
    reader: Reader, directory: Directory, since: datetime, now: datetime
) -> Iterator[tuple[Stored, MatchRow]]:
    """Yield each activity since a moment, in order of time, with what would be decided of it now.

    Everything is read and decided twice, the second time in hindsight of the first. What a person
    chose is remembered, and not yielded; nor is an activity on which deciding fails.

    Raises as the reader does.
    """
    memory = Memory()
    for _ in _decided_since(reader, directory, since, now, memory):
        pass
    memory = memory.in_hindsight()
    yield from _decided_since(reader, directory, since, now, memory)


def _decided_since(
    reader: Reader, directory: Directory, since: datetime, now: datetime, memory: Memory
) -> Iterator[tuple[Stored, MatchRow]]:
    """Yield the activities since a moment with their decisions, and tell the memory of them."""
    for page in stored.since(reader, since):
        for one in page:
            if one.decided_by not in {"", "rule"}:
                memory.tell(one.decided(directory))
            elif isinstance(row := _decided(one.recorded(), directory, now, memory), MatchRow):
                memory.tell(remembered(one.recorded(), row, directory))
                yield one, row


def _some(
    reader: Reader, ids: Sequence[UUID], directory: Directory, now: datetime
) -> Iterator[list[MatchRow]]:
    """Yield the decisions of some activities: new where they differ, else with the CRM they saw."""
    for page in stored.of_ids(reader, ids):
        before = {one.activity_id: one for one in page}
        recorded = [one.recorded() for one in page]
        rows, _ = decide(reader, directory, recorded, now, hindsight=True)
        yield [_kept(row, before.get(row.activity_id)) for row in rows]


def _all(
    reader: Reader, ids: Sequence[UUID], directory: Directory, now: datetime
) -> Iterator[list[MatchRow]]:
    """Yield them likewise, with all others whose decisions differ, without asking for each."""
    asked = frozenset(ids)
    rows = (
        _kept(row, one)
        for one, row in everything(reader, directory, _ALWAYS, now)
        if one.decided_by and (one.activity_id in asked or not one.says_the_same(row))
    )
    while page := [*islice(rows, _PAGE)]:
        yield page


def _kept(row: MatchRow, before: Stored | None) -> MatchRow:
    stands = before is not None and before.says_the_same(row)
    return replace(row, matched_at=before.matched_at) if before and stands else row


def _stands(row: MatchRow, before: Mapping[UUID, Stored]) -> bool:
    mate = before.get(row.activity_id)
    return mate is not None and mate.says_the_same(row)


def _in_order(
    todo: Iterable[Recorded],
    directory: Directory,
    memory: Memory,
    now: datetime,
    fixed: Iterable[object],
) -> Decisions:
    found = Decisions([], [])
    for one in sorted(todo, key=lambda one: (one.event_time, one.activity_id)):
        row = _decided(one, directory, now, memory)
        if isinstance(row, Rejected):
            found.failed.append((one, row))
            continue
        if one.activity_id not in fixed:
            memory.tell(remembered(one, row, directory))
        found.rows.append(row)
    return found


def _decided(
    one: Recorded, directory: Directory, now: datetime, memory: Memory
) -> MatchRow | Rejected:
    """Return the decision on one activity; what else goes wrong in it concerns it alone."""
    try:
        return match(one, directory, now, memory)
    except Exception as error:  # noqa: BLE001 a bug is kept with its activity, to be replayed
        why = rejection(error)
        log.warning("can't be matched", activity_id=str(one.activity_id), why=str(why))
        return why


def _recall_deals(
    reader: Reader,
    directory: Directory,
    todo: Sequence[Recorded],
    memory: Memory,
    now: datetime,
) -> None:
    """Tell the memory who took part in the deals that these activities may be about."""
    first = [_decided(one, directory, now, memory) for one in todo]
    deals = {
        deal for row in first if isinstance(row, MatchRow) for deal in row.candidate_opportunity_id
    }
    waiting = set() if memory.hindsight else {one.activity_id for one in todo}
    for one in stored.of_deals(reader, deals):
        if one.activity_id not in waiting and one.decided_by:
            memory.tell(one.decided(directory))


def _first_by_thread(recorded: Iterable[Recorded]) -> dict[str, datetime]:
    """Return when the first mail of each thread happened, of those that are decided now."""
    first: dict[str, datetime] = {}
    for one in recorded:
        first[one.thread_id] = min(one.event_time, first.get(one.thread_id, one.event_time))
    return first


def _looked_until(reader: Reader) -> datetime | None:
    state = reader.value(_CURSOR, {"source": CURSOR})
    return datetime.fromisoformat(state) if state else None
