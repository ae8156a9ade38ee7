"""What is asked of the judge, and what it answers: the one place that knows how it is called."""

from dataclasses import dataclass, field

from bench.eval_roi.lived import Lived
from bench.eval_roi.scenarios import World
from models.incremental import Judgement, Terms, judge

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the judge says: what a leader reads, and the estimate behind it, shown or not.

    Attributes:
        positive_probability: P(ROI > 0), NaN where the verdict hides it.
        effect, std_error, low, high, min_detectable: per reached unit-month in minor units; of the
            first estimate, though the verdict may hide it; NaN where there is none.
    """

    verdict: str
    reason: str
    warnings: list[str] = field(default_factory=list)
    positive_probability: float = _NAN
    effect: float = _NAN
    std_error: float = _NAN
    low: float = _NAN
    high: float = _NAN
    min_detectable: float = _NAN


def answered(world: World, seen: Lived) -> Answer:
    """Ask for the verdict, with all its diagnostics."""
    terms = Terms(cost_minor=seen.cost, gross_margin_rate=seen.margin_rate)
    told = judge(seen.panel, terms, world.covariates, reliability=world.reliability)
    said = told.roi_positive_probability
    return Answer(
        verdict=told.verdict,
        reason=told.reason,
        warnings=list(told.warning_codes),
        positive_probability=_NAN if said is None else said,
        **_estimate(told),
    )


def _estimate(told: Judgement) -> dict[str, float]:
    if not told.estimates:
        return {}
    first = told.estimates[0]
    return {
        "effect": first.effect,
        "std_error": first.std_error,
        "low": first.low,
        "high": first.high,
        "min_detectable": first.min_detectable,
    }
