"""All diagnostics of one comparison, weighed against each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.comparison import Comparison
from models.design import Handling
from models.diagnostics.after import pull_forward, sensitivity
from models.diagnostics.agreement import agreement
from models.diagnostics.before import Drift, drift_of, just_before, pre_trend
from models.diagnostics.dose import dose_response
from models.diagnostics.finding import Diagnostic, Suspicion, weighed
from models.diagnostics.likeness import overlap, resting_on, selection
from models.diagnostics.magnitudes import relative_magnitudes
from models.diagnostics.placebo import in_outcome, in_space, in_time
from models.diagnostics.spillover import Trace, corrected, exposure, surrounded, trace_of
from models.diagnostics.staffing import attrition, by_team, drop_a_team, other_investments
from models.effect import Estimate
from models.grid import of_cell, of_unit, unit_mean


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found.

    Attributes:
        pretrend_p_value: of the pre-trend test alone.
        corrected: the effect freed of spillover; None where teams can't tell.
    """

    diagnostics: list[Diagnostic]
    pretrend_p_value: float
    corrected: Estimate | None


def examined(
    frame: pd.DataFrame,
    found: Comparison,
    handling: Handling,
    other: Estimate | None,
    *,
    is_randomised: bool,
) -> Examined:
    """Run every diagnostic that the panel allows.

    Args:
        frame: the checked panel.
        found: the comparison made of it.
        handling: how often sound panels may be warned of.
        other: what a second estimator says; None where it could not be run.
        is_randomised: a lot was drawn.
    """
    drift, trace = drift_of(found), _trace(frame, found)
    first = pre_trend(drift, found.freedom, is_randomised=is_randomised)
    suspicions = [first, *_suspicions(frame, found, drift, trace)]
    if is_randomised:
        suspicions = [_by_lot(each) for each in suspicions]
    suspicions.append(agreement(found.estimate, other))
    return Examined(
        diagnostics=[
            *weighed(suspicions, handling.alarm_rate),
            *_plain(frame, found, drift, trace),
            *_not_possible(frame, found),
        ],
        pretrend_p_value=1.0 if first.quiet.p_value is None else first.quiet.p_value,
        corrected=corrected(trace) if trace and trace.is_told else None,
    )


def _trace(frame: pd.DataFrame, found: Comparison) -> Trace | None:
    if "team" not in frame:
        return None
    return trace_of(found, of_cell(frame, "team", found.model.grid))


def _suspicions(
    frame: pd.DataFrame, found: Comparison, drift: Drift, trace: Trace | None
) -> Iterator[Suspicion]:
    grid = found.model.grid
    yield just_before(found)
    yield selection(found, drift)
    yield in_time(found)
    yield attrition(found)
    if trace:
        yield exposure(trace)
    if "placebo" in frame:
        placebo = pd.to_numeric(of_cell(frame, "placebo", grid).ravel()).reshape(grid.seen.shape)
        yield in_outcome(found, np.nan_to_num(placebo.astype(float)))
    if found.wake.any():
        yield pull_forward(found)


def _plain(
    frame: pd.DataFrame, found: Comparison, drift: Drift, trace: Trace | None
) -> Iterator[Diagnostic]:
    grid = found.model.grid
    yield sensitivity(found, drift)
    yield relative_magnitudes(found)
    yield in_space(found)
    if grid.features.shape[1] > 1:
        yield overlap(found)
        yield resting_on(found)
    if trace:
        yield surrounded(trace)
        yield drop_a_team(found, trace.home)
        yield by_team(found, trace.home)
    if "dose" in frame:
        yield dose_response(found, unit_mean(frame, "dose", grid), trace.home if trace else None)
    if "other_start" in frame:
        yield other_investments(found, of_unit(frame, "other_start", grid))


_NEEDED = {
    "spillover": ("team", "who works in which team"),
    "drop_a_team": ("team", "who works in which team"),
    "by_team": ("team", "who works in which team"),
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
