"""The effect of an investment on those it reached: staggered difference-in-differences.

Callaway and Sant'Anna (Journal of Econometrics 225, 2021), as diff-diff estimates it: each cohort
is compared, from the month before it was reached, with all who were not reached yet. The effect is
the mean over treated unit-months. Standard errors come from influence functions summed by unit, so
that a unit's months count as one observation; nothing is drawn at random.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import special

from models.design import COLUMNS, Design, treated

ESTIMATOR: Final = "callaway_santanna/not_yet_treated"
DETECTABLE: Final = 2.8
"""Standard errors in the smallest effect that is found in 80 % of cases at the 5 % level:
1.96 + 0.84, the normal quantiles of 97.5 % and 80 %."""
_CONFIDENCE: Final = 0.95
_LEADS: Final = 12
"""The pre-trend test looks at so many months before the start, at most."""


class NotEstimable(Exception):
    """No effect can be estimated; the message says why, to a person."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The mean effect per treated unit and month, with its 95 % interval.

    Attributes:
        pretrend_p_value: of the hypothesis that reached and compared units moved alike before.
        covered_unit_months: treated unit-months that had somebody to compare with.
    """

    mean: float
    std_error: float
    low: float
    high: float
    pretrend_p_value: float
    covered_unit_months: int

    @property
    def min_detectable(self) -> float:
        """The smallest effect that would be found in 80 % of cases."""
        return DETECTABLE * self.std_error


def estimate(frame: pd.DataFrame, design: Design, covariates: Sequence[str] = ()) -> Effect:
    """Estimate the effect from a checked panel.

    With covariates, what would have happened is predicted by a regression on them (outcome
    regression); they must not be moved by the investment.

    The interval uses Student's t with one degree of freedom less than the smaller of the two
    groups has units: with ten units the normal quantile is too short.

    Raises:
        NotEstimable: if the estimator finds no effect, or none with an error.
    """
    fitted = _fit(frame, covariates)
    mean, std_error = float(fitted.overall_att), float(fitted.overall_se)
    if not (np.isfinite([mean, std_error]).all() and std_error > 0):
        raise NotEstimable("The outcome does not vary enough to estimate an effect and its error.")
    smaller = min(design.treated_units, design.control_units)
    reach = float(special.stdtrit(smaller - 1, (1 + _CONFIDENCE) / 2)) * std_error
    return Effect(
        mean=mean,
        std_error=std_error,
        low=mean - reach,
        high=mean + reach,
        pretrend_p_value=_pretrend_p_value(fitted.aggregate("event_study"), smaller),
        covered_unit_months=_covered(fitted.group_time_effects),
    )


def naive_difference(frame: pd.DataFrame) -> float | None:
    """Return what a plain before-and-after of the reached units would claim, per unit-month.

    It credits the investment with the season, the market and everything else that changed. None
    where there is no before or no after.
    """
    after = treated(frame)
    before = (frame["start"] > 0) & ~after
    difference = float(frame["outcome"][after].mean() - frame["outcome"][before].mean())
    return difference if np.isfinite(difference) else None


def _fit(frame: pd.DataFrame, covariates: Sequence[str]) -> Any:  # noqa: ANN401 untyped library
    from diff_diff import CallawaySantAnna  # noqa: PLC0415 takes seconds; most processes never fit

    unit, period, outcome, start = COLUMNS
    estimator = CallawaySantAnna(
        control_group="not_yet_treated", estimation_method="reg", base_period="universal"
    )
    with warnings.catch_warnings():
        # units that come and go, and months without a comparison: both are counted and told
        warnings.simplefilter("ignore", UserWarning)
        try:
            return estimator.fit(
                frame,
                outcome=outcome,
                unit=unit,
                time=period,
                first_treat=start,
                covariates=list(covariates) or None,
            )
        except (ValueError, np.linalg.LinAlgError) as error:
            raise NotEstimable(f"The estimator found no effect: {error}") from error


def _covered(cells: dict[tuple[int, int], Any]) -> int:
    return sum(
        int(cell["n_treated"])
        for (start, period), cell in cells.items()
        if period >= start and np.isfinite(cell["effect"])
    )


def _pretrend_p_value(study: Any, smaller: int) -> float:  # noqa: ANN401 untyped library
    """Test that the gap between the groups was the same before as in the month before the start.

    Two means are tested jointly: of the earlier and of the later half of up to twelve months'
    event-study effects. A test of all twelve at once rejects true nulls in up to 70 % of small
    panels; two means and Hotelling's F keep near 5 %, and see a drift more often.
    """
    times, effects = np.asarray(study.event_time), np.asarray(study.att, dtype=float)
    told = (times < 0) & ~np.asarray(study.is_reference) & np.isfinite(effects)
    leads = times[told][-_LEADS:]
    rows = [list(study.vcov_index).index(lead) for lead in leads]
    means = _halves(len(leads))
    gaps = means @ effects[told][-_LEADS:]
    try:
        spread = means @ np.asarray(study.vcov)[np.ix_(rows, rows)] @ means.T
        distance = float(gaps @ np.linalg.solve(spread, gaps))
    except np.linalg.LinAlgError as error:
        raise NotEstimable("The months before do not vary enough to test the trend.") from error
    count = len(means)
    scale = (smaller - count) / (count * (smaller - 1))
    return float(special.fdtrc(count, smaller - count, scale * distance))


def _halves(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the two rows of weights that average the earlier and the later half."""
    earlier = np.arange(count) < count // 2
    return np.vstack([earlier / max(earlier.sum(), 1), ~earlier / (~earlier).sum()])
