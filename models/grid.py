"""A panel as arrays: n units by T periods, and which cells tell what happens without."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from models.clusters import FEWEST, is_by_team, main_team, sides
from models.design import Handling
from models.reliability import Covariate

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The cells of a panel.

    Attributes:
        units: names, n; `periods`: numbers, T, one apart.
        outcome: n x T, 0 where nobody was there.
        seen: where somebody was (n x T).
        settled: of those, not a newcomer's first months nor a leaver's last (n x T).
        treated: settled cells under the investment (n x T).
        untreated: settled cells that tell what happens without it (n x T): neither under it nor in
            its wake.
        start: of each unit, as a place among the periods; T where it never comes (n).
        features: 1 and the covariates as of before the start, standardised (n x K).
        covariates: those among the features, in order (K - 1).
        cluster: whose luck counts as one: the unit's own number, or its team's (n).
    """

    units: np.ndarray[Any, Any]
    periods: Whole
    outcome: Floats
    seen: Flags
    settled: Flags
    treated: Flags
    untreated: Flags
    start: Whole
    features: Floats
    covariates: tuple[Covariate, ...]
    cluster: Whole

    @property
    def noise(self) -> Floats:
        """The variance of each feature that is an error of measurement (K)."""
        return np.array([0.0, *(each.noise for each in self.covariates)])

    @property
    def bare(self) -> "Grid":
        """The same without covariates."""
        return replace(self, features=self.features[:, :1], covariates=())

    def summed(self, told: Floats) -> Floats:
        """Return each cluster's sum of what its units tell (n, or n x any), at its first unit."""
        if not self.is_by_team:
            return told
        _, first, code = np.unique(self.cluster, return_index=True, return_inverse=True)
        whole = np.zeros_like(told)
        np.add.at(whole, first[code], told)
        return whole

    @cached_property
    def is_by_team(self) -> bool:
        """Whether errors are by team."""
        return len(np.unique(self.cluster)) < len(self.cluster)

    @property
    def reached(self) -> Flags:
        """Which units are reached within the panel (n)."""
        return self.start < len(self.periods)

    @property
    def since(self) -> Whole:
        """Periods since the start, below 0 before it, -T where it never comes (n x T)."""
        count = len(self.periods)
        since = np.arange(count) - self.start[:, None]
        return np.where(self.reached[:, None], since, -count)


def laid_out(frame: pd.DataFrame, covariates: Sequence[Covariate], handling: Handling) -> Grid:
    """Lay a checked panel out as a grid."""
    units, row = np.unique(frame["unit"].astype(str).to_numpy(), return_inverse=True)
    first = int(frame["period"].min())
    column = frame["period"].to_numpy() - first
    shape = len(units), int(column.max()) + 1
    outcome, seen = np.zeros(shape), np.zeros(shape, bool)
    outcome[row, column] = frame["outcome"]
    seen[row, column] = True
    start = _of_unit(frame, "start", row, shape, first)
    stop = _of_unit(frame, "stop", row, shape, first)
    settled = _settled(seen, handling)
    since, after = (np.arange(shape[1]) >= edge[:, None] for edge in (start, stop))
    wake = np.arange(shape[1]) >= (stop + handling.wake_periods)[:, None]
    told = _before(frame, covariates, row, len(units))
    return Grid(
        units=units,
        periods=first + np.arange(shape[1]),
        outcome=outcome,
        seen=seen,
        settled=settled,
        treated=settled & since & ~after,
        untreated=settled & (~since | wake),
        start=start,
        features=np.column_stack([np.ones(len(units)), *told.values()]),
        covariates=tuple(told),
        cluster=_cluster(frame, row, column, seen, start),
    )


def _cluster(frame: pd.DataFrame, row: Whole, column: Whole, seen: Flags, start: Whole) -> Whole:
    """Return the team where teams were reached as a whole, and are enough; else the unit itself."""
    own = np.arange(len(start))
    if "team" not in frame:
        return own
    team = np.full(seen.shape, None, dtype=object)
    team[row, column] = frame["team"].to_numpy()
    home = main_team(seen, team)
    enough = min(sides(start, home, seen.shape[1])) >= FEWEST
    return home if enough and is_by_team(start, home, seen.shape[1]) else own


def of_cell(frame: pd.DataFrame, name: str, grid: Grid) -> np.ndarray[Any, Any]:
    """Return a column of the checked panel laid out as the grid (n x T); None where not seen."""
    row = np.searchsorted(grid.units, frame["unit"].astype(str).to_numpy())
    laid = np.full(grid.seen.shape, None, dtype=object)
    laid[row, frame["period"].to_numpy() - grid.periods[0]] = frame[name].to_numpy()
    return laid


def of_unit(frame: pd.DataFrame, name: str, grid: Grid) -> Whole:
    """Return a unit's period as a place among the grid's periods (n); T where it has none."""
    row = np.searchsorted(grid.units, frame["unit"].astype(str).to_numpy())
    return _of_unit(frame, name, row, grid.seen.shape, int(grid.periods[0]))


def unit_mean(frame: pd.DataFrame, name: str, grid: Grid) -> Floats:
    """Return the mean of a column of the checked panel over each unit's rows (n)."""
    means = frame.groupby(frame["unit"].astype(str))[name].mean()
    return np.asarray(means.reindex(grid.units), dtype=float)


def _of_unit(
    frame: pd.DataFrame, name: str, row: Whole, shape: tuple[int, int], first: int
) -> Whole:
    """Return a unit's period as a place among the periods; T where it has none."""
    place = np.full(shape[0], shape[1])
    if name in frame:
        told = frame[name].to_numpy()
        place[row[told > 0]] = told[told > 0] - first
    return np.asarray(np.minimum(place, shape[1]))


def _settled(seen: Flags, handling: Handling) -> Flags:
    """Leave out a newcomer's first months and a leaver's last.

    Whoever comes later climbs, and whoever goes often does so after months that went badly. Neither
    is a trend that others would share.
    """
    count = seen.shape[1]
    period = np.arange(count)
    came = seen.argmax(axis=1)
    went = count - 1 - seen[:, ::-1].argmax(axis=1)
    climbing = (came[:, None] > 0) & (period < came[:, None] + handling.newcomer_periods)
    leaving = (went[:, None] < count - 1) & (period > went[:, None] - handling.leaver_periods)
    return np.asarray(seen & ~climbing & ~leaving)


def _before(
    frame: pd.DataFrame, covariates: Sequence[Covariate], row: Whole, units: int
) -> dict[Covariate, Floats]:
    """Return each covariate's mean before the start, standardised; without spread, left out.

    A covariate that changes is taken as it was before the investment could have moved it.
    """
    told: dict[Covariate, Floats] = {}
    before = ((frame["start"] == 0) | (frame["period"] < frame["start"])).to_numpy()
    for each in covariates:
        value = frame[each.name].to_numpy(dtype=float)
        mean = _mean_by_unit(value, row, before, units)
        if (spread := mean.std()) > 1e-12 * (1 + abs(mean.mean())):
            told[each] = (mean - mean.mean()) / spread
    return told


def _mean_by_unit(value: Floats, row: Whole, before: Flags, units: int) -> Floats:
    told = before | ~np.isin(row, row[before])  # always reached: its rows are all there is
    count = np.bincount(row[told], minlength=units)
    return np.asarray(np.bincount(row[told], value[told], units) / np.maximum(count, 1))
