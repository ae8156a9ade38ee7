"""Whether the untreated were touched through their team mates, and what the effect is without."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from scipy import special

from models.clusters import Labels, main_team, numbered
from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.effect import Estimate, estimate_of
from models.grid import Floats, Grid, Whole
from models.imputation import Fit, clustered_error, fit
from models.score import Added, added, rooted, t_test

CORRECTED: Final = "imputation/spillover"

_MOSTLY: Final = 0.6
_TEAMS: Final = 8
"""So many teams must carry a test by teams, or one team's luck decides."""
_PASSED_ON: Final = 0.8
"""Of the alarms, those kept for mates who sell more: skill and tools are passed on more often than
sales are taken from one another, and what is passed on hides an effect."""
_WEIGHT: Final = 5.0
"""Two fifths of all alarms: with fewer, the trace is seen too seldom."""
_SMALL: Final = 100


def mates_reached(grid: Grid, team: Labels) -> Floats:
    """Return for each cell the share of its team mates under the investment (n x T)."""
    codes = numbered(grid.seen, team)
    unit, period = np.nonzero(grid.seen)
    group = codes[unit, period] * len(grid.periods) + period
    under = (grid.since >= 0)[unit, period]
    mates = np.bincount(group)[group] - 1
    share = np.zeros(grid.seen.shape)
    share[unit, period] = (np.bincount(group, under)[group] - under) / np.maximum(mates, 1)
    return share


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What the untreated show of how many of their team mates were reached.

    Attributes:
        found: the comparison.
        share: of each cell's team mates, those reached (n x T).
        home: the team that each unit is counted with (n).
    """

    found: Comparison
    share: Floats
    home: Whole

    @cached_property
    def rooted(self) -> Added:
        """What a share of 1 adds to the root of the outcome: the test's scale."""
        model, grid = self.found.model, self.found.model.grid
        roots = replace(grid, outcome=rooted(grid.outcome))
        return self._added_to(fit(roots, proportional=False, untreated=model.untreated))

    @cached_property
    def plain(self) -> Added:
        """What a share of 1 adds, on the estimate's own scale."""
        return self._added_to(self.found.model)

    @property
    def teams(self) -> float:
        """How many teams of equal weight would tell as much."""
        told = np.bincount(self.home, (self.rooted.cleared**2 * self.found.model.untreated).sum(1))
        return float(told.sum() ** 2 / max(float(told @ told), 1e-300))

    @property
    def is_told(self) -> bool:
        """Whether enough teams differ in how many were reached."""
        return self.teams >= _TEAMS

    def _added_to(self, model: Fit) -> Added:
        return added(model, self.share * model.untreated)


def trace_of(found: Comparison, team: Labels) -> Trace:
    """Return the trace, from who works in which team (n x T)."""
    grid = found.model.grid
    return Trace(found=found, share=mates_reached(grid, team), home=main_team(grid.seen, team))


def exposure(trace: Trace) -> Suspicion:
    """Test that the untreated sold no more, or less, the more of their team mates were reached.

    On the roots of the outcome: a month's variance grows with its mean, and few great deals make
    most of it; roots are what a sum of deals varies about as much in everywhere. Errors are by
    team.
    """
    if not trace.is_told:
        return _untold()
    touched, freedom = trace.rooted, int(trace.teams) - 1
    statistic, _ = t_test(touched.coefficient, touched.influence, freedom, trace.home)
    less = float(special.stdtr(freedom, statistic))
    p_value = min((1 - less) / _PASSED_ON, less / (1 - _PASSED_ON), 1.0)
    more = "more" if statistic > 0 else "less"
    without = corrected(trace)
    return suspicion(
        "spillover",
        statistic,
        p_value,
        weight=_WEIGHT,
        quiet=(
            "The untreated sold alike, however many of their team mates were reached, as far as "
            f"these teams can tell (p = {p_value:.2f}). Freed of what that leaves possible, the "
            f"effect would be {_between(without)}."
        ),
        alarm=(
            f"The untreated sold {more} the more of their team mates were reached "
            f"(p = {p_value:.3f}): they were touched too, and are not people left alone. Freed of "
            f"that, the effect is {_between(without)}."
        ),
    )


def corrected(trace: Trace) -> Estimate:
    """Return the effect against people none of whose team mates were reached.

    What the untreated show by the share of their mates is taken out of what they let expect: the
    plain effect less coefficient x what one unit of it adds to the treated cells' expectation, to
    first order. It is linear in the share, and takes those reached for untouched by each other.
    Errors are the larger of those by unit and by team.
    """
    found, passed = trace.found, trace.plain
    slope = found.model.expected if found.model.is_proportional else np.ones(found.cells.shape)
    carried = float((passed.cleared * slope * found.cells).sum() / found.gain.cells)
    influence = found.gain.influence - passed.influence * carried
    error = max(clustered_error(influence), clustered_error(influence, trace.home))
    effect = found.gain.value - passed.coefficient * carried
    return estimate_of(CORRECTED, effect, error, min(found.freedom, int(trace.teams) - 1))


def _untold() -> Suspicion:
    words = "Too few teams differ in how many were reached to tell whether anything was passed on."
    nothing = Diagnostic(name="spillover", verdict="not_possible", words=words)
    return Suspicion(quiet=nothing, alarm=nothing, weight=_WEIGHT)


def _between(told: Estimate) -> str:
    effect, low, high = (
        f"{each:,.3g}" if abs(each) < _SMALL else f"{each:,.0f}"
        for each in (told.effect, told.low, told.high)
    )
    return f"{effect} ({low} to {high}, in the outcome's own units)"


def surrounded(trace: Trace) -> Diagnostic:
    """Say whether most of the untreated's team mates were reached, so that few were left alone.

    Month by month, each weighted by how much of the effect is measured in it.
    """
    untreated, treated = trace.found.model.untreated, trace.found.cells.sum(axis=0)
    usual = (trace.share * untreated).sum(axis=0) / np.maximum(untreated.sum(axis=0), 1)
    mean = float((usual * treated).sum() / treated.sum())
    return Diagnostic(
        name="spillover_exposure",
        verdict="warn" if mean > _MOSTLY else "pass",
        statistic=mean,
        words=(
            f"Those compared had {mean:.0%} of their team mates reached: whatever was passed on to "
            "them is missing from the effect, and hardly anybody was left alone to show how much."
            if mean > _MOSTLY
            else f"Those compared had {mean:.0%} of their team mates reached."
        ),
    )
