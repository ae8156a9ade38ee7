"""To whom an activity belongs: account and contact, by a ladder of rules that says why.

docs/matching.md has the ladder, what gives how many points, and what a margin is worth; which of
the account's deals is meant, `transforms.opportunity` tells.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from contracts.matching import PERSON_POINTS
from contracts.rows import MatchRow
from contracts.wire import Recorded
from transforms.directory import Directory, Found
from transforms.memory import Decided, Memory
from transforms.opportunity import with_deals
from transforms.tiebreak import SAYS, broken

RULE_VERSION: Final = 6
MAX_CANDIDATES: Final = 20

POINTS: Final[Mapping[str, float]] = {
    "contact": 30.0,
    "lead": 16.0,
    "domain": 20.0,
    "parent_domain": 16.0,
    "signature": 15.0,
}
"""What an address gives to an account by the rule that found it."""
FURTHER_POINTS: Final = 3.0
"""What each further address of the same account gives, up to `_MOST_FURTHER` of them."""
TIEBREAK_POINTS: Final = 4.0
"""What each tiebreaker gives to the account that it chose."""
PARTNER_POINTS: Final = 10.0
"""What is taken off a partner: who helps to sell is often in copy for a buyer that nobody knows."""

_MOST_FURTHER: Final = 3
_NOBODY: Final = (
    "No contact has one of its addresses, no lead tells of an account, and no account has one of "
    "their domains"
)
_BY_ADDRESS: Final = ("contact", "lead", "domain", "parent_domain", "signature")


@dataclass
class _Candidate:
    """An account that some rule found."""

    account_id: str
    contact_id: str = ""
    evidence: str = ""
    best: float = 0.0
    addresses: set[str] = field(default_factory=set)
    extra: float = 0.0

    @property
    def points(self) -> float:
        further = min(len(self.addresses) - 1, _MOST_FURTHER)
        return self.best + FURTHER_POINTS * max(further, 0) + self.extra


def match(
    recorded: Recorded, directory: Directory, matched_at: datetime, memory: Memory | None = None
) -> MatchRow:
    """Return to whom an activity belongs, by the first rule that finds anything.

    A reply inherits its thread's account and deal; only those who were added are matched. Else the
    first rule that finds an account decides: an address of a contact as of then, a lead's address,
    the domain of an account, a domain above it, a number that one of these signs with. A rule that
    finds several leaves it to the tiebreakers, and skips where they can't tell: no later rule is
    asked. Partners give way: where a rule finds nobody else, they wait for what the next one finds.

    Args:
        recorded: the activity.
        directory: the CRM, and the company's rules.
        matched_at: when this is decided.
        memory: what was decided earlier; it is not told of this decision (see `remembered`).
    """
    memory = memory or Memory()
    ladder = _Ladder(recorded, directory, memory, matched_at)
    parent = ladder.parent()
    row = ladder.inherited(parent) if parent else ladder.found()
    return with_deals(row, recorded, directory, memory, parent) if row.account_id else row


class _Ladder:
    """The rules applied to one activity."""

    def __init__(
        self, recorded: Recorded, directory: Directory, memory: Memory, matched_at: datetime
    ) -> None:
        self._recorded, self._directory, self._memory = recorded, directory, memory
        self._rules, self._at = directory.rules, recorded.event_time
        self._found = self._by_address()
        self._candidates: dict[str, _Candidate] = {}
        for hits in self._found.values():
            for address, hit in hits:
                self._count(address, hit)
        self._undecided = MatchRow(
            activity_id=recorded.activity_id,
            decided_by="rule",
            matched_at=matched_at,
            account_id="",
            contact_id="",
            rule="none",
            reason=_NOBODY,
            candidate_account_id=(),
            rule_version=RULE_VERSION,
            rules=self._rules.fingerprint,
            crm_version=directory.crm_version,
        )

    def found(self) -> MatchRow:
        """Return the decision of the first rule of addresses that fires."""
        waiting: tuple[str, list[str]] | None = None
        for rule in _BY_ADDRESS:
            accounts = list(dict.fromkeys(hit.account_id for _, hit in self._found[rule]))
            if buyers := [one for one in accounts if not self._gives_way(one)]:
                return self._chosen(rule, buyers)
            waiting = waiting or ((rule, accounts) if accounts else None)
        return self._chosen(*waiting) if waiting else self._undecided

    def _by_address(self) -> dict[str, list[tuple[str, Found]]]:
        """Return what each rule finds, address by address; of a contact, only the contact.

        Of a lead, the domain of the address as well: where both tell of one account, it is certain.
        """
        found: dict[str, list[tuple[str, Found]]] = {rule: [] for rule in _BY_ADDRESS}
        for address in self._recorded.outside:
            hits = [*self._directory.by_contact(address, self._at)]
            hits = hits or [
                *self._directory.by_lead(address, self._at),
                *self._directory.by_domain(address),
            ]
            for hit in hits or self._directory.by_signature(address, self._at):
                if hit.rule == "contact" or getattr(self._rules, hit.rule):
                    found[hit.rule].append((address, hit))
        return found

    def _count(self, address: str, hit: Found) -> None:
        """Count what an address gives to an account; the ladder's first rule says why."""
        known = self._candidates.setdefault(hit.account_id, _Candidate(hit.account_id))
        known.addresses.add(address)
        known.best = max(known.best, POINTS[hit.rule])
        if not known.evidence:
            known.contact_id = hit.contact_id
            known.evidence = f"{hit.evidence}, {self._directory.name(hit.account_id)}"

    def _gives_way(self, account_id: str) -> bool:
        return self._rules.partner_filter and self._directory.is_partner(account_id)

    def parent(self) -> Decided | None:
        """Return the mail of the thread that this one continues: one with somebody in common.

        Where those of this mail are all new and known elsewhere, it was forwarded to others, and
        nothing is inherited.
        """
        if not (self._rules.thread and self._recorded.thread_id):
            return None
        earlier = self._memory.thread(
            self._recorded.thread_id, self._recorded.activity_id, self._at
        )
        people = self._directory.people(self._recorded.outside, self._at)
        for one in earlier:
            held = one.account_id and self._directory.holds(one.account_id)
            if held and self._is_outdone(one.account_id):
                continue
            if held and (people & one.people or not self._candidates):
                return one
        return None

    def _is_outdone(self, account_id: str) -> bool:
        """Tell whether a thread's partner gives way to a buyer who has joined."""
        buyers = any(not self._gives_way(one) for one in self._candidates)
        return buyers and self._gives_way(account_id)

    def inherited(self, parent: Decided) -> MatchRow:
        """Return the decision to leave it where its thread is."""
        name = self._directory.name(parent.account_id)
        is_choice = parent.decided_by != "rule"
        by = f"{parent.decided_by} chose it for the thread" if is_choice else "its thread is theirs"
        own = self._candidates.setdefault(parent.account_id, _Candidate(parent.account_id))
        given = PERSON_POINTS if is_choice else parent.margin
        own.evidence, own.best = own.evidence or f"{by}, {name}", max(own.best, given)
        row = self._of(own, "thread", f"{by}, {name}")
        contact = own.contact_id or parent.contact_id
        return replace(row, contact_id=contact, margin=max(given, row.margin))

    def _chosen(self, rule: str, accounts: Sequence[str]) -> MatchRow:
        left, spoke = broken(self._recorded, self._directory, accounts)
        if len(left) > 1:
            return self._ambiguous(rule, left)
        own = self._candidates[left[0]]
        own.extra = TIEBREAK_POINTS * len(spoke)
        told = f"; of {len(accounts)} accounts, {', '.join(map(SAYS.__getitem__, spoke))}"
        return self._of(own, rule, own.evidence + told * bool(spoke))

    def _ambiguous(self, rule: str, accounts: Sequence[str]) -> MatchRow:
        fits = sorted(accounts)
        names = ", ".join(self._directory.name(one) for one in fits[:MAX_CANDIDATES])
        reason = f"{len(fits)} accounts fit by {rule}: {names}"
        return replace(self._undecided, rule="ambiguous", reason=reason, **self._ranked(fits))

    def _of(self, own: _Candidate, rule: str, reason: str) -> MatchRow:
        """Return the row that gives it to an account."""
        others = [one.points for key, one in self._candidates.items() if key != own.account_id]
        return replace(
            self._undecided,
            account_id=own.account_id,
            contact_id=own.contact_id,
            rule=rule,
            reason=reason,
            margin=max(own.points - max(others, default=0.0) - self._doubt(own.account_id), 0.0),
            **self._ranked([own.account_id]),
        )

    def _doubt(self, account_id: str) -> float:
        return PARTNER_POINTS if self._directory.is_partner(account_id) else 0.0

    def _ranked(self, first: Iterable[str]) -> dict[str, tuple[object, ...]]:
        """Return the candidates: those that the rule found, then all others by points."""
        rest = self._candidates.keys() - set(first)
        by_points = sorted(rest, key=lambda one: (-self._candidates[one].points, one))
        ranked = [self._candidates[one] for one in (*first, *by_points)][:MAX_CANDIDATES]
        return {
            "candidate_account_id": tuple(one.account_id for one in ranked),
            "candidate_points": tuple(one.points for one in ranked),
            "candidate_evidence": tuple(one.evidence for one in ranked),
        }
