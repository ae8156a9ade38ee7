"""What earlier decisions said: of a thread's mails, and of who took part in a deal."""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.rows import MatchRow
from contracts.wire import Recorded
from transforms.deals import Involved
from transforms.directory import Directory
from transforms.naming import Name


class Decided(NamedTuple):
    """An activity that has its match, ordered by when it happened.

    Attributes:
        people: those outside who took part: contacts, else addresses.
        first: of these, who wrote or was written to first.
        decided_by: `rule`, or the person who chose.
        named: the names of deals and products that stand in it.
        shares: of each deal that it may be about, how probable that is.
    """

    event_time: datetime
    activity_id: UUID
    thread_id: str
    people: frozenset[str]
    account_id: str
    contact_id: str
    margin: float
    opportunity_id: str
    opportunity_margin: float
    decided_by: str
    named: frozenset[Name] = frozenset()
    first: frozenset[str] = frozenset()
    shares: tuple[tuple[str, float], ...] = ()


def remembered(recorded: Recorded, row: MatchRow, directory: Directory) -> Decided:
    """Return a decision as a memory keeps it."""
    return Decided(
        event_time=recorded.event_time,
        activity_id=recorded.activity_id,
        thread_id=recorded.thread_id,
        people=directory.people(recorded.outside, recorded.event_time),
        account_id=row.account_id,
        contact_id=row.contact_id,
        margin=row.margin,
        opportunity_id=row.opportunity_id,
        opportunity_margin=row.opportunity_margin,
        decided_by=row.decided_by,
        named=directory.named(row.account_id, recorded.text),
        first=directory.people(recorded.outside[:1], recorded.event_time),
        shares=_shares(row),
    )


def _shares(row: MatchRow) -> tuple[tuple[str, float], ...]:
    """Return how probable each deal is: the primary one by its margin; a person's is certain."""
    if row.decided_by != "rule":
        return ((row.opportunity_id, 1.0),) if row.opportunity_id else ()
    points = zip(row.candidate_opportunity_id, row.candidate_opportunity_points, strict=False)
    odds = {deal: 10 ** (own / 10) for deal, own in points if deal != row.opportunity_id}
    lead = 10 ** (row.opportunity_margin / 10) if row.opportunity_id else 0.0
    left = 1 / (1 + lead) / (1 + sum(odds.values()))
    primary = ((row.opportunity_id, lead / (1 + lead)),) if row.opportunity_id else ()
    return (*primary, *((deal, own * left) for deal, own in odds.items()))


class Memory:
    """The decisions so far, to be asked for what came before a moment, or in hindsight for all.

    It grows by some 700 bytes a decision: of what is equal in several, one is kept. Telling it the
    same activity again replaces what was told before. The order in which it is told makes no
    difference.

    Args:
        decided: to begin with.
        hindsight: whether what came later is remembered too.
    """

    def __init__(self, decided: Iterable[Decided] = (), *, hindsight: bool = False) -> None:
        self.hindsight = hindsight
        self._parts: dict[object, Any] = {}
        self._told: dict[UUID, Decided] = {}
        self._threads: dict[str, list[Decided]] = defaultdict(list)
        self._deals: dict[str, list[Decided]] = defaultdict(list)
        for one in decided:
            self.tell(one)

    def in_hindsight(self) -> "Memory":
        """Return what is remembered, with what came later."""
        return Memory(self._told.values(), hindsight=True)

    def tell(self, decided: Decided) -> None:
        """Remember a decision."""
        if before := self._told.get(decided.activity_id):
            self._forget(before)
        decided = self._sharing(decided)
        self._told[decided.activity_id] = decided
        if decided.thread_id:
            insort(self._threads[decided.thread_id], decided, key=_when)
        for opportunity_id, _ in decided.shares:
            insort(self._deals[opportunity_id], decided, key=_when)

    def thread(self, thread_id: str, activity_id: UUID, at: datetime) -> list[Decided]:
        """Return the thread's earlier activities, the newest first."""
        earlier = (
            one for one in self._threads.get(thread_id, ()) if _when(one) < (at, activity_id)
        )
        return [*earlier][::-1]

    def conversation(self, thread_id: str, activity_id: UUID, at: datetime) -> list[Decided]:
        """Return the thread's other activities: the earlier ones, in hindsight all."""
        if not self.hindsight:
            return self.thread(thread_id, activity_id, at)
        return [one for one in self._threads.get(thread_id, ()) if one.activity_id != activity_id]

    def involved(
        self, opportunity_ids: Iterable[str], at: datetime, beside: str
    ) -> Mapping[str, Involved]:
        """Return who took part in each deal, in hindsight or before a moment.

        A conversation counts as much as it is probable that it was about the deal. A deal that
        nobody knew is left out.

        Args:
            opportunity_ids: the deals.
            at: the moment.
            beside: the thread that is weighed: it is no evidence of itself.
        """
        found = {}
        for opportunity_id in opportunity_ids:
            shares: dict[str, float] = {}
            people: dict[str, set[str]] = defaultdict(set)
            for one in self._deals.get(opportunity_id, ()):
                if one.event_time >= at and not self.hindsight:
                    break
                thread = one.thread_id or str(one.activity_id)
                if thread != beside:
                    share = dict(one.shares)[opportunity_id]
                    shares[thread] = max(share, shares.get(thread, 0.0))
                    people[thread] |= one.people
            if shares:
                by_person: Counter[str] = Counter()
                for thread, share in shares.items():
                    by_person.update(dict.fromkeys(people[thread], share))
                found[opportunity_id] = Involved(by_person, sum(shares.values()))
        return found

    def _sharing(self, decided: Decided) -> Decided:
        """Return a decision whose thread and people are the very ones of others, where equal."""
        kept = self._parts.setdefault
        return decided._replace(
            thread_id=kept(decided.thread_id, decided.thread_id),
            people=kept(decided.people, decided.people),
            named=kept(decided.named, decided.named),
            first=kept(decided.first, decided.first),
        )

    def _forget(self, decided: Decided) -> None:
        if decided.thread_id:
            self._threads[decided.thread_id].remove(decided)
        for opportunity_id, _ in decided.shares:
            self._deals[opportunity_id].remove(decided)


def _when(decided: Decided) -> tuple[datetime, UUID]:
    return decided.event_time, decided.activity_id
