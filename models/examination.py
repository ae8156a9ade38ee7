"""All diagnostics of one comparison, weighed against each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.comparison import Comparison
from models.design import Handling
from models.diagnostics.after import pull_forward, sensitivity
from models.diagnostics.before import Drift, drift_of, just_before, pre_trend, undrifted
from models.diagnostics.finding import Diagnostic, Suspicion, weighed
from models.diagnostics.likeness import overlap, resting_on, selection
from models.diagnostics.placebo import in_outcome, in_space, in_time
from models.diagnostics.spillover import exposure, mates_reached, surrounded
from models.diagnostics.staffing import attrition, drop_a_team, other_investments
from models.effect import Estimate, estimate_of
from models.grid import of_cell, of_unit


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found.

    Attributes:
        pretrend_p_value: of the pre-trend test alone.
    """

    diagnostics: list[Diagnostic]
    pretrend_p_value: float


def examined(
    frame: pd.DataFrame, found: Comparison, handling: Handling, *, is_randomised: bool
) -> Examined:
    """Run every diagnostic that the panel allows."""
    drift = drift_of(found)
    first = pre_trend(drift, found.freedom, is_randomised=is_randomised)
    suspicions = [first, *_suspicions(frame, found, drift)]
    if is_randomised:
        suspicions = [_by_lot(each) for each in suspicions]
    return Examined(
        diagnostics=[
            *weighed(suspicions, handling.alarm_rate),
            *_plain(frame, found, drift),
            *_not_possible(frame, found),
        ],
        pretrend_p_value=1.0 if first.quiet.p_value is None else first.quiet.p_value,
    )


def _suspicions(frame: pd.DataFrame, found: Comparison, drift: Drift) -> Iterator[Suspicion]:
    drifted = _drifted(found, drift)
    grid = found.model.grid
    yield just_before(found)
    yield selection(found, is_sturdy=drifted.low > 0 or drifted.high < 0)
    yield in_time(found)
    yield attrition(grid)
    if "team" in frame:
        team = of_cell(frame, "team", grid)
        yield exposure(found, mates_reached(grid, team), team)
    if "placebo" in frame:
        placebo = pd.to_numeric(of_cell(frame, "placebo", grid).ravel()).reshape(grid.seen.shape)
        yield in_outcome(found, np.nan_to_num(placebo.astype(float)))
    if found.wake.any():
        yield pull_forward(found)


def _plain(frame: pd.DataFrame, found: Comparison, drift: Drift) -> Iterator[Diagnostic]:
    grid = found.model.grid
    yield sensitivity(found, drift)
    yield in_space(found)
    if grid.features.shape[1] > 1:
        yield overlap(found)
        yield resting_on(found)
    if "team" in frame:
        team = of_cell(frame, "team", grid)
        yield surrounded(found, mates_reached(grid, team))
        yield drop_a_team(found, team)
    if "other_start" in frame:
        yield other_investments(found, of_unit(frame, "other_start", grid))


_NEEDED = {
    "spillover": ("team", "who works in which team"),
    "drop_a_team": ("team", "who works in which team"),
    "placebo_outcome": ("placebo", "an outcome that the investment can't move"),
    "other_investments": ("other_start", "since when other investments have been at work"),
    "pull_forward": ("stop", "when it ended"),
}


def _not_possible(frame: pd.DataFrame, found: Comparison) -> Iterator[Diagnostic]:
    for name, (column, what) in _NEEDED.items():
        if column not in frame:
            words = f"Not looked at: the panel does not say {what} (column {column})."
            yield Diagnostic(name=name, verdict="not_possible", words=words)
    if found.model.grid.features.shape[1] == 1:
        words = "Not looked at: no covariates were named."
        yield Diagnostic(name="overlap", verdict="not_possible", words=words)


def _by_lot(each: Suspicion) -> Suspicion:
    """Where a lot was drawn, an unlikeness is chance: it is warned of, and not taken for a bias."""
    return replace(each, alarm=replace(each.alarm, verdict="warn"))


def _drifted(found: Comparison, drift: Drift) -> Estimate:
    gain = undrifted(found.gain, drift)
    return estimate_of("drift carried on", gain.value, gain.std_error(), found.freedom)
