"""Rows of a plan: proposals, what they and their kinds bring, where money goes, what to try next.

Money is in minor units of `currency`; the rows of one plan share their `as_of`.
"""

from datetime import date, datetime
from typing import ClassVar

from contracts.crm_rows import CrmRow
from contracts.rows import Row


class ProposalRow(CrmRow, frozen=True, kw_only=True):
    """Something that could be invested in, before it is decided.

    Attributes:
        kind: one of `contracts.investments.KINDS`.
        amount_minor: what all of it costs in the twelve months that a plan sees, or from its start
            to their end where it is paid by month.
        units: whom the amount reaches: reps, licences, hires.
        starts_on: when it would start; `starts_by` the last month in which it still may.
        floor_units, cap_units: the fewest and the most units; None for all of `units`.
        minimum_units: nothing, or at least so many.
        is_whole: whether half a unit is none, where there is but one; several people, licences or
            hires come whole whether it is said or not.
        one_of: a word that proposals share of which one at most is made.
        requires: the proposal without which it makes no sense.
        ramp_months, attrition_rate, backfill_months: of what is hired; None for what is assumed
            of its kind (`models.timing.COURSES`).
    """

    table: ClassVar[str] = "raw.proposal"

    proposal_id: str
    kind: str
    name: str
    amount_minor: int
    currency: str = "USD"
    units: float = 1.0
    starts_on: date
    starts_by: date | None = None
    floor_units: float = 0.0
    cap_units: float | None = None
    minimum_units: float = 0.0
    is_whole: bool = False
    one_of: str = ""
    requires: str = ""
    ramp_months: float | None = None
    attrition_rate: float | None = None
    backfill_months: int | None = None


class ResponseCurveRow(Row, frozen=True, kw_only=True):
    """What a spend on a kind brings in twelve months. Key: (as_of, kind, spend_minor).

    Attributes:
        marginal_return: the margin of one more unit of money.
        is_extrapolated: whether the spend lies beyond every spend of its kind that was judged.
        judgements: of the kind, on which the curve rests.
    """

    table: ClassVar[str] = "ml.response_curve"

    as_of: datetime
    kind: str
    spend_minor: int
    margin: float
    margin_low: float
    margin_high: float
    marginal_return: float
    pays_off_probability: float
    is_extrapolated: bool
    judgements: int
    currency: str
    code_version: str


class ResponsePointRow(Row, frozen=True, kw_only=True):
    """What one judgement says of its kind, over twelve months. Key: (as_of, investment_id).

    Attributes:
        left_out: why nothing was learnt from it; empty where something was.
    """

    table: ClassVar[str] = "ml.response_point"

    as_of: datetime
    investment_id: str
    kind: str
    spend_minor: int | None = None
    margin: float | None = None
    std_error: float | None = None
    left_out: str = ""


class InvestmentForecastRow(Row, frozen=True, kw_only=True):
    """A proposal's forecast. Key: (as_of, proposal_id).

    Attributes:
        origin: `proposal`, or `kind` where nobody proposed anything and a kind's usual spend is
            looked at.
        payback_month: of the plan, from 1; None where it is not paid back within the plan.
        verdict: `pays_off`, `does_not_pay_off`, `cannot_tell` or `not_scored`.
        assumed: how its return is assumed to arrive, in words.
    """

    table: ClassVar[str] = "ml.investment_forecast"

    as_of: datetime
    proposal_id: str
    origin: str
    kind: str
    name: str
    spend_minor: int
    units: float
    starts_on: date
    months: int
    margin: float | None = None
    margin_low: float | None = None
    margin_high: float | None = None
    roi: float | None = None
    roi_low: float | None = None
    roi_high: float | None = None
    npv: float | None = None
    npv_low: float | None = None
    npv_high: float | None = None
    payback_month: int | None = None
    pays_off_probability: float | None = None
    verdict: str
    reason: str
    is_extrapolated: bool = False
    judgements: int = 0
    assumed: str = ""
    discount_rate: float
    currency: str
    code_version: str


class AllocationRow(Row, frozen=True, kw_only=True):
    """What one scenario gives to one option. Key: (as_of, budget_minor, appetite, option_id)."""

    table: ClassVar[str] = "ml.allocation"

    as_of: datetime
    budget_minor: int
    appetite: str
    option_id: str
    proposal_id: str
    kind: str
    name: str
    starts_on: date
    spend_minor: int
    units: float
    margin: float
    margin_low: float
    margin_high: float


class AllocationTotalRow(Row, frozen=True, kw_only=True):
    """One scenario: a budget and an appetite for risk. Key: (as_of, budget_minor, appetite).

    Attributes:
        risk: how much the worst tenth's mean loss counts against expected return.
        is_asked: whether the budget is the one that was asked about.
        origin: as of the forecasts.
        net: expected margin less spend, with its 95 % interval.
        tail_loss: the mean loss of the worst tenth; below 0 where even those gain.
        equal_split_net, pro_rata_net: what simpler splits of the same budget would bring.
        rule, price: what each binding rule costs, dearest first.
        broken: the rules that it breaks: none, as a check holds.
    """

    table: ClassVar[str] = "ml.allocation_total"

    as_of: datetime
    budget_minor: int
    appetite: str
    risk: float
    is_asked: bool
    origin: str
    spend_minor: int
    net: float
    net_low: float
    net_high: float
    tail_loss: float
    loss_probability: float
    equal_split_net: float
    pro_rata_net: float | None
    rule: tuple[str, ...]
    price: tuple[float, ...]
    broken: tuple[str, ...]
    is_proven: bool
    currency: str
    code_version: str


class ExperimentRow(Row, frozen=True, kw_only=True):
    """What measuring a kind is worth, and the roll-out that could. Key: (as_of, kind).

    Attributes:
        verdict: `measurable`, `not_measurable` or `cannot_tell`.
        value: what the better allocation that it leads to would bring, before the test's cost.
        needed_effect: per unit and month; the break-even, at which the decision changes.
        worth: the value, and what the test itself is expected to bring, less its cost.
        units_needed: that would show it, where those that there are do not.
        spend_minor: what the test costs.
    """

    table: ClassVar[str] = "ml.experiment"

    as_of: datetime
    kind: str
    verdict: str
    reason: str
    value: float | None = None
    worth: float | None = None
    needed_effect: float | None = None
    detectable_effect: float | None = None
    units: int = 0
    months: int = 0
    units_needed: int | None = None
    spend_minor: int = 0
    starts_on: date
    currency: str
    code_version: str


class RolloutRow(Row, frozen=True, kw_only=True):
    """Who starts when in a kind's roll-out. Key: (as_of, kind, unit_id)."""

    table: ClassVar[str] = "ml.rollout"

    as_of: datetime
    kind: str
    unit_id: str
    team_id: str
    wave: int
    starts_on: date
