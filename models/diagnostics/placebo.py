"""Effects where there can be none: before the start, among the untouched, in another outcome."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy import special

from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.grid import Floats, Grid, Whole
from models.imputation import fit, mean_gain, predictable
from models.score import t_test

_DRAWS: Final = 60
_PAST: Final = 3
_FEWEST: Final = 10
_LOUD: Final = 0.15
_LARGE: Final = 0.975


def in_time(found: Comparison) -> Suspicion:
    """Test that nothing happened when it had not begun: in the later half of the months before."""
    model, grid = found.model, found.model.grid
    before = model.untreated & grid.reached[:, None] & (grid.since < 0)
    later = before & (before.cumsum(axis=1) > before.sum(axis=1, keepdims=True) / 2)
    rest = model.untreated & ~later
    cells = predictable(rest, later, past=_PAST, others=_PAST)
    if not cells.any():
        return _quiet("placebo_time", 0.0, 1.0, "effect before the start")
    again = fit(grid, proportional=model.is_proportional, untreated=rest)
    gain = mean_gain(again, cells)
    return _quiet(
        "placebo_time",
        *t_test(gain.value, gain.influence, found.freedom),
        "effect before the start",
    )


def in_outcome(found: Comparison, outcome: Floats) -> Suspicion:
    """Test that an outcome which it cannot move did not move (n x T)."""
    grid = replace(found.model.grid, outcome=outcome)
    gain = mean_gain(fit(grid, proportional=False, untreated=found.model.untreated), found.cells)
    what = "effect on what it cannot move"
    return _quiet("placebo_outcome", *t_test(gain.value, gain.influence, found.freedom), what)


def in_space(found: Comparison) -> Diagnostic:
    """Treat untouched units as if, many times: how often does as much come of nothing?

    The p-value is the share of draws that stand out as far as the treated did (a randomisation test
    among the untouched). Where the draws stand out far more often than one in twenty, the standard
    error does not hold here.
    """
    grid = found.model.grid
    free = np.flatnonzero(~grid.reached & (found.model.untreated.sum(axis=1) > _FEWEST))
    name = "placebo_space"
    if len(np.unique(grid.cluster[free])) < _FEWEST:
        words = "Too few were never reached and long there to treat them as if."
        return Diagnostic(name=name, verdict="not_possible", words=words)
    rng = np.random.default_rng(len(grid.units))
    drawn = np.array([_drawn(grid, free, rng) for _ in range(_DRAWS)])
    own = found.gain.value / found.gain.std_error()
    p_value = float((1 + (np.abs(drawn) >= abs(own)).sum()) / (1 + _DRAWS))
    half = len(np.unique(grid.cluster[free])) // 2
    loud = float((np.abs(drawn) > special.stdtrit(half - 1, _LARGE)).mean())
    return Diagnostic(
        name=name,
        verdict="warn" if loud > _LOUD else "pass",
        statistic=loud,
        p_value=p_value,
        words=(
            f"Of {_DRAWS} draws of people who were never reached, {loud:.0%} showed an effect, "
            "where 5 % should: the interval is too short here."
            if loud > _LOUD
            else f"People who were never reached, treated as if, showed an effect in {loud:.0%} of "
            f"{_DRAWS} draws; as much as the reached show came up in {p_value:.0%}."
        ),
    )


def _drawn(grid: Grid, free: Whole, rng: np.random.Generator) -> float:
    """Return Student's t of half of the untouched, treated as if at the starts of the reached.

    Half of the teams where teams were reached as a whole.
    """
    told = rng.permutation(free)
    _, cluster = np.unique(grid.cluster[told], return_inverse=True)
    begins = np.full(cluster.max() + 1, len(grid.periods))
    half = rng.permutation(len(begins))[: len(begins) // 2]
    begins[half] = rng.choice(grid.start[grid.reached], len(half))
    start = begins[cluster]
    treated = grid.settled[told] & (np.arange(len(grid.periods)) >= start[:, None])
    feigned = replace(
        grid.bare,
        units=grid.units[told],
        outcome=grid.outcome[told],
        features=grid.features[told, :1],
        start=start,
        cluster=cluster,
    )
    untreated = grid.settled[told] & ~treated
    cells = predictable(untreated, treated, past=_PAST, others=_PAST)
    gain = mean_gain(fit(feigned, proportional=False, untreated=untreated), cells)
    error = gain.std_error()
    return gain.value / error if error > 0 else 0.0


def _quiet(name: str, statistic: float, p_value: float, what: str) -> Suspicion:
    return suspicion(
        name,
        statistic,
        p_value,
        weight=0.5,
        quiet=f"No {what} was found (p = {p_value:.2f}).",
        alarm=f"An {what} was found (p = {p_value:.3f}): it is not the investment's.",
    )
