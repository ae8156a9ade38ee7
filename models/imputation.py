"""What would have happened without: predicted for each cell from the cells that were not reached.

Imputation after Borusyak, Jaravel and Spiess (Review of Economic Studies 91, 2024): a model with a
level for each unit, a shock for each period and a trend for each covariate is fitted to untreated
cells alone; what treated cells show beyond its prediction is the effect. Two forms of it:

- additive: Y(0) = level + shock + covariates * (trend of time);
- proportional: E Y(0) = exp(level + shock + covariates * (trend of time)), fitted as a Poisson
  pseudo-likelihood, which needs no distribution but the mean (Wooldridge, Econometrics Journal 26,
  2023). Seasons and growth then scale with a unit's level, as they do in sales.

Both are consistent with few periods, as the levels drop out of the others' equations. Errors come
from influence functions summed by unit, so that a unit's months count as one observation; by team
where teams were reached as a whole (models.clusters).

Where a covariate's reliability is stated below 1, the variance that its error has, and what comes
of it in any pair of periods, is taken out of the additive form's normal equations (the method of
moments of Fuller, Measurement Error Models, 1987, chapter 2; the corrected score of Carroll,
Ruppert, Stefanski and Crainiceanu, 2006, chapter 7). Whatever the distribution of what it stands
for, and whoever was chosen by it, the trends are then those of what it stands for; its error stays
in each unit's expectation, and has a mean of nothing over the reached. The proportional form has no
such exact correction once levels are profiled out, and takes none.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from scipy import linalg

from models.effect import NotEstimable
from models.grid import Flags, Floats, Grid, Whole
from models.ratio_bias import surplus

_STEPS: Final = 40
_LARGEST_STEP: Final = 2.0
_CLOSE: Final = 1e-7
_MOSTLY_NOISE: Final = 0.9
_LEAST_LEFT: Final = 0.05
_RIDGE: Final = 1e-9
"""Of the mean curvature: it picks one of many equal answers, and moves none by more than that."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A model of the untreated.

    Attributes:
        expected: what it predicts without the investment, for all cells (n x T).
        weight: each untreated cell's weight in the curvature (n x T).
        residual: outcome less expectation in untreated cells, 0 elsewhere (n x T).
        is_proportional: its form.
        theta: the shocks, and each covariate's trend (T x K).
        basis: theta = basis @ free parameters; theta is T x K, flat.
        curvature: of the free parameters, levels partialled out.
    """

    grid: Grid
    untreated: Flags
    expected: Floats
    weight: Floats
    residual: Floats
    is_proportional: bool
    theta: Floats
    basis: Floats
    curvature: Floats

    @cached_property
    def share(self) -> Floats:
        """Each untreated cell's share of its unit's weight (n x T)."""
        return _shares(self.weight)

    @cached_property
    def surplus(self) -> Floats:
        """The share by which each expectation is too large on average: a ratio's bias (n x T).

        The additive form has none. Of the proportional one with covariates it is left.
        """
        if not self.is_proportional or self.grid.covariates:
            return np.zeros_like(self.expected)
        return surplus(self.residual, self.weight, self.curvature, self.grid.cluster)

    def steps(self, gradient: Floats) -> Floats:
        """Return how theta answers to a gradient (T x K)."""
        free = np.linalg.solve(self.curvature, self.basis.T @ gradient.ravel())
        return np.asarray((self.basis @ free).reshape(gradient.shape))

    def leverage(self, path: Floats) -> Floats:
        """Return how much of its own error along a path each cluster explains away (n).

        With g a cluster's part of the gradient of the shocks along the path, and I their curvature:
        g' I^-1 g / g' path. Of the shocks alone: what trends of covariates explain away of the
        compared's errors, their own errors add to the spread of the gains of the reached.
        """
        grid, shocks = self.grid, slice(len(self.grid.periods))
        drawn = grid.features @ path.T
        drawn -= (self.share * drawn).sum(axis=1, keepdims=True)
        gradient = grid.summed(self.weight * drawn)
        told = grid.summed((self.weight * drawn**2).sum(axis=1))
        answer = np.linalg.solve(self.curvature[shocks, shocks], gradient.T).T
        return np.asarray((gradient * answer).sum(axis=1) / np.where(told > 0, told, 1.0))

    def noise(self, one: Floats, other: Floats) -> Floats:
        """Return what errors of measurement add to the product of two paths, by unit (n).

        A path (T x K) is what a covariate counts for in each period. The errors' variance is a
        share of a variance over units, which is itself an estimate: each unit has its part in it.
        """
        grid = self.grid
        if not grid.noise.any():
            return np.zeros(len(grid.units))
        total = self.weight.sum(axis=1, keepdims=True)
        told = self.weight @ (one * other) - total * (self.share @ one) * (self.share @ other)
        return np.asarray((told + (grid.features**2 - 1) * told.mean(axis=0)) @ grid.noise)


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over cells of outcome less expectation, with each cluster's influence on it (n)."""

    value: float
    influence: Floats
    cells: int

    def std_error(self) -> float:
        """Return the standard error, by cluster."""
        return clustered_error(self.influence)


