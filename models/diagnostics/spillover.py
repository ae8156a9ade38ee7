"""Whether the untreated were touched through their team mates."""

from typing import Any, Final

import numpy as np

from models.comparison import Comparison
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.grid import Floats, Grid, Whole
from models.score import added, t_test

_MOSTLY: Final = 0.5
_TEAMS: Final = 8
"""So many teams must carry a test by teams, or one team's luck decides."""
Labels = np.ndarray[Any, Any]


def mates_reached(grid: Grid, team: Labels) -> Floats:
    """Return for each cell the share of its team mates under the investment (n x T)."""
    codes = np.unique(np.where(grid.seen, team.astype(str), ""), return_inverse=True)[1]
    codes = codes.reshape(grid.seen.shape)
    under = grid.seen & (grid.since >= 0)
    share = np.zeros(grid.seen.shape)
    for period in range(grid.seen.shape[1]):
        there, mates = grid.seen[:, period], codes[:, period]
        size = np.bincount(mates, there)[mates] - there
        told = np.bincount(mates, under[:, period] & there)[mates] - (under[:, period] & there)
        share[:, period] = np.where(size > 0, told / np.maximum(size, 1), 0.0)
    return share


def main_team(grid: Grid, team: Labels) -> Whole:
    """Return the number of the team in which each unit was seen most often (n)."""
    names, codes = np.unique(np.where(grid.seen, team.astype(str), ""), return_inverse=True)
    codes = codes.reshape(grid.seen.shape)
    counts = np.stack([(codes == code).sum(axis=1) for code in range(len(names))], axis=1)
    counts[:, names == ""] = -1
    return np.asarray(counts.argmax(axis=1))


def exposure(found: Comparison, share: Floats, team: Labels) -> Suspicion:
    """Test that the untreated sold no more, or less, the more of their team mates were reached."""
    touched = added(found.model, share * found.model.untreated)
    home = main_team(found.model.grid, team)
    told = np.bincount(home, (found.model.weight * touched.cleared**2).sum(axis=1))
    teams = int(told.sum() ** 2 / max(float(told @ told), 1e-300))
    statistic, p_value = t_test(touched.coefficient, touched.influence, teams - 1, home)
    p_value = p_value if teams >= _TEAMS else 1.0
    more = "more" if touched.coefficient > 0 else "less"
    return suspicion(
        "spillover",
        statistic,
        p_value,
        quiet="The untreated sold alike, however many of their team mates were reached.",
        alarm=(
            f"The untreated sold {more} the more of their team mates were reached "
            f"(p = {p_value:.3f}): they were touched too, and are not people left alone."
        ),
    )


def surrounded(found: Comparison, share: Floats) -> Diagnostic:
    """Say whether most of the untreated's team mates were reached, so that few were left alone."""
    grid = found.model.grid
    later = found.model.untreated & (np.arange(len(grid.periods)) >= grid.start.min())
    mean = float(share[later].mean()) if later.any() else 0.0
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
