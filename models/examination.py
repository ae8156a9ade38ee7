"""All diagnostics of one comparison, weighed against each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from models.comparison import Comparison
from models.design import Handling
from models.diagnostics.before import Drift, drift_of, just_before, pre_trend, undrifted
from models.diagnostics.finding import Diagnostic, Suspicion, weighed
from models.diagnostics.likeness import overlap, selection
from models.diagnostics.spillover import exposure, mates_reached, surrounded
from models.effect import Estimate, estimate_of
from models.grid import of_cell


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found.

    Attributes:
        pretrend_p_value: of the pre-trend test alone.
        drifted: the effect, had the drift from before gone on.
    """

    diagnostics: list[Diagnostic]
    pretrend_p_value: float
    drifted: Estimate


def examined(
    frame: pd.DataFrame, found: Comparison, handling: Handling, *, is_randomised: bool
) -> Examined:
    """Run every diagnostic that the panel allows."""
    drift = drift_of(found)
    first = pre_trend(drift, found.freedom, is_randomised=is_randomised)
    drifted = _drifted(found, drift)
    is_sturdy = drifted.low > 0 or drifted.high < 0
    suspicions = [
        first,
        just_before(found),
        selection(found, is_sturdy=is_sturdy),
        *_suspicions(frame, found),
    ]
    if is_randomised:
        suspicions = [_by_lot(each) for each in suspicions]
    return Examined(
        diagnostics=[*weighed(suspicions, handling.alarm_rate), *_plain(frame, found)],
        pretrend_p_value=first.quiet.p_value or 1.0,
        drifted=drifted,
    )


def _suspicions(frame: pd.DataFrame, found: Comparison) -> Iterator[Suspicion]:
    if "team" in frame:
        grid = found.model.grid
        team = of_cell(frame, "team", grid)
        yield exposure(found, mates_reached(grid, team), team)


def _plain(frame: pd.DataFrame, found: Comparison) -> Iterator[Diagnostic]:
    yield overlap(found)
    if "team" in frame:
        grid = found.model.grid
        yield surrounded(found, mates_reached(grid, of_cell(frame, "team", grid)))


def _by_lot(each: Suspicion) -> Suspicion:
    """Where a lot was drawn, an unlikeness is chance: it is warned of, and not taken for a bias."""
    return replace(each, alarm=replace(each.alarm, verdict="warn"))


def _drifted(found: Comparison, drift: Drift) -> Estimate:
    gain = undrifted(found.gain, drift)
    return estimate_of("drift carried on", gain.value, gain.std_error(), found.freedom)
