"""How large a drift after the start would have to be, beside the worst that was seen before it.

Relative magnitudes (Rambachan and Roth, Review of Economic Studies 90, 2023, section 2.3): those
reached may move away from the others after the start, from one step to the next, by at most M times
the largest such move seen before. Then, with b the mean gap after the start less the gap in the
last step before, w the worst move before and d the mean number of steps from that one,

    effect within b -/+ M w d;   interval: that, -/+ t standard errors of b;
    the sign holds until M = (|b| - t standard errors) / (w d).

The worst move is taken as measured: its noise makes w larger, and the bound with it. The interval
is the conservative one that diff-diff's `HonestDiD` gives for the same gaps; the library takes its
own event studies alone. Steps are up to half a year, as a month's move is noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic
from models.grid import Flags
from models.imputation import clustered_error, fit, mean_gain, predictable

_NAME: Final = "relative_magnitudes"
_SHORTEST, _LONGEST = 2, 6
_FEWEST_STEPS: Final = 3
_MOST_STEPS: Final = 5
_CONFIDENCE: Final = 0.95
_REACHED: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What the gaps before and after say.

    Attributes:
        effect: mean gap after, less the gap in the last step before.
        std_error: of that.
        worst: the largest move from one step to the next before.
        distance: the mean number of steps, over the months after, from the last step before.
        months: in a step.
        quantile: of Student's t.
    """

    effect: float
    std_error: float
    worst: float
    distance: float
    months: int
    quantile: float

    def interval(self, magnitude: float) -> tuple[float, float]:
        """Return the 95 % interval where moves after are at most so many times the worst before."""
        reach = magnitude * self.worst * self.distance + self.quantile * self.std_error
        return self.effect - reach, self.effect + reach

    @property
    def breakdown(self) -> float:
        """The magnitude up to which the interval leaves out nothing; 0 where it never does."""
        left = abs(self.effect) - self.quantile * self.std_error
        return max(left, 0.0) / max(self.worst * self.distance, 1e-300)


def relative_magnitudes(found: Comparison) -> Diagnostic:
    """Say up to which magnitude of later drift the sign of the effect holds."""
    bounds = bounds_of(found)
    if bounds is None:
        fewest = _FEWEST_STEPS * _SHORTEST
        words = f"Not looked at: it takes {fewest} months before the start, the last quarter aside."
        return Diagnostic(name=_NAME, verdict="not_possible", words=words)
    step = f"one {bounds.months} months to the next"
    return Diagnostic(
        name=_NAME,
        verdict="pass",
        statistic=bounds.breakdown,
        words=(
            f"The sign of the effect holds until those reached drift away, from {step}, by "
            f"{bounds.breakdown:.2g} times the worst that was seen before."
            if bounds.breakdown > 0
            else f"Measured from the last {bounds.months} months before alone, as bounds on later "
            "drift must be, the effect can't be told from nothing even without any drift."
        ),
    )


def bounds_of(found: Comparison) -> Bounds | None:
    """Return the bounds; None where too few months before are on record."""
    grid = found.model.grid
    before = found.model.untreated & grid.reached[:, None] & (grid.since < -found.quiet)
    months, steps = _steps(before)
    if months < _SHORTEST:
        return None
    place = (-grid.since - 1 - found.quiet) // months
    leads = [before & (place == step) for step in range(steps - 1)]
    base = found.model.untreated & ~np.logical_or.reduce(leads)
    model = fit(grid, proportional=found.model.is_proportional, untreated=base)
    cells = [predictable(base, each, past=months // 2, others=_FEWEST_STEPS) for each in leads]
    gaps = [mean_gain(model, each) for each in cells if each.any()]
    after = predictable(base, found.cells, past=months // 2, others=_FEWEST_STEPS)
    if len(gaps) < _FEWEST_STEPS - 1 or not after.any():
        return None
    path = [0.0, *(gap.value for gap in reversed(gaps))]
    gain = mean_gain(model, after)
    influence = gain.influence - gaps[0].influence
    later = (grid.since + 1 + found.quiet + (months - 1) / 2) / months
    return Bounds(
        effect=gain.value - gaps[0].value,
        std_error=clustered_error(influence),
        worst=float(np.abs(np.diff(path)).max()),
        distance=float(later[after].mean()),
        months=months,
        quantile=float(special.stdtrit(found.freedom, (1 + _CONFIDENCE) / 2)),
    )


def _steps(before: Flags) -> tuple[int, int]:
    """Return the months in a step and the number of steps: three quarters of the reached have them.

    The earliest step is the one that the others are told against; it holds what is left over too.
    """
    count = before.sum(axis=1)
    told = int(np.quantile(count[count > 0], _REACHED)) if count.any() else 0
    months = min(told // _FEWEST_STEPS, _LONGEST)
    return months, min(told // max(months, 1), _MOST_STEPS)
