"""Whether those who got more of it gained more, where doses differ."""

import numpy as np

from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic
from models.grid import Floats
from models.score import t_test

_NAME = "dose_response"
_FEWEST = 10
_LEVEL = 0.05


def dose_response(found: Comparison, dose: Floats) -> Diagnostic:
    """Tell what part of the effect goes with the dose: a note, for doses are not drawn by lot.

    Each reached unit's mean gain is regressed on its dose, weighed by its months. The part is the
    slope x the mean dose / the mean gain: 1 where the effect is in proportion to the dose, 0 where
    more of it brought nothing.

    Args:
        found: the comparison; its effect is of the doses as they were given.
        dose: of each unit (n).
    """
    reached = found.cells.any(axis=1) & np.isfinite(dose) & (dose > 0)
    months = found.cells[reached].sum(axis=1)
    if len(months) < _FEWEST or np.ptp(dose[reached]) == 0:
        words = f"Not looked at: it takes {_FEWEST} who were reached, with doses that differ."
        return Diagnostic(name=_NAME, verdict="not_possible", words=words)
    gap = found.model.grid.outcome - found.model.expected
    gain = (gap * found.cells)[reached].sum(axis=1) / months
    mean = float(np.average(dose[reached], weights=months))
    away = dose[reached] - mean
    level = float(np.average(gain, weights=months))
    told = float(months @ away**2)
    slope = float(months @ (away * gain)) / told
    left = gain - level - slope * away
    statistic, p_value = t_test(slope, months * away * left / told, len(months) - 2)
    return Diagnostic(
        name=_NAME,
        verdict="pass",
        statistic=statistic,
        p_value=p_value,
        words=_words(slope * mean / level if level else 0.0, p_value),
    )


def _words(part: float, p_value: float) -> str:
    given = "The effect is of the doses as they were given."
    if p_value > _LEVEL:
        return f"{given} Whether more of it brings more does not show (p = {p_value:.2f})."
    return (
        f"{given} Of it, {part:.0%} goes with the dose (p = {p_value:.3f}): 100% were in proportion"
        ", 0% the same for all. Doses were not drawn by lot, so that it may be who got them."
    )
