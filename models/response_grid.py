"""The posterior of what money brings, on grids: shapes of a kind, and what all kinds share.

Given the shape (half, power) and (mean, between, within) of `models.response`, a kind's rate is
conjugate normal (Gelman et al., Bayesian Data Analysis, 2013, chapters 5 and 10), so that it is
integrated out; all else is summed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is believed before any judgement; wide, and sceptical: on average money comes back once.

    Attributes:
        mean, mean_scale: of the mean rate over kinds, a Student t with 3 degrees of freedom.
        spread: scale of the half-Cauchy priors of `between`; half of it for `within`.
        half_spends: the centre of `half`, as a multiple of the geometric mean of the kind's and of
            the company's median spend.
        half_sigma: the standard deviation of the logarithm of `half`.
        powers, power_weights: 1 is concave; above it, small spends bring little at first.
        stretch: beyond the largest spend seen, so much of the margin there is added to the
            standard deviation with every factor of e.
        typical_spend: the company's median spend where nothing was judged, in the points' units.
    """

    mean: float = 1.0
    mean_scale: float = 1.0
    spread: float = 1.0
    half_spends: float = 1.5
    half_sigma: float = 0.9
    powers: tuple[float, ...] = (0.8, 1.0, 1.4)
    power_weights: tuple[float, ...] = (0.25, 0.5, 0.25)
    stretch: float = 0.25
    typical_spend: float = 10_000_000.0


@dataclass(frozen=True)
class Axes:
    """The grids of what the kinds share."""

    mean: Array
    between: Array
    within: Array


@dataclass(frozen=True)
class Shapes:
    """The grid of a kind's shapes, with their prior weights."""

    half: Array
    power: Array
    log_weight: Array

    def unit(self, spend: Array) -> Array:
        """Return the margin at a rate of 1, shapes by spends."""
        raised = (spend[None, :] / self.half[:, None]) ** self.power[:, None]
        margin: Array = self.half[:, None] * raised / (1 + raised)
        return margin


@dataclass(frozen=True)
class Likelihood:
    """One kind's likelihood on the grid.

    Attributes:
        log_likelihood: by shape, within, mean, between; the rate is integrated out.
        precision, weighted: of the rate, by shape and within: sums of x^2/v and x*y/v.
    """

    shapes: Shapes
    log_likelihood: Array
    precision: Array
    weighted: Array

    @classmethod
    def of(cls, points: pd.DataFrame, shapes: Shapes, axes: Axes) -> "Likelihood":
        """Return it, given the kind's points."""
        spend, margin, error = (points[c].to_numpy(float) for c in ("spend", "margin", "std_error"))
        x = shapes.unit(spend)[:, None, :]
        variance = error**2 + axes.within[None, :, None] ** 2 * x**2
        precision = (x**2 / variance).sum(axis=2)
        weighted = (x * margin / variance).sum(axis=2)
        base = -0.5 * (margin**2 / variance + np.log(variance)).sum(axis=2)
        a, b = precision[:, :, None, None], weighted[:, :, None, None]
        mean, wide = axes.mean[:, None], axes.between[None, :] ** 2
        posterior = (b + mean / wide) ** 2 / (a + 1 / wide) - mean**2 / wide
        marginal = base[:, :, None, None] + 0.5 * (posterior - np.log1p(wide * a))
        return cls(shapes, marginal + shapes.log_weight[:, None, None, None], precision, weighted)

    @property
    def evidence(self) -> Array:
        """The log likelihood of within, mean and between, the shape summed out."""
        summed: Array = special.logsumexp(self.log_likelihood, axis=0)
        return summed

    def drawn(
        self, axes: Axes, cells: tuple[npt.NDArray[np.intp], ...], random: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        """Return draws of (rate, half, power), given draws of the cells of the shared grid."""
        within, mean, between = cells
        logs = self.log_likelihood[:, within, mean, between]
        chances = np.exp(logs - special.logsumexp(logs, axis=0))
        pick = (chances.cumsum(axis=0) < random.random(len(mean))).sum(axis=0)
        pick = np.minimum(pick, len(chances) - 1)
        prior_precision = 1 / axes.between[between] ** 2
        precision = self.precision[pick, within] + prior_precision
        centre = (self.weighted[pick, within] + axes.mean[mean] * prior_precision) / precision
        rate = centre + random.standard_normal(len(mean)) / np.sqrt(precision)
        rate += axes.within[within] * random.standard_normal(len(mean))
        return rate, self.shapes.half[pick], self.shapes.power[pick]


def shapes_about(prior: Prior, typical: float) -> Shapes:
    """Return the grid of shapes about a typical spend, with the prior's weights."""
    steps = np.linspace(-2, 2, 9)
    halves = prior.half_spends * typical * np.exp(prior.half_sigma * steps)
    log_halves = -0.5 * steps**2
    half = np.repeat(halves, len(prior.powers))
    power = np.tile(np.array(prior.powers), len(halves))
    log_weight = np.repeat(log_halves, len(prior.powers)) + np.log(
        np.tile(np.array(prior.power_weights), len(halves))
    )
    return Shapes(half, power, log_weight - special.logsumexp(log_weight))


def axes_of(scale: float) -> Axes:
    """Return the grids of what the kinds share, for rates of a scale."""
    return Axes(
        mean=np.linspace(-2 * scale, 4 * scale, 37),
        between=scale * np.geomspace(0.1, 3, 9),
        within=scale * np.array([0.02, 0.1, 0.25, 0.5, 1.0]),
    )


def hyperprior(prior: Prior, axes: Axes) -> Array:
    """Return the log prior of within, mean and between on their (uneven) grids."""
    mean = -2 * np.log1p(((axes.mean - prior.mean) / prior.mean_scale) ** 2 / 3)
    between = _half_cauchy(axes.between, prior.spread)
    within = _half_cauchy(axes.within, prior.spread / 2)
    together: Array = within[:, None, None] + mean[None, :, None] + between[None, None, :]
    return together


def _half_cauchy(grid: Array, scale: float) -> Array:
    density: Array = np.log(np.gradient(grid)) - np.log1p((grid / scale) ** 2)
    return density


def draw_cells(
    log_posterior: Array, draws: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.intp], ...]:
    """Return draws of the grid's cells: stratified, so that few draws stand for all of it."""
    chances = np.exp(log_posterior - special.logsumexp(log_posterior)).ravel().cumsum()
    strata = (np.arange(draws) + random.random(draws)) / draws
    flat = np.minimum(np.searchsorted(chances, strata), chances.size - 1)
    return np.unravel_index(random.permutation(flat), log_posterior.shape)


def scale_of(
    frame: pd.DataFrame, grids: Sequence[Shapes], by_kind: Sequence[pd.DataFrame]
) -> float:
    """Return how large rates are, so that the grid holds them: at least 1."""
    if frame.empty:
        return 1.0
    rates, weights = [], []
    for points, shapes in zip(by_kind, grids, strict=True):
        x = np.exp(shapes.log_weight) @ shapes.unit(points["spend"].to_numpy(float))
        rates += list(abs(points["margin"].to_numpy(float)) / x)
        weights += list((x / points["std_error"].to_numpy(float)) ** 2)
    return max(1.0, float(np.average(rates, weights=weights)))