def clustered_error(influence: Floats, cluster: Whole | None = None) -> float:
    """Return the standard error of what units have this influence on (n)."""
    summed = influence if cluster is None else np.bincount(cluster, influence)
    count = int(np.count_nonzero(summed))
    return float(np.sqrt((summed @ summed) * count / max(count - 1, 1)))


def fit(grid: Grid, *, proportional: bool, untreated: Flags | None = None) -> Fit:
    """Fit the model to the grid's untreated cells, or to those named.

    Raises:
        NotEstimable: if the covariates are said to be little but noise.
        ValueError: if the form is proportional and a covariate is said to be measured with error.
    """
    if proportional and grid.noise.any():
        raise ValueError("the proportional form takes covariates as they are measured")
    cells = grid.untreated if untreated is None else untreated
    basis = _basis(len(grid.periods), grid.features.shape[1])
    flat = np.zeros((len(grid.periods), grid.features.shape[1]))
    model = _at(flat, grid, cells, basis, proportional=proportional)
    if not proportional:  # one step, and the curvature is the same everywhere
        step = model.steps(model.residual.T @ grid.features)
        expected, _ = _shifted(np.where(cells, grid.outcome, 0.0), grid.features @ step.T, cells)
        residual = (grid.outcome - expected) * cells
        return replace(model, theta=step, expected=expected, residual=residual)
    for _ in range(_STEPS):
        step = model.steps(model.residual.T @ grid.features)
        largest = float(np.abs(step).max())
        theta = model.theta + step * min(1.0, _LARGEST_STEP / (largest + _CLOSE))
        model = _at(theta, grid, cells, basis, proportional=True)
        if largest < _CLOSE:
            break
    return model


def _at(theta: Floats, grid: Grid, cells: Flags, basis: Floats, *, proportional: bool) -> Fit:
    """Return the model with these trends, and the levels that fit them best."""
    form = _scaled if proportional else _shifted
    expected, weight = form(np.where(cells, grid.outcome, 0.0), grid.features @ theta.T, cells)
    return Fit(
        grid=grid,
        untreated=cells,
        expected=expected,
        weight=weight,
        residual=(grid.outcome - expected) * cells,
        is_proportional=proportional,
        theta=theta,
        basis=basis,
        curvature=_curvature(weight, grid, basis),
    )


def mean_gain(model: Fit, cells: Flags) -> Mean:
    """Return the mean of outcome less expectation over cells outside of the fit."""
    grid = model.grid
    counts = cells.sum(axis=1)
    total = max(int(counts.sum()), 1)
    gains = ((grid.outcome - model.expected) * cells).sum(axis=1)
    value = float(gains.sum() / total)
    too_much = float((model.expected * cells * model.surplus).sum() / total)
    slope = model.expected * cells if model.is_proportional else cells.astype(float)
    pull = slope.sum(axis=1, keepdims=True) * model.share - slope
    path = model.steps(pull.T @ grid.features)
    answer = grid.features @ path.T
    drawn = (model.residual * answer).sum(axis=1) + model.noise(path, model.theta)
    own = unbiased(grid.summed(gains - value * counts), grid.summed(counts) / total)
    drawn = unbiased(grid.summed(drawn), model.leverage(path))
    return Mean(value=value + too_much, influence=(own + drawn) / total, cells=total)


