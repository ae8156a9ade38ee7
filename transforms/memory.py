"""What earlier decisions said: of a thread's mails, and of who took part in a deal."""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from transforms.deals import Involved


class Decided(NamedTuple):
    """An activity that has its match, ordered by when it happened.

    Attributes:
        people: those outside who took part: contacts, else addresses.
        decided_by: `rule`, or the person who chose.
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


class Memory:
    """The decisions so far, to be asked for what came before a moment.

    Telling it the same activity again replaces what was told before. The order in which it is told
    makes no difference.
    """

    def __init__(self, decided: Iterable[Decided] = ()) -> None:
        self._told: dict[UUID, Decided] = {}
        self._threads: dict[str, list[Decided]] = defaultdict(list)
        self._deals: dict[str, list[Decided]] = defaultdict(list)
        for one in decided:
            self.tell(one)

    def tell(self, decided: Decided) -> None:
        """Remember a decision."""
        if before := self._told.get(decided.activity_id):
            self._forget(before)
        self._told[decided.activity_id] = decided
        if decided.thread_id:
            insort(self._threads[decided.thread_id], decided, key=_when)
        if decided.opportunity_id:
            insort(self._deals[decided.opportunity_id], decided, key=_when)

    def thread(self, thread_id: str, activity_id: UUID, at: datetime) -> list[Decided]:
        """Return the thread's earlier activities, the newest first."""
        earlier = (
            one for one in self._threads.get(thread_id, ()) if _when(one) < (at, activity_id)
        )
        return [*earlier][::-1]

    def involved(self, opportunity_ids: Iterable[str], at: datetime) -> Mapping[str, Involved]:
        """Return who took part in each deal before a moment; a deal nobody knew is left out."""
        found = {}
        for opportunity_id in opportunity_ids:
            deal = self._deals.get(opportunity_id, ())
            earlier = [one for one in deal if one.event_time < at]
            if earlier:
                seen = {(one.thread_id, person) for one in earlier for person in one.people}
                people = Counter(person for _, person in seen)
                found[opportunity_id] = Involved(people, len({one.thread_id for one in earlier}))
        return found

    def _forget(self, decided: Decided) -> None:
        if decided.thread_id:
            self._threads[decided.thread_id].remove(decided)
        if decided.opportunity_id:
            self._deals[decided.opportunity_id].remove(decided)


def _when(decided: Decided) -> tuple[datetime, UUID]:
    return decided.event_time, decided.activity_id
