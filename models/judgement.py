"""What is said of one investment: the verdict, the numbers behind it, and the reason in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.design import Design
from models.diagnostics.finding import Diagnostic
from models.effect import Estimate
from models.terms import Terms, money


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one investment returned.

    The effect is the mean over the observed treated unit-periods of what a unit had in that period
    less what it would have had without the investment (ATT); money is in minor units. Where the
    verdict is `not_identified` there is no effect, so that nobody reads one; what was computed
    before it was refused stays in `estimates`, for the audit.

    Attributes:
        verdict: `pays_off`, `does_not_pay_off`, `cannot_tell` or `not_identified`.
        reason: in words a sales leader reads.
        warnings: sentences; what may be wrong with the effect although it is told. Of a refusal as
            well, where diagnostics refuse.
        warning_codes: the names of the diagnostics that warn or refuse, in the same order.
        estimates: the primary one, its cross-check, and the effect freed of spillover, where they
            can be made.
        diagnostics: every one that was run, with those that were not possible.
        pretrend_p_value: of the hypothesis that reached and compared units moved alike before.
        roi_positive_probability: how probable a return above the cost is.
        naive_effect: what a plain before-and-after would have claimed; for comparison only.
        naive_contrast: what reached against not reached units would have claimed; likewise.
    """

    verdict: str
    reason: str
    treated_units: int = 0
    control_units: int = 0
    treated_unit_months: int = 0
    panel_hash: str = ""
    effect: float | None = None
    std_error: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    pretrend_p_value: float | None = None
    min_detectable_effect: float | None = None
    incremental_margin: float | None = None
    incremental_margin_low: float | None = None
    incremental_margin_high: float | None = None
    roi: float | None = None
    roi_low: float | None = None
    roi_high: float | None = None
    roi_positive_probability: float | None = None
    naive_effect: float | None = None
    naive_contrast: float | None = None
    warnings: tuple[str, ...] = ()
    warning_codes: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Return:
    """An effect in money: incremental margin and ROI with their ends, low first."""

    margins: tuple[float, float, float]
    rois: tuple[float, float, float] | None
    positive_probability: float | None


def return_of(estimate: Estimate, months: int, terms: Terms) -> Return:
    """Return what an effect is worth.

    incremental margin = effect x treated unit-months x gross margin rate;
    ROI = (incremental margin - cost) / cost; both intervals come from the effect's. Without a cost
    there is no ROI.
    """
    worth = months * terms.gross_margin_rate
    low, high = sorted((estimate.low * worth, estimate.high * worth))
    margins = estimate.effect * worth, low, high
    if not terms.cost_minor:
        return Return(margins=margins, rois=None, positive_probability=None)
    cost = terms.cost_minor
    rois = ((margins[0] - cost) / cost, (low - cost) / cost, (high - cost) / cost)
    return Return(margins=margins, rois=rois, positive_probability=_positive(estimate, worth, cost))


def verdict_of(worth: Return) -> str:
    """Return the verdict on a return that can be told."""
    if worth.rois is None:
        return "cannot_tell"
    _, low, high = worth.rois
    return "pays_off" if low > 0 else "does_not_pay_off" if high < 0 else "cannot_tell"


def warned(diagnostics: Sequence[Diagnostic]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sentences and the names of the diagnostics that warn or refuse."""
    raised = [each for each in diagnostics if each.verdict in {"warn", "refuse"}]
    return tuple(each.words for each in raised), tuple(each.name for each in raised)


def reason_of(
    estimate: Estimate,
    design: Design,
    terms: Terms,
    worth: Return,
    *,
    has_wake: bool = False,
    against: str = "",
) -> str:
    """Return the verdict's reason in words a sales leader reads.

    Args:
        estimate: the effect that the return rests on.
        design: of the panel.
        terms: cost and margin.
        worth: what the effect is worth.
        has_wake: whether the effect has in it what the months after a stop gave back.
        against: whom the effect is measured against, where it is not all of the others.
    """
    told = verdict_of(worth) if worth.rois else "cost_unknown"
    needed = _needed(design, terms)
    if needed is None and told != "cost_unknown":
        told = "no_margin"
    amounts = {
        "effect": estimate.effect,
        "low": estimate.low,
        "high": estimate.high,
        "needed": needed or 0.0,
        "detectable": estimate.min_detectable,
        "at_most": max(worth.margins[1], 0.0),
        "at_least": max(worth.margins[2], 0.0),
    }
    words: dict[str, object] = {name: money(each, terms.currency) for name, each in amounts.items()}
    words["wake"] = ", the months after its end included" if has_wake else ""
    count = design.treated_units
    words["reached"] = (
        "The one that was reached" if count == 1 else f"Each of the {count} who were reached"
    )
    words["against"] = against or f"{design.control_units} others"
    words["outcome"] = terms.outcome
    _, words["roi_low"], words["roi_high"] = worth.rois or (0.0, 0.0, 0.0)
    return _REASONS[told].format_map(words)


def _needed(design: Design, terms: Terms) -> float | None:
    """Return the effect that earns the cost back; None where no sale earns anything."""
    worth = design.treated_unit_months * terms.gross_margin_rate
    return (terms.cost_minor or 0) / worth if worth > 0 else None


def _positive(estimate: Estimate, worth: float, cost: int) -> float:
    if worth == 0:
        return 0.0
    above = estimate.probability_above(cost / worth)
    return above if worth > 0 else 1 - above


_SEEN: Final = (
    "{reached} brought an estimated {effect} of {outcome} a month{wake}, measured against "
    "{against} (95 % interval {low} to {high})"
)
_REASONS: Final = {
    "pays_off": _SEEN + ". It takes {needed} to earn the cost back, and even the low end of the "
    "interval does: ROI {roi_low:.0%} to {roi_high:.0%}.",
    "does_not_pay_off": _SEEN + ". It takes {needed} to earn the cost back, and even the high end "
    "of the interval does not: ROI {roi_low:.0%} to {roi_high:.0%}.",
    "cannot_tell": _SEEN + ". It takes {needed} to earn the cost back, which lies inside the "
    "interval: a gain and a loss are both possible. The smallest effect that so few people and "
    "months would show in 8 cases of 10 is {detectable} a month.",
    "cost_unknown": _SEEN + ". No cost is on record, so no return can be told: it paid off if it "
    "cost less than {at_most} in all, and did not if it cost more than {at_least}. The smallest "
    "effect that so few people and months would show in 8 cases of 10 is {detectable} a month.",
    "no_margin": _SEEN + ". Its sales earn no margin, so more of them can't earn the cost back: "
    "ROI {roi_low:.0%} to {roi_high:.0%}.",
}
