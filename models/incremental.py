"""The return on one sales investment, as far as a panel can tell: verdict, interval and reason.

`judge` takes a plain frame (models.design says which) and what the investment cost; see
docs/incremental-return.md for what it assumes and refuses.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from contracts.errors import UserError
from contracts.money import minor_digits
from models.design import Design, Requirements, checked, refusal, survey
from models.effect import Effect, NotEstimable, estimate, naive_difference

CODE_VERSION: Final = "incremental/1"
"""Changes whenever the same panel could be judged differently."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the investment cost up to the panel's last month, and what a booking is worth.

    Attributes:
        cost_minor: in the same minor units as the panel's outcome.
        gross_margin_rate: of the outcome, 0 to 1.

    Raises:
        UserError: if nothing was paid, or the margin is not a rate above 0.
    """

    cost_minor: int
    gross_margin_rate: float
    currency: str = "USD"

    def __post_init__(self) -> None:
        if self.cost_minor <= 0:
            raise UserError(
                f"the cost is {money(self.cost_minor, self.currency)}: a return is measured "
                "against what was paid, so it must be more than nothing"
            )
        if not 0 < self.gross_margin_rate <= 1:
            raise UserError(
                f"the gross margin rate is {self.gross_margin_rate}: it must be above 0, at most 1"
            )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one investment returned.

    Effects are per treated unit and month; money is in minor units. Where the verdict is
    `not_identified` there is no estimate, so that nobody reads one.

    Attributes:
        naive_effect: what a plain before-and-after would have claimed; for comparison only.
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
    naive_effect: float | None = None


def judge(
    panel: pd.DataFrame,
    terms: Terms,
    covariates: Sequence[str] = (),
    required: Requirements | None = None,
) -> Judgement:
    """Judge one investment by those it reached and those it did not reach yet.

    incremental margin = effect x treated unit-months x gross margin rate;
    ROI = (incremental margin - cost) / cost; both intervals come from the effect's.

    Args:
        panel: one row per unit and period: unit, period, outcome, start (models.design).
        terms: cost and margin.
        covariates: columns that may explain different trends and that the investment cannot move.
        required: what must be there before an estimate is made.

    Raises:
        UserError: if the panel is malformed.
    """
    required = required or Requirements()
    frame = checked(panel, covariates)
    design = survey(frame)
    if reason := refusal(design, required):
        return _refused(reason, frame, design)
    try:
        effect = estimate(frame, design, covariates)
    except NotEstimable as error:
        return _refused(str(error), frame, design)
    if reason := _distrust(effect, design, required):
        return _refused(reason, frame, design, effect.pretrend_p_value)
    return _judged(effect, frame, design, terms)


def money(minor: float, currency: str) -> str:
    """Return an amount of minor units for a sentence, in whole major units: `1,834 USD`."""
    return f"{minor / 10 ** minor_digits(currency):,.0f} {currency}"


def _distrust(effect: Effect, design: Design, required: Requirements) -> str | None:
    """Return why an estimate is not to be shown; None where it is."""
    if effect.covered_unit_months < required.covered_rate * design.treated_unit_months:
        return (
            f"Only {effect.covered_unit_months} of {design.treated_unit_months} months after the "
            "start have somebody to compare with: most of the return would be a guess."
        )
    if effect.pretrend_p_value < required.pretrend_p_value:
        return (
            "Those reached were moving differently from the others before they were reached "
            f"(p = {effect.pretrend_p_value:.3f}): what followed may be that drift, not the "
            "investment."
        )
    return None


def _refused(
    reason: str, frame: pd.DataFrame, design: Design, pretrend_p_value: float | None = None
) -> Judgement:
    return Judgement(
        verdict="not_identified",
        reason=reason,
        treated_units=design.treated_units,
        control_units=design.control_units,
        treated_unit_months=design.treated_unit_months,
        panel_hash=_hash(frame),
        pretrend_p_value=pretrend_p_value,
        naive_effect=naive_difference(frame),
    )


def _judged(effect: Effect, frame: pd.DataFrame, design: Design, terms: Terms) -> Judgement:
    months = design.treated_unit_months
    margins = [e * months * terms.gross_margin_rate for e in (effect.mean, effect.low, effect.high)]
    roi, low, high = ((margin - terms.cost_minor) / terms.cost_minor for margin in margins)
    verdict = "pays_off" if low > 0 else "does_not_pay_off" if high < 0 else "cannot_tell"
    return Judgement(
        verdict=verdict,
        reason=_REASONS[verdict].format_map(_words(effect, design, terms, low, high)),
        treated_units=design.treated_units,
        control_units=design.control_units,
        treated_unit_months=months,
        panel_hash=_hash(frame),
        effect=effect.mean,
        std_error=effect.std_error,
        effect_low=effect.low,
        effect_high=effect.high,
        pretrend_p_value=effect.pretrend_p_value,
        min_detectable_effect=effect.min_detectable,
        incremental_margin=margins[0],
        incremental_margin_low=margins[1],
        incremental_margin_high=margins[2],
        roi=roi,
        roi_low=low,
        roi_high=high,
        naive_effect=naive_difference(frame),
    )


_SEEN: Final = (
    "Each of the {treated} who were reached brought an estimated {effect} of bookings a month, "
    "measured against {controls} others (95 % interval {low} to {high})"
)
_REASONS: Final = {
    "pays_off": _SEEN + ". It takes {needed} to earn the cost back, and even the low end of the "
    "interval does: ROI {roi_low:.0%} to {roi_high:.0%}.",
    "does_not_pay_off": _SEEN + ". It takes {needed} to earn the cost back, and even the high end "
    "of the interval does not: ROI {roi_low:.0%} to {roi_high:.0%}.",
    "cannot_tell": _SEEN + ". It takes {needed} to earn the cost back, which lies inside the "
    "interval: a gain and a loss are both possible. The smallest effect that so few people and "
    "months would show in 8 cases of 10 is {detectable} a month.",
}


def _words(
    effect: Effect, design: Design, terms: Terms, roi_low: float, roi_high: float
) -> dict[str, object]:
    needed = terms.cost_minor / (design.treated_unit_months * terms.gross_margin_rate)
    amounts = {
        "effect": effect.mean,
        "low": effect.low,
        "high": effect.high,
        "needed": needed,
        "detectable": effect.min_detectable,
    }
    told = {name: money(minor, terms.currency) for name, minor in amounts.items()}
    counts = {"treated": design.treated_units, "controls": design.control_units}
    return {**told, **counts, "roi_low": roi_low, "roi_high": roi_high}


def _hash(frame: pd.DataFrame) -> str:
    """Return the same hash for the same panel, whatever the order of its rows."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
