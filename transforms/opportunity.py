"""Which deals an activity is attached to: its thread's, or those that lead among its account's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from contracts.matching import PERSON_POINTS
from contracts.rows import MatchRow
from contracts.wire import Recorded
from transforms.deals import Scene, Weighed, lead, weigh
from transforms.directory import Directory
from transforms.memory import Decided, Memory

_SPOKEN: Final = {"call", "meeting"}


def with_deals(
    row: MatchRow,
    recorded: Recorded,
    directory: Directory,
    memory: Memory,
    parent: Decided | None = None,
) -> MatchRow:
    """Return a row that has its account with the deals that it may be about.

    A reply keeps its thread's deal unless the whole conversation speaks more clearly for another.

    Args:
        row: the decision on the account.
        recorded: the activity.
        directory: the CRM, and the company's rules.
        memory: what was decided earlier.
        parent: the mail of the thread that it continues.
    """
    rules, weighed = directory.rules, _weighed(row.account_id, recorded, directory, memory)
    if parent and parent.opportunity_id and not _outweighs(weighed, parent, rules.primary_margin):
        return _with_inherited(row, parent, weighed, rules.max_deals - 1)
    if not weighed:
        return replace(row, opportunity_reason="No deal was open then, nor within the grace")
    attached = _attached(weighed[: rules.max_deals])
    margin = lead(weighed)
    if margin < rules.primary_margin or not attached["candidate_opportunity_id"]:
        reason = f"None of {len(weighed)} deals leads clearly"
        return replace(row, opportunity_reason=reason, **attached)
    return replace(
        row,
        opportunity_id=weighed[0].deal.opportunity_id,
        opportunity_reason=weighed[0].evidence,
        opportunity_margin=margin,
        **attached,
    )


def _outweighs(weighed: Sequence[Weighed], parent: Decided, primary_margin: float) -> bool:
    """Tell whether the whole conversation speaks more clearly than its thread did."""
    return (
        parent.decided_by == "rule"
        and bool(weighed)
        and lead(weighed) >= max(parent.opportunity_margin, primary_margin)
    )


def _weighed(account_id: str, one: Recorded, directory: Directory, memory: Memory) -> list[Weighed]:
    """Return the deals of an account that were open, or nearly, by what the conversation says."""
    grace, at = timedelta(days=directory.rules.grace_days), one.event_time
    near = [deal for deal in directory.deals(account_id) if deal.is_near(at, grace)]
    if not near:
        return []
    told = memory.conversation(one.thread_id, one.activity_id, at)
    mates = [mate for mate in told if mate.account_id == account_id]
    named = directory.named(account_id, one.text).union(*(mate.named for mate in mates))
    scene = Scene(
        at=at,
        people=directory.people(one.outside, at).union(*(mate.people for mate in mates)),
        ours=frozenset(one.ours),
        is_spoken=one.channel in _SPOKEN,
        named=named,
        kinds=directory.kinds(named),
        first=directory.people(one.outside[:1], at).union(*(mate.first for mate in mates)),
    )
    ids = [deal.opportunity_id for deal in near]
    beside = one.thread_id or str(one.activity_id)
    return weigh(near, scene, memory.involved(ids, at, beside))


def _attached(weighed: Sequence[Weighed]) -> dict[str, tuple[object, ...]]:
    return {
        "candidate_opportunity_id": tuple(one.deal.opportunity_id for one in weighed),
        "candidate_opportunity_points": tuple(one.points for one in weighed),
        "candidate_opportunity_evidence": tuple(one.evidence for one in weighed),
    }


def _with_inherited(
    row: MatchRow, parent: Decided, weighed: Sequence[Weighed], beside: int
) -> MatchRow:
    """Return the row with its thread's deal first; some others of its time stay beside it."""
    others = [one for one in weighed if one.deal.opportunity_id != parent.opportunity_id]
    attached = _attached(others[: max(beside, 0)])
    is_choice = parent.decided_by != "rule"
    margin = PERSON_POINTS if is_choice else parent.opportunity_margin
    return replace(
        row,
        opportunity_id=parent.opportunity_id,
        opportunity_reason=f"Its thread is about {parent.opportunity_id}",
        opportunity_margin=margin,
        candidate_opportunity_id=(parent.opportunity_id, *attached["candidate_opportunity_id"]),
        candidate_opportunity_points=(margin, *attached["candidate_opportunity_points"]),
        candidate_opportunity_evidence=("its thread", *attached["candidate_opportunity_evidence"]),
    )
