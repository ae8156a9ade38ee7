"""An effect with its interval, and what plain comparisons would have claimed in its place."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import special

from models.design import treated

DETECTABLE: Final = 2.8
"""Standard errors in the smallest effect that is found in 80 % of cases at the 5 % level:
1.96 + 0.84, the normal quantiles of 97.5 % and 80 %."""
_CONFIDENCE: Final = 0.95


class NotEstimable(Exception):
    """No effect can be estimated; the message says why, to a person."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one estimator says: the mean effect per treated unit and period, with its interval.

    Attributes:
        freedom: degrees of freedom of Student's t in the 95 % interval.
    """

    estimator: str
    effect: float
    std_error: float
    low: float
    high: float
    freedom: int

    @property
    def min_detectable(self) -> float:
        """The smallest effect that would be found in 80 % of cases."""
        return DETECTABLE * self.std_error

    def probability_above(self, threshold: float) -> float:
        """Return how probable an effect above the threshold is, with every effect likely before."""
        return float(special.stdtr(self.freedom, (self.effect - threshold) / self.std_error))


def estimate_of(estimator: str, effect: float, std_error: float, freedom: int) -> Estimate:
    """Return an estimate with its interval: Student's t, as a few units make normal ones too short.

    Raises:
        NotEstimable: if there is no effect, or none with an error.
    """
    if not (np.isfinite([effect, std_error]).all() and std_error > 0):
        raise NotEstimable("The outcome does not vary enough to estimate an effect and its error.")
    reach = float(special.stdtrit(max(freedom, 1), (1 + _CONFIDENCE) / 2)) * std_error
    return Estimate(
        estimator=estimator,
        effect=effect,
        std_error=std_error,
        low=effect - reach,
        high=effect + reach,
        freedom=max(freedom, 1),
    )


def naive_difference(frame: pd.DataFrame) -> float | None:
    """Return what a plain before-and-after of the reached units would claim, per unit-month.

    It credits the investment with the season, the market and everything else that changed. None
    where there is no before or no after.
    """
    before = (frame["start"] > 0) & (frame["period"] < frame["start"])
    return _gap(frame["outcome"][treated(frame)], frame["outcome"][before])


def naive_contrast(frame: pd.DataFrame) -> float | None:
    """Return what reached against not reached units would claim, in the same months.

    It credits the investment with whom it was given to. None where there is one of them alone.
    """
    on = treated(frame)
    months = frame["period"].isin(frame["period"][on])
    return _gap(frame["outcome"][on], frame["outcome"][months & (frame["start"] == 0)])


def _gap(after: pd.Series, before: pd.Series) -> float | None:
    difference = float(after.mean() - before.mean())
    return difference if np.isfinite(difference) else None
