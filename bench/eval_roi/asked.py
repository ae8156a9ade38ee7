"""What is asked of the judge, and what it answers: the one place that knows how it is called."""

from dataclasses import dataclass, field

from bench.eval_roi.lived import Lived
from bench.eval_roi.scenarios import World
from models.effect import NotEstimable
from models.incremental import Terms, estimate, judge

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Effect per reached unit-month in minor units; NaN where there is none."""

    effect: float = _NAN
    std_error: float = _NAN
    low: float = _NAN
    high: float = _NAN
    min_detectable: float = _NAN


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a leader reads."""

    verdict: str
    reason: str
    warnings: list[str] = field(default_factory=list)
    positive_probability: float = _NAN


def estimated(world: World, seen: Lived) -> Estimate:
    """Return the estimate, whether or not a verdict would show it."""
    try:
        found = estimate(seen.panel, world.covariates)
    except NotEstimable:
        return Estimate()
    return Estimate(
        effect=found.effect,
        std_error=found.std_error,
        low=found.low,
        high=found.high,
        min_detectable=found.min_detectable,
    )


def answered(world: World, seen: Lived) -> Answer:
    """Return the verdict with all its diagnostics."""
    terms = Terms(cost_minor=seen.cost, gross_margin_rate=seen.margin_rate)
    told = judge(seen.panel, terms, covariates=world.covariates)
    positive = told.roi_positive_probability
    return Answer(
        verdict=told.verdict,
        reason=told.reason,
        warnings=list(told.warnings),
        positive_probability=_NAN if positive is None else positive,
    )
