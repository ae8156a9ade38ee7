"""A proposal, scored before it is made: what it would bring, how sure that is, and when it is back.

The margin is the curve's at the proposal's spend (models.response, over twelve months), moved to
the months that the plan sees: a start later, a ramp, people who leave and are replaced, an effect
that fades (models.timing).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.errors import UserError
from contracts.explanation import Contribution, Explanation
from models.response import Response
from models.timing import YEAR, Course

Array = npt.NDArray[np.float64]
_INTERVAL: Final = (0.025, 0.975)
SURE: Final = 0.9
"""The probability of a return above the cost from which a proposal is said to pay off."""
_TENTH: Final = 10
_LEAST_SHARE: Final = 0.005
_ANY_KIND: Final = "what is believed of any kind, and wide for it"
_UNJUDGED: Final = {
    "headcount": "an average rep's margin with ramp and attrition, about half of it taken from "
    "colleagues: an assumption, and wide for it"
}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something to spend on.

    Attributes:
        spend: all that it costs within the plan's months, in minor units.
        units: whom it reaches: reps, licences, hires.
        starts_in: months from the plan's first until it starts.
        months: that the plan sees, from its first on.

    Raises:
        UserError: if it costs nothing, reaches nobody, or starts after the plan's end.
    """

    proposal_id: str
    kind: str
    name: str
    spend: float
    units: float = 1.0
    starts_in: int = 0
    months: int = YEAR
    course: Course = field(default_factory=Course)

    def __post_init__(self) -> None:
        if not (self.spend > 0 and self.units > 0):
            raise UserError(
                f"proposal {self.proposal_id} costs {self.spend:g} and reaches {self.units:g}: both"
                " must be more than nothing"
            )
        if not 0 <= self.starts_in < self.months:
            raise UserError(
                f"proposal {self.proposal_id} starts {self.starts_in} months into a plan of "
                f"{self.months}: start it within, or plan further"
            )

    @property
    def seen_months(self) -> int:
        """The months between its start and the plan's end."""
        return self.months - self.starts_in

    @property
    def yearly(self) -> float:
        """The spend that its curve knows: of twelve months where it is paid month by month."""
        return self.spend * YEAR / self.seen_months if self.course.is_recurring else self.spend

    @property
    def factor(self) -> float:
        """What the plan sees of a year's margin: 1 where all of it, and nothing else, falls in."""
        return self.course.total(self.seen_months) / self.course.total(YEAR)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a proposal is expected to bring within the plan, with 95 % intervals.

    Attributes:
        payback_month: the month of the plan, from 1, in which the expected margin has paid the
            cost; None where it does not within the plan.
        explanation: what the expected net margin (margin less spend) is made of.
    """

    proposal_id: str
    margin: float
    margin_low: float
    margin_high: float
    roi: float
    roi_low: float
    roi_high: float
    npv: float
    npv_low: float
    npv_high: float
    payback_month: int | None
    pays_off_probability: float
    verdict: str
    reason: str
    is_extrapolated: bool
    judgements: int
    explanation: Explanation


def score(proposal: Proposal, response: Response, discount_rate: float = 0.1) -> Forecast:
    """Return the forecast of one proposal.

    ROI = (margin - spend) / spend; the spend is certain, so the mean ROI is that of the mean
    margin. NPV discounts each month's margin and cost by (1 + discount_rate)^(-month / 12).

    Raises:
        UserError: if no curve was fitted for its kind.
    """
    year = response.margin(proposal.kind, proposal.yearly)[0]
    margin = year * proposal.factor
    low, high = np.quantile(margin, _INTERVAL)
    present = _present(proposal, year, discount_rate)
    sure = float((margin > proposal.spend).mean())
    count = int(response.count[response.place(proposal.kind)])
    beyond = response.is_extrapolated(proposal.kind, proposal.yearly)
    verdict = _verdict(sure)
    return Forecast(
        proposal_id=proposal.proposal_id,
        margin=float(margin.mean()),
        margin_low=float(low),
        margin_high=float(high),
        roi=_roi(margin.mean(), proposal.spend),
        roi_low=_roi(low, proposal.spend),
        roi_high=_roi(high, proposal.spend),
        npv=float(present.mean()),
        npv_low=float(np.quantile(present, _INTERVAL[0])),
        npv_high=float(np.quantile(present, _INTERVAL[1])),
        payback_month=_payback(proposal, float(year.mean())),
        pays_off_probability=sure,
        verdict=verdict,
        reason=_reason(verdict, sure, count, proposal.kind, beyond=beyond),
        is_extrapolated=beyond,
        judgements=count,
        explanation=explain(proposal, response),
    )


def explain(proposal: Proposal, response: Response) -> Explanation:
    """Return what the expected net margin is made of: its parts are differences of means."""
    spends = [proposal.yearly / _TENTH, proposal.yearly]
    tenth, whole = response.margin(proposal.kind, spends).mean(axis=1)
    seen = f"{proposal.factor:.2f} of a year's margin falls within the plan"
    parts = (
        ("At the return of its first tenth", tenth * _TENTH, "ten times what a tenth would bring"),
        ("Diminishing returns", whole - tenth * _TENTH, "the curve bends: see its kind's"),
        ("Months outside the plan", whole * (proposal.factor - 1), seen),
        ("Cost", -proposal.spend, "all of it, within the plan"),
    )
    return Explanation.of(
        f"Expected net margin of {proposal.name}",
        "minor units",
        [Contribution(label=label, value=float(value), note=note) for label, value, note in parts],
    )


def cash(proposal: Proposal, year_margin: float) -> tuple[Array, Array]:
    """Return margin and cost by month of the plan, given a year's margin at full course."""
    margin, cost = np.zeros(proposal.months), np.zeros(proposal.months)
    weights = proposal.course.weights(proposal.seen_months)
    margin[proposal.starts_in :] = year_margin * weights / proposal.course.total(YEAR)
    if proposal.course.is_recurring:
        cost[proposal.starts_in :] = proposal.spend / proposal.seen_months
    else:
        cost[proposal.starts_in] = proposal.spend
    return margin, cost