def unbiased(influence: Floats, leverage: Floats) -> Floats:
    """Return influences whose squares are those of errors, not of what a fit has left of them (n).

    A cluster pulls what it is held against towards itself by its leverage, so that the square of
    what is left is 1 - leverage times too small: HC2 (MacKinnon and White, Journal of Econometrics
    29, 1985), by cluster. It counts where few were reached or compared, or covariates are many.
    """
    return np.asarray(influence / np.sqrt(np.maximum(1 - leverage, _LEAST_LEFT)))


def predictable(untreated: Flags, cells: Flags, *, past: int, others: int) -> Flags:
    """Return which of the cells have a past of so many periods, and so many others to compare."""
    has_past = untreated.sum(axis=1) >= past
    has_others = untreated.sum(axis=0) >= others
    return np.asarray(cells & has_past[:, None] & has_others)


def _scaled(outcome: Floats, eta: Floats, cells: Flags) -> tuple[Floats, Floats]:
    base = np.exp(eta - eta.max(axis=1, keepdims=True))
    within = (base * cells).sum(axis=1)
    level = outcome.sum(axis=1) / np.where(within > 0, within, 1)
    expected = level[:, None] * base
    return expected, expected * cells


def _shifted(outcome: Floats, eta: Floats, cells: Flags) -> tuple[Floats, Floats]:
    count = np.maximum(cells.sum(axis=1), 1)
    level = (outcome - eta * cells).sum(axis=1) / count
    return eta + level[:, None], cells.astype(float)


def _shares(weight: Floats) -> Floats:
    total = weight.sum(axis=1, keepdims=True)
    return np.asarray(weight / np.where(total > 0, total, 1))


def _curvature(weight: Floats, grid: Grid, basis: Floats) -> Floats:
    """Return sum over units of (diag(w) - w w' / sum(w)) kron x x', in the free parameters.

    Of x x' the errors of measurement are taken out.
    """
    units, periods = weight.shape
    features, count = grid.features, grid.features.shape[1]
    rooted = weight / np.sqrt(np.maximum(weight.sum(axis=1, keepdims=True), 1e-300))
    wide = (rooted[:, :, None] * features[:, None, :]).reshape(units, periods * count)
    full = -(wide.T @ wide).reshape(periods, count, periods, count)
    place = np.arange(periods)
    full[place, :, place, :] += np.einsum("it,ia,ib->tab", weight, features, features)
    free = basis.T @ full.reshape(periods * count, -1) @ basis
    free[np.diag_indices_from(free)] += _RIDGE * max(float(free.diagonal().mean()), 1e-300)
    if not grid.noise.any():
        return np.asarray(free)
    within = np.diag(weight.sum(axis=0)) - rooted.T @ rooted
    error = basis.T @ np.kron(within, np.diag(grid.noise)) @ basis
    if linalg.eigh(error, free, eigvals_only=True).max() > _MOSTLY_NOISE:
        raise NotEstimable(_too_noisy(grid))
    return np.asarray(free - error)


def _too_noisy(grid: Grid) -> str:
    stated = ", ".join(f"{each.name} {1 - each.noise:.0%}" for each in grid.covariates)
    return (
        f"With the reliability that was stated ({stated}), next to nothing of the differences that "
        "are left between the compared is real: state what the measurement truly has, or leave it "
        "out."
    )


_TREND_DEGREE: Final = 2


def _basis(periods: int, count: int) -> Floats:
    """Return the basis of theta: a shock a period, and a parabola of time for each covariate.

    A covariate with a coefficient of its own in each period would cost twice the variance, and buys
    only that better sellers may have other seasons.
    """
    time = np.linspace(-1, 1, periods)
    shocks = np.zeros((periods, count, periods))
    shocks[np.arange(periods), 0, np.arange(periods)] = 1
    trends = np.zeros((periods, count, count - 1, _TREND_DEGREE))
    for covariate in range(1, count):
        for degree in range(_TREND_DEGREE):
            trends[:, covariate, covariate - 1, degree] = time ** (degree + 1)
    flat = trends.reshape(periods * count, -1)
    return np.hstack([shocks.reshape(periods * count, -1), flat])
