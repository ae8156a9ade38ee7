"""Before the start: whether those reached moved like the others, up to the last quarter."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.comparison import Comparison
from models.diagnostics.finding import Suspicion, suspicion
from models.imputation import clustered_error, mean_gain
from models.score import Added, added, t_test

_YEAR: Final = 12
_USUAL: Final = 1.64
"""Standard errors: the one-sided 95 % quantile."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The drift of those reached before their start.

    Attributes:
        trend: of the drift, a year.
        carried: the effect that one unit of drift would feign, if it went on after the start.
    """

    trend: Added
    carried: float

    def survived_by(self, gain: float) -> float:
        """Return how many times the largest drift that the months before can't rule out a gain is.

        Of what that drift would feign if it went on after the start, in either direction.
        """
        possible = abs(self.trend.coefficient) + _USUAL * clustered_error(self.trend.influence)
        feigned = abs(possible * self.carried)
        return abs(gain) / feigned if feigned > 0 else float("inf")


def drift_of(found: Comparison) -> Drift:
    """Measure the drift before the start, and what it would come to in the treated cells."""
    model, cells, grid = found.model, found.cells, found.model.grid
    trend = added(model, np.where(grid.reached[:, None], grid.since / _YEAR, 0.0))
    slope = model.expected if model.is_proportional else np.ones(cells.shape)
    carried = float((trend.cleared * slope * cells).sum() / max(int(cells.sum()), 1))
    return Drift(trend=trend, carried=carried)


def pre_trend(drift: Drift, freedom: int, *, is_randomised: bool) -> Suspicion:
    """Test that those reached did not drift away from the others before they were reached.

    Where a lot was drawn, a drift is chance: it is warned of, and not taken for a bias.
    """
    statistic, p_value = t_test(drift.trend.coefficient, drift.trend.influence, freedom)
    return suspicion(
        "pre_trend",
        statistic,
        p_value,
        weight=2.0,
        loud="warn" if is_randomised else "refuse",
        quiet=(
            "Those reached did not move away from the others before, as far as so few months can "
            f"tell (p = {p_value:.2f}). That is weak evidence: a drift may be there unseen."
        ),
        alarm=(
            "Those reached were moving differently from the others before they were reached "
            f"(p = {p_value:.3f}): what followed may be that drift, not the investment."
        ),
    )


def just_before(found: Comparison) -> Suspicion:
    """Test that the last quarter before the start was as those before it let expect.

    A peak or a dip there means that people were chosen for recent results, which return to normal
    by themselves (Ashenfelter, Review of Economics and Statistics 60, 1978), or that they knew what
    was coming. The effect does not rest on that quarter; what follows a peak may still be its end.
    """
    bump = mean_gain(found.model, found.just_before)
    statistic, p_value = t_test(bump.value, bump.influence, found.freedom)
    what = "unusually good" if bump.value > 0 else "unusually bad"
    return suspicion(
        "just_before",
        statistic,
        p_value,
        weight=1.5,
        loud="refuse",
        quiet="The quarter before the start was like those before it.",
        alarm=(
            f"The quarter before the start was {what} for those reached (p = {p_value:.3f}): they "
            "were chosen for it, or acted on what was coming, and would have come back to normal "
            "without the investment."
        ),
    )
