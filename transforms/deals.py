"""Which deal an activity is about: those alive at the time, weighed by who took part in them.

A naive Bayes classifier whose classes are the deals and "no deal": points are 10·log10 of odds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import fsum, log10
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.company import Company
from contracts.crm_rows import OpportunityRow
from transforms.naming import Name, said_in_name, words

OPEN_POINTS: Final = 12.0
"""An open deal against no deal."""
GRACE_POINTS: Final = -3.3
"""Likewise a deal that is not open yet, or no longer."""
SPOKEN_POINTS: Final = 6.5
"""A call or meeting against no deal: without a deal, people seldom do more than write."""
OWNER_POINTS: Final = 1.2
"""Taken off a deal whose owner does not take part."""
NAME_POINTS: Final = 3.8
"""A deal whose product or name stands in the mail, against one that nothing is known of."""
NUMBER_POINTS: Final = 20.0
"""Likewise one whose quote or order is named by its number."""
OTHER_POINTS: Final = 5.7
"""Taken off a deal whose names are known, where others stand in the mail."""
KIND_POINTS: Final = 3.5
"""A deal of the kind that the mail says with the product, such as "Spare Parts renewal"."""
OTHER_KIND_POINTS: Final = 6.1
"""Taken off a deal of another kind."""
FIRST_WEIGHT: Final = 1.24
"""What the presence of who writes, or is written to first, counts for of what it says by itself."""
COPIED_WEIGHT: Final = 0.69
"""Likewise of everybody else: people come in company, so that each of them says less."""
ROLE_CONVERSATIONS: Final = 3.0
"""A role in the deal, as the CRM has it, weighs as much as so many conversations about it."""
PRIOR_CONVERSATIONS: Final = 1.0
"""How many conversations of a deal weigh as much as knowing nothing of who takes part in it."""
ANYBODY_SHARE: Final = 0.15
"""Share of a deal's conversations that anybody at the account may have."""
FEWEST_PEOPLE: Final = 5
"""An account is taken to have at least so many people."""
_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


class Deal(NamedTuple):
    """A deal's life, in UTC, and who owned it when.

    Attributes:
        closed_at: the end of the day on which it was closed; far away while it is open.
        owners: moments from which each owner's mail address counts, oldest first.
        roles: the contacts who have a role in it.
        names: what it is called, in any version: its products, and what its name says.
        numbers: of its quotes and orders.
        kinds: a product and what kind of deal it is, such as `("spare", "parts", "renewal")`; with
            every product that is sold where it names none.
    """

    opportunity_id: str
    name: str
    opened_at: datetime
    closed_at: datetime
    owners: tuple[tuple[datetime, str], ...]
    roles: frozenset[str] = frozenset()
    names: frozenset[Name] = frozenset()
    numbers: frozenset[Name] = frozenset()
    kinds: frozenset[Name] = frozenset()

    def owner(self, at: datetime) -> str:
        """Return the owner's mail address at a moment; before the first, the first."""
        stood = [mailbox for since, mailbox in self.owners if since <= at]
        return stood[-1] if stood else self.owners[0][1]

    def is_open(self, at: datetime) -> bool:
        """Tell whether it was open."""
        return self.opened_at <= at < self.closed_at

    def is_near(self, at: datetime, grace: timedelta) -> bool:
        """Tell whether it was open, or nearly."""
        closed = self.closed_at if self.closed_at == _FOR_EVER else self.closed_at + grace
        return self.opened_at - grace <= at < closed


class Weighed(NamedTuple):
    """A deal that may be meant: its points against no deal, and why."""

    deal: Deal
    points: float
    evidence: str


class Involved(NamedTuple):
    """Who took part in a deal: conversations by person, and how many there were.

    A conversation counts as much as it is probable that it was about the deal.
    """

    by_person: Mapping[str, float]
    conversations: float


class Scene(NamedTuple):
    """What is known of an activity beside its account.

    Attributes:
        people: those outside who take part.
        ours: mail addresses of ours.
        is_spoken: whether it is a call or a meeting.
        named: the names and numbers of deals, and products, that stand in it.
        kinds: of these, the products with a kind of deal.
        first: of the people, who writes or is written to first.
    """

    at: datetime
    people: frozenset[str]
    ours: frozenset[str]
    is_spoken: bool
    named: frozenset[Name] = frozenset()
    kinds: frozenset[Name] = frozenset()
    first: frozenset[str] = frozenset()


