"""Whether those who got more of it gained more, where doses differ."""

import numpy as np

from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic
from models.grid import Floats, Whole
from models.score import t_test

_NAME = "dose_response"
_FEWEST = 10
_LEVEL = 0.05
_LEAST = 0.05


def dose_response(found: Comparison, dose: Floats, home: Whole | None = None) -> Diagnostic:
    """Tell what part of the effect goes with the dose: a note, for doses are not drawn by lot.

    Each reached unit's mean gain is regressed on its dose, weighed by its months. The part is the
    slope x the mean dose / the mean gain: 1 where the effect is in proportion to the dose, 0 where
    more of it brought nothing. Errors are the larger of those by unit and by team.

    Args:
        found: the comparison; its effect is of the doses as they were given.
        dose: of each unit (n).
        home: the number of each unit's team (n); None where teams are not known.
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
    scores, own = months * away * left, months * away**2
    groups = [np.arange(len(months)), *([] if home is None else [home[reached]])]
    statistic, p_value = max(
        (_test(slope, scores, own, group) for group in groups), key=lambda test: test[1]
    )
    return Diagnostic(
        name=_NAME,
        verdict="pass",
        statistic=statistic,
        p_value=p_value,
        words=_words(slope * mean / level if level else 0.0, p_value),
    )


def _test(slope: float, scores: Floats, own: Floats, group: Whole) -> tuple[float, float]:
    """Return Student's t of the slope and its p-value, where a group's luck counts as one.

    Each group is held against what the others say of it, as the jackknife has it: a great dose
    carries much.
    """
    team = np.unique(group, return_inverse=True)[1]
    told, part = own.sum(), np.bincount(team, own)
    influence = np.bincount(team, scores) / np.maximum(told - part, _LEAST * told)
    return t_test(slope, influence, len(part) - 2)


def _words(part: float, p_value: float) -> str:
    given = "The effect is of the doses as they were given."
    if p_value > _LEVEL:
        return f"{given} Whether more of it brings more does not show (p = {p_value:.2f})."
    return (
        f"{given} Of it, {part:.0%} goes with the dose (p = {p_value:.3f}): 100% were in proportion"
        ", 0% the same for all. Doses were not drawn by lot, so that it may be who got them."
    )
