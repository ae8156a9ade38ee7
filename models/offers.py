"""What can be bought: proposals as people made them, else each kind that was ever judged."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from contracts.errors import UserError
from contracts.money import Money, Rates
from contracts.plan_rows import ProposalRow
from models.experiment import later
from models.proposal import Proposal
from models.rules import Option
from models.timing import YEAR, Course, course_of


class Offers(NamedTuple):
    """Proposals, the ways to have them, and what must hold.

    Attributes:
        origin: `proposal`, or `kind` where nobody proposed anything.
        proposals: by id, as they would start first.
        options: one for each month in which a proposal, its item, may start.
        rules: as `models.rules.rules_from` takes them, without the budget.
        refused: why a proposal can't be scored, by its id.
    """

    origin: str
    proposals: Mapping[str, Proposal]
    options: Sequence[Option]
    rules: Mapping[str, Any]
    refused: Mapping[str, str]


def of_kinds(points: pd.DataFrame, starts_on: date) -> Offers:
    """Return another of each kind that was judged, at its median spend, in whole units of it."""
    proposals = {
        str(kind): Proposal(
            proposal_id=str(kind),
            kind=str(kind),
            name=f"Another {kind} of the usual size",
            spend=float(known["spend"].median()),
            units=float(max(round(known["units"].median()), 1)),
            course=course_of(str(kind)),
        )
        for kind, known in points.groupby("kind")
    }
    options = [Option(option_id=kind, pool=kind, starts_on=starts_on) for kind in proposals]
    lots = {kind: one.yearly / one.units for kind, one in proposals.items() if _is_counted(one)}
    return Offers("kind", proposals, options, {"lots": lots}, {})


def of_proposals(rows: Sequence[ProposalRow], rates: Rates, starts_on: date) -> Offers:
    """Return the proposals with their starts, and the rules that their fields make.

    What begins before the plan begins with it. What can't be scored is refused by itself, and with
    it what requires it.
    """
    proposals: dict[str, Proposal] = {}
    refused: dict[str, str] = {}
    for row in rows:
        try:
            proposals[row.proposal_id] = _proposal(row, rates, starts_on)
        except UserError as error:
            refused[row.proposal_id] = str(error)
    known = [row for row in rows if row.proposal_id in proposals]
    while orphan := next((r for r in known if r.requires and r.requires not in proposals), None):
        known.remove(orphan)
        del proposals[orphan.proposal_id]
        refused[orphan.proposal_id] = _orphaned(orphan, refused)
    options = [
        option for row in known for option in _starts(row, proposals[row.proposal_id], starts_on)
    ]
    return Offers("proposal", proposals, options, _rules(known, proposals), refused)


def _orphaned(row: ProposalRow, refused: Collection[str]) -> str:
    if row.requires in refused:
        return f"it requires {row.requires}, which can't be scored"
    return f"it requires {row.requires}, which nobody proposed: import that as well"


def _proposal(row: ProposalRow, rates: Rates, starts_on: date) -> Proposal:
    cost = rates.convert(Money(row.amount_minor, row.currency), max(row.starts_on, starts_on))
    return Proposal(
        proposal_id=row.proposal_id,
        kind=row.kind,
        name=row.name,
        spend=float(cost.minor),
        units=row.units,
        starts_in=max(_months(starts_on, row.starts_on), 0),
        course=_course(row),
    )


def _course(row: ProposalRow) -> Course:
    usual = course_of(row.kind)
    return Course(
        ramp_months=usual.ramp_months if row.ramp_months is None else row.ramp_months,
        half_life_months=usual.half_life_months,
        is_recurring=usual.is_recurring,
        attrition_rate=usual.attrition_rate if row.attrition_rate is None else row.attrition_rate,
        backfill_months=(
            usual.backfill_months if row.backfill_months is None else row.backfill_months
        ),
    )


def _starts(row: ProposalRow, proposal: Proposal, starts_on: date) -> Iterator[Option]:
    """Yield an option for each month in which the proposal may start."""
    last = proposal.starts_in
    if row.starts_by:
        last = min(max(_months(starts_on, row.starts_by), last), proposal.months - 1)
    for month in range(proposal.starts_in, last + 1):
        seen, course = proposal.months - month, proposal.course
        on = later(starts_on, month)
        yield Option(
            option_id=f"{row.proposal_id} from {on:%Y-%m}",
            item=row.proposal_id,
            pool=row.kind,
            starts_on=on,
            factor=course.total(seen) / course.total(YEAR),
            cost=seen / YEAR if course.is_recurring else 1.0,
        )


def _rules(rows: Sequence[ProposalRow], proposals: Mapping[str, Proposal]) -> dict[str, Any]:
    """Return the rules that the proposals' fields make."""
    rules: dict[str, Any] = {"floors": {}, "caps": {}, "minimums": {}, "lots": {}}
    for row in rows:
        price = proposals[row.proposal_id].yearly / row.units
        most = row.units if row.cap_units is None else row.cap_units
        rules["caps"][row.proposal_id] = most * price
        for name, units in (("floors", row.floor_units), ("minimums", row.minimum_units)):
            if units:
                rules[name][row.proposal_id] = units * price
        if row.is_whole or _is_counted(proposals[row.proposal_id]):
            rules["lots"][row.proposal_id] = price
    words = sorted({row.one_of for row in rows if row.one_of})
    groups = [[row.proposal_id for row in rows if row.one_of == word] for word in words]
    required = {row.proposal_id: [row.requires] for row in rows if row.requires}
    return rules | {"one_of": [group for group in groups if len(group) > 1], "requires": required}


def _is_counted(proposal: Proposal) -> bool:
    """Tell whether it is bought by the head, seat or hire: half of one is none.

    One unit is the thing as a whole, of which a part may be had; of a hire, it is the hire.
    """
    return proposal.units > 1 or proposal.kind == "headcount"


def _months(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month