def lives(
    histories: Iterable[Sequence[OpportunityRow]],
    company: Company,
    mailboxes: Mapping[str, str],
    roles: Mapping[str, frozenset[str]],
    account_names: Mapping[str, str],
    sold: frozenset[Name],
) -> dict[str, list[Deal]]:
    """Return each account's deals, from the versions of each deal, oldest first.

    Args:
        histories: the versions of each deal, oldest first.
        company: whose time zone says when a day ends.
        mailboxes: the mail address of each rep.
        roles: the contacts with a role, by deal.
        account_names: of each account: they say nothing of which of its deals is meant.
        sold: the products.
    """
    zone, found = ZoneInfo(company.time_zone), defaultdict(list)
    own = frozenset(words(company.name))
    for versions in histories:
        last = versions[-1]
        account_id = next((v.account_id for v in reversed(versions) if v.account_id), "")
        closed = last.close_on if last.is_closed else None
        names = _names(versions, own | {*words(account_names.get(account_id, ""))})
        kind = tuple(words(last.deal_type))
        deal = Deal(
            opportunity_id=last.opportunity_id,
            name=last.name or last.opportunity_id,
            opened_at=_midnight(last.created_on, zone),
            closed_at=_midnight(closed + timedelta(days=1), zone) if closed else _FOR_EVER,
            owners=tuple((v.knowable_at, mailboxes.get(v.owner_rep_id, "")) for v in versions),
            roles=roles.get(last.opportunity_id, frozenset()),
            names=names,
            numbers=_spelled(number for v in versions for number in v.quote_numbers),
            kinds=frozenset((*product, *kind) for product in names & sold or sold if kind),
        )
        found[account_id].append(deal)
    return {key: sorted(deals) for key, deals in found.items()}


def weigh(deals: Iterable[Deal], scene: Scene, involved: Mapping[str, Involved]) -> list[Weighed]:
    """Return the deals, best first: the odds that the activity is about each, against no deal.

    Args:
        deals: those of its account that were open, or nearly.
        scene: the activity.
        involved: who took part before, by deal.
    """
    parts = [(deal, _with_roles(deal, involved.get(deal.opportunity_id))) for deal in deals]
    known = {person for _, part in parts for person in part.by_person} | scene.people
    crowd = max(FEWEST_PEOPLE, len(known))
    weighed = [_weighed(deal, scene, part, crowd) for deal, part in parts]
    return sorted(weighed, key=lambda one: (-one.points, one.deal.opportunity_id))


def lead(weighed: Sequence[Weighed]) -> float:
    """Return by how many points the first leads the others and "no deal" together."""
    others = 1 + sum(10 ** (one.points / 10) for one in weighed[1:])
    return weighed[0].points - 10 * log10(others)


def _with_roles(deal: Deal, before: Involved | None) -> Involved:
    """Return who took part in a deal, with those who have a role in it."""
    people = Counter(before.by_person if before else {})
    people.update(dict.fromkeys(deal.roles, ROLE_CONVERSATIONS))
    given = ROLE_CONVERSATIONS * bool(deal.roles)
    return Involved(people, given + (before.conversations if before else 0.0))


def _weighed(deal: Deal, scene: Scene, before: Involved, crowd: int) -> Weighed:
    is_open = deal.is_open(scene.at)
    points, told = (OPEN_POINTS, "open") if is_open else (GRACE_POINTS, "not open, but near")
    if scene.is_spoken:
        points += SPOKEN_POINTS
    if (owner := deal.owner(scene.at)) and owner in scene.ours:
        told += f", {owner} owns it"
    else:
        points -= OWNER_POINTS
    names, called = _named(deal, scene)
    told += called
    points += names
    points += fsum(  # people are a set: rounded alike in whatever order they come
        _fits(person, before, crowd) * (FIRST_WEIGHT if person in scene.first else COPIED_WEIGHT)
        for person in scene.people
    )
    if not deal.roles.isdisjoint(scene.people):
        told += ", they have a role in it"
    if any(person in before.by_person for person in scene.people - deal.roles):
        told += ", they took part in it before"
    return Weighed(deal, points, f"{deal.name} was {told}")


def _names(versions: Sequence[OpportunityRow], taken: frozenset[str]) -> frozenset[Name]:
    """Return what a deal is called: its products, and what its names say beyond whose it is."""
    said = {name for version in versions for name in said_in_name(version.name, taken)}
    return _spelled(product for v in versions for product in v.products) | said


def _spelled(names: Iterable[str]) -> frozenset[Name]:
    return frozenset(spelled for name in names if (spelled := tuple(words(name))))


def _named(deal: Deal, scene: Scene) -> tuple[float, str]:
    """Return what the names in an activity say for a deal, or against it, and how to tell it."""
    if not scene.named:
        return 0.0, ""
    if found := deal.numbers & scene.named:
        return NUMBER_POINTS, f", its number {_told(found)} is named"
    kinds = deal.kinds & scene.kinds
    points = KIND_POINTS if kinds else -OTHER_KIND_POINTS * bool(scene.kinds)
    if found := deal.names & scene.named:
        return points + NAME_POINTS, f", {_told(kinds or found)} is named"
    return (points - OTHER_POINTS if deal.names else points), ""


def _told(names: Iterable[Name]) -> str:
    return ", ".join(sorted(" ".join(name) for name in names))


def _fits(person: str, before: Involved, crowd: int) -> float:
    """Return what a person's presence says, against anybody's at the account."""
    seen = before.by_person.get(person, 0) + PRIOR_CONVERSATIONS / crowd
    share = seen / (before.conversations + PRIOR_CONVERSATIONS)
    return 10 * log10(ANYBODY_SHARE + (1 - ANYBODY_SHARE) * crowd * share)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
