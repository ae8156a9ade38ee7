"""How large an effect a roll-out could show, from the noise of the company's own months.

Half of the units start at once, the other half waits. The effect is then told by how much more the
first half changed, mean of the months under it less mean of the months before; its standard error
follows from how much units change anyway between such windows:

    std_error = sd(change) * sqrt(1 / first + 1 / waiting);  detectable = 2.8 * std_error
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import pandas as pd

from contracts.errors import UserError
from models.effect import DETECTABLE

BEFORE: Final = 6
"""Months before the start that a roll-out is compared with; fewer where history is short."""
MONTHS: Final = (2, 3, 4, 6, 9, 12)
"""The lengths of roll-out that are tried."""
LEAST_UNITS: Final = 10
"""Five that start and five that wait: fewer are never judged."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a roll-out of so many units and months can show.

    Attributes:
        units: of which half start at once.
        std_error: of the effect per unit and month.
        needed: the effect that would change the decision, in these months.
    """

    units: int
    months: int
    std_error: float
    needed: float

    @property
    def detectable(self) -> float:
        """The smallest effect per unit and month that is found in 80 % of cases."""
        return DETECTABLE * self.std_error

    @property
    def suffices(self) -> bool:
        """Whether the effect that would change the decision would show."""
        return self.detectable <= self.needed


def change_sd(panel: pd.DataFrame, months: int, before: int = BEFORE) -> float:
    """Return how much units change, beside each other, from one window of months to the next.

    The standard deviation over units of (mean of `months` - mean of the `before` months before),
    less what all units changed by, pooled over every place in the history.

    Args:
        panel: `unit`, `period` (whole numbers, one apart), `outcome`.
        months: of the later window.
        before: of the earlier.

    Raises:
        UserError: if no two units have that many months on record together.
    """
    wide = panel.pivot_table(index="unit", columns="period", values="outcome", aggfunc="sum")
    wide = wide.reindex(columns=range(int(wide.columns.min()), int(wide.columns.max()) + 1))
    values = wide.to_numpy(float)
    squares, freedom = 0.0, 0
    for start in range(before, values.shape[1] - months + 1):
        change = values[:, start : start + months].mean(axis=1) - values[
            :, start - before : start
        ].mean(axis=1)
        change = change[np.isfinite(change)]
        if len(change) > 1:
            squares += float(((change - change.mean()) ** 2).sum())
            freedom += len(change) - 1
    if not freedom:
        raise UserError(f"no two units have {before + months} months on record together")
    return float(np.sqrt(squares / freedom))


def std_error(sd: float, units: int) -> float:
    """Return the standard error of the effect if half of the units start and half wait."""
    first = units // 2
    return sd * float(np.sqrt(1 / first + 1 / (units - first)))


def smallest(panel: pd.DataFrame, units: int, needed: Sequence[float]) -> Reach:
    """Return the shortest roll-out, then the fewest units, that would show what is needed.

    Where none would, the one that comes nearest: all units, for the months in which what they show
    is least above what is needed.

    Args:
        panel: as in `change_sd`.
        units: that could take part.
        needed: the effect that would change the decision, per unit and month, for each length of
            `MONTHS`: an effect that ramps up shows less of itself in few months.

    Raises:
        UserError: if fewer than ten units could take part, or history is too short for any length.
    """
    if units < LEAST_UNITS:
        raise UserError(f"{units} units could take part; it takes {LEAST_UNITS} to judge anything")
    tried: list[tuple[float, Reach]] = []
    for months, effect in zip(MONTHS, needed, strict=True):
        try:
            sd = change_sd(panel, months)
        except UserError:
            continue
        enough = max(_units(sd, effect), LEAST_UNITS)
        size = min(enough, units)
        reach = Reach(units=size, months=months, std_error=std_error(sd, size), needed=effect)
        if reach.suffices:
            return reach
        tried.append((reach.detectable / effect, reach))
    if not tried:
        raise UserError(f"it takes {BEFORE + MONTHS[0]} months on record to know the noise")
    return min(tried, key=lambda one: one[0])[1]


def units_needed(reach: Reach) -> int:
    """Return how many units would show what is needed in the roll-out's months."""
    return _units(reach.std_error / float(np.sqrt(4 / reach.units)), reach.needed)


def _units(sd: float, effect: float) -> int:
    """Return the even number of units for which 2.8 standard errors are the effect."""
    return 2 * ceil(2 * (DETECTABLE * sd / effect) ** 2)
