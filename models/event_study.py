"""The gap between reached units and what the others let expect, month by month around the start.

It is a picture, not the estimate: before the start it should lie around nothing. The months before
are predicted from months earlier still, so that a drift can show; none of them is in that fit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from models.comparison import compared
from models.design import Handling, Requirements, checked, survey
from models.effect import NotEstimable, estimate_of
from models.grid import Flags, laid_out
from models.imputation import Fit, fit, mean_gain, predictable
from models.reliability import covariates_of

LEADS: Final = 6
LAGS: Final = 18
_PAST: Final = 3


class Step(NamedTuple):
    """The mean gap so many months from the start (below 0: before), with its 95 % interval."""

    since: int
    gap: float
    low: float
    high: float


def event_study(
    panel: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    reliability: Mapping[str, float] | None = None,
) -> list[Step]:
    """Return the steps in order; a month that fewer than five units can tell of is left out.

    Covariates and their reliability are as in `models.incremental.judge`.

    Raises:
        UserError: if the panel is malformed.
    """
    frame = checked(panel, covariates)
    required = Requirements()
    grid = laid_out(frame, covariates_of(covariates, reliability), Handling())
    lead = grid.untreated & grid.reached[:, None] & (grid.since < 0) & (grid.since >= -LEADS)
    try:
        found = compared(grid, survey(frame), required)
        earlier = found.model.untreated & ~lead
        before = fit(grid, proportional=found.model.is_proportional, untreated=earlier)
    except NotEstimable:
        return []
    lead = predictable(earlier, lead, past=_PAST, others=required.units)
    return [
        *_steps(before, lead, range(-LEADS, 0), required.units),
        *_steps(found.model, found.cells, range(LAGS), required.units),
    ]


def _steps(model: Fit, cells: Flags, around: range, units: int) -> Iterator[Step]:
    for since in around:
        there = np.asarray(cells & (model.grid.since == since))
        if int(there.any(axis=1).sum()) < units:
            continue
        count = len(np.unique(model.grid.cluster[there.any(axis=1)]))
        gain = mean_gain(model, there)
        try:
            told = estimate_of("event_study", gain.value, gain.std_error(), count - 1)
        except NotEstimable:
            continue
        yield Step(since, told.effect, told.low, told.high)