def _present(proposal: Proposal, year: Array, rate: float) -> Array:
    if rate <= -1:
        raise UserError(f"the discount rate is {rate}: it must be above -1, such as 0.1 a year")
    discount = (1 + rate) ** (-np.arange(proposal.months) / YEAR)
    margin, cost = cash(proposal, 1.0)
    present: Array = year * (margin @ discount) - cost @ discount
    return present


def _payback(proposal: Proposal, year_margin: float) -> int | None:
    """Return the month from which on the margin so far has paid the cost so far, for good."""
    margin, cost = cash(proposal, year_margin)
    short = margin.cumsum() < cost.cumsum()
    if short[-1]:
        return None
    return max(int(short.nonzero()[0].max(initial=-1)) + 2, proposal.starts_in + 1)


def _roi(margin: float, spend: float) -> float:
    return float((margin - spend) / spend)


def _verdict(sure: float) -> str:
    if sure >= SURE:
        return "pays_off"
    return "does_not_pay_off" if sure <= 1 - SURE else "cannot_tell"


def _share(sure: float) -> str:
    """Return a chance in whole per cent; drawn from so many futures, it is never a certainty."""
    if sure < _LEAST_SHARE:
        return "less than 1%"
    return "more than 99%" if sure > 1 - _LEAST_SHARE else f"{sure:.0%}"


def _reason(verdict: str, sure: float, count: int, kind: str, *, beyond: bool) -> str:
    """Return what the forecast rests on, for a person."""
    chance = f"{_share(sure)} of what is believed possible earns the cost back"
    if count == 0:
        ground = f"no {kind} has been judged yet, so this is {_UNJUDGED.get(kind, _ANY_KIND)}"
    else:
        times = "one judgement" if count == 1 else f"{count} judgements"
        ground = f"it rests on {times} of {kind}, and a little on the other kinds"
    edge = "; it spends more than was ever judged of its kind, so the interval is widened"
    opening = {
        "pays_off": "Likely to pay off",
        "does_not_pay_off": "Unlikely to pay off",
        "cannot_tell": "Cannot tell yet",
    }[verdict]
    return f"{opening}: {chance}; {ground}{edge if beyond and count else ''}."
