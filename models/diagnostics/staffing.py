"""Who left, whose team carries the effect, and what else was at work on those reached."""

from typing import Final

import numpy as np

from models.clusters import is_by_team, sides
from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.grid import Floats, Whole
from models.score import t_test

_HALF: Final = 0.5
_TOLD: Final = 2.0
_MORE: Final = 0.25
_MOSTLY: Final = 0.75


def attrition(found: Comparison) -> Suspicion:
    """Test that those reached left as often as the others, month for month, once it had begun.

    Beyond what covariates explain: a score test in a linear model of leaving.
    """
    grid = found.model.grid
    period = np.arange(len(grid.periods))
    last = len(grid.periods) - 1 - grid.seen[:, ::-1].argmax(axis=1)
    later = grid.seen & (period >= grid.start.min()) & (period < len(grid.periods) - 1)
    unit, month = np.nonzero(later)
    leaves, under = month == last[unit], grid.since[unit, month] >= 0
    known = grid.features[unit]
    told = np.column_stack([leaves, under]).astype(float)
    unknown = told - known @ np.linalg.lstsq(known, told, rcond=None)[0]
    influence: Floats = np.zeros(len(grid.units))
    np.add.at(influence, unit, unknown[:, 0] * unknown[:, 1])
    statistic, p_value = t_test(float(influence.sum()), influence, found.freedom, grid.cluster)
    rates = [leaves[group].mean() if group.any() else 0.0 for group in (under, ~under)]
    words = f"{rates[0]:.1%} of those reached left a month, and {rates[1]:.1%} of the others"
    return suspicion(
        "attrition",
        statistic,
        p_value,
        weight=0.5,
        quiet=f"{words}: alike.",
        alarm=f"{words} (p = {p_value:.3f}): who is left to be measured is not who was reached.",
    )


def drop_a_team(found: Comparison, home: Whole) -> Diagnostic:
    """Say whether one team carries the effect: what is left of it without each team.

    To first order, by the influence of the units whose home it is (n).
    """
    without = found.gain.value - np.bincount(home, found.gain.influence)
    left = float((without * np.sign(found.gain.value)).min() / max(abs(found.gain.value), 1e-300))
    is_told = abs(found.gain.value) > _TOLD * found.gain.std_error()
    return Diagnostic(
        name="drop_a_team",
        verdict="warn" if is_told and left < _HALF else "pass",
        statistic=left,
        words=(
            f"Without one of the teams {max(left, 0):.0%} of the effect is left: it is that "
            "team's, rather than the investment's."
            if is_told and left < _HALF
            else "No single team carries the effect."
        ),
    )


def by_team(found: Comparison, home: Whole) -> Diagnostic:
    """Say whether teams were reached as a whole, and whether they are enough to tell their luck."""
    grid = found.model.grid
    reached, later = sides(grid.start, home, len(grid.periods))
    is_whole = is_by_team(grid.start, home, len(grid.periods))
    words = "Reached and others work in the same teams: what a team shares evens out."
    if is_whole:
        words = f"Teams were reached as a whole, {reached} of them beside {later} others: " + (
            "errors are by team."
            if grid.is_by_team
            else "too few to tell what a team shares from the effect. The interval counts each "
            "unit for itself, and is too short if teams have good and bad times of their own."
        )
    return Diagnostic(
        name="by_team",
        verdict="warn" if is_whole and not grid.is_by_team else "pass",
        statistic=float(min(reached, later)),
        words=words,
    )


def other_investments(found: Comparison, other_start: Whole) -> Diagnostic:
    """Say whether another investment was at work on those reached, and not on the compared."""
    grid = found.model.grid
    period = np.arange(len(grid.periods))
    under = (other_start < len(grid.periods))[:, None] & (period >= other_start[:, None])
    reached = float(under[found.cells].mean())
    compared = float(under[found.model.untreated & (period >= grid.start.min())].mean())
    gap = abs(reached - compared)
    words = (
        f"Another investment was at work in {reached:.0%} of the months of those reached and "
        f"{compared:.0%} of the others'"
    )
    if gap > _MORE:
        words += ": what it did is in the effect, and can't be told apart."
    return Diagnostic(
        name="other_investments",
        verdict="refuse" if gap > _MOSTLY else "warn" if gap > _MORE else "pass",
        statistic=gap,
        words=words if gap > _MORE else words + ".",
    )
