"""What money brings, by kind of investment, with diminishing returns: fitted from judgements.

The margin that a spend `s` on a kind brings is a Hill curve (Hill 1910; in budgeting as in Jin et
al. 2017, "Bayesian methods for media mix modeling with carryover and shape effects"):

    margin(s) = rate * half * s^power / (s^power + half^power)

`half` is the spend at which half of the most that can be had is had; with power 1, `rate` is what
the first money brings. Kinds learn from each other: rate_k ~ Normal(mean, between^2), and each
deployment of a kind varies about it with `within`. Given the shape (half, power) and (mean,
between, within), the rate is conjugate normal; all of these lie on grids, so the posterior is
summed exactly over them and draws are exact: nothing has to converge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from contracts.errors import UserError

Array = npt.NDArray[np.float64]
POINT_COLUMNS: Final = ("kind", "spend", "margin", "std_error")
CODE_VERSION: Final = "response/1"
_INTERVAL: Final = (0.025, 0.975)


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


@dataclass(frozen=True, kw_only=True)
class Response:
    """Draws from the posterior of every kind's curve; draw d of all kinds belongs together.

    Attributes:
        rate, half, power, surprise: by kind and draw; `surprise` is standard normal and moves the
            part beyond what was seen.
        seen: the largest spend that was judged, by kind; 0 where none was.
        count: judgements by kind.
    """

    kinds: tuple[str, ...]
    rate: Array
    half: Array
    power: Array
    surprise: Array
    seen: Array
    count: npt.NDArray[np.int64]
    stretch: float = 0.25

    @cached_property
    def draws(self) -> int:
        """How many draws there are."""
        return int(self.rate.shape[1])

    def margin(self, kind: str, spend: npt.ArrayLike) -> Array:
        """Return the margin at each spend in each draw, spends by draws, in the spend's units."""
        k, at = self.place(kind), np.atleast_1d(np.asarray(spend, dtype=float))
        told = self._curve(k, at)
        beyond = np.maximum(at / self.seen[k], 1.0) if self.seen[k] > 0 else np.ones_like(at)
        edge = abs(float(self._curve(k, self.seen[k : k + 1]).mean())) if self.seen[k] > 0 else 0.0
        moved: Array = told + self.stretch * edge * np.outer(np.log(beyond), self.surprise[k])
        return moved

    def is_extrapolated(self, kind: str, spend: float) -> bool:
        """Tell whether a spend lies beyond every spend of its kind that was judged."""
        return spend > float(self.seen[self.place(kind)])

    def place(self, kind: str) -> int:
        """Return the row of a kind.

        Raises:
            UserError: if the curves were fitted without it.
        """
        if kind not in self.kinds:
            raise UserError(f"no curve was fitted for {kind!r}: there are {', '.join(self.kinds)}")
        return self.kinds.index(kind)

    def _curve(self, k: int, spend: Array) -> Array:
        half, power = self.half[k], self.power[k]
        with np.errstate(divide="ignore"):
            raised = (spend[:, None] / half) ** power
        curve: Array = self.rate[k] * half * raised / (1 + raised)
        return curve


def fit(
    points: pd.DataFrame,
    kinds: Sequence[str] = (),
    prior: Prior | None = None,
    draws: int = 1_000,
    seed: int = 0,
) -> Response:
    """Return draws of the curves of the points' kinds and of `kinds`, which may have no point.

    Args:
        points: a row per judged deployment: `kind`, `spend` (above 0), `margin` that it brought,
            and the margin's `std_error`, all in the same units of money.
        kinds: kinds to tell of besides those of the points.
        prior: what is believed before.
        draws: how many.
        seed: the same seed gives the same draws.

    Raises:
        UserError: if a column is missing, or a spend or an error is not above nothing.
    """
    prior, frame = prior or Prior(), _checked(points)
    names = tuple(sorted({*frame["kind"], *kinds}))
    by_kind = [frame[frame["kind"] == kind] for kind in names]
    typical = float(frame["spend"].median()) if len(frame) else prior.typical_spend
    grids = [_shapes(prior, _typical(points_of, typical)) for points_of in by_kind]
    scale = _scale(frame, grids, by_kind)
    axes = _axes(scale)
    fits = [_Kind.of(p, g, axes) for p, g in zip(by_kind, grids, strict=True)]
    random = np.random.default_rng(seed)
    cells = _cells(sum(one.evidence for one in fits) + _hyperprior(prior, axes), draws, random)
    drawn = [one.drawn(axes, cells, random) for one in fits]
    return Response(
        kinds=names,
        rate=np.array([d[0] for d in drawn]).reshape(len(names), draws),
        half=np.array([d[1] for d in drawn]).reshape(len(names), draws),
        power=np.array([d[2] for d in drawn]).reshape(len(names), draws),
        surprise=random.standard_normal((len(names), draws)),
        seen=np.nan_to_num([p.loc[~p["is_assumed"], "spend"].max() for p in by_kind]),
        count=np.array([int((~p["is_assumed"]).sum()) for p in by_kind], dtype=np.int64),
        stretch=prior.stretch,
    )


def told(response: Response, kind: str, spend: npt.ArrayLike) -> pd.DataFrame:
    """Return the curve at some spends: mean, 95 % interval, next money's return, P(ROI > 0).

    Columns: spend, margin, low, high, marginal (margin of one more unit of money, on the mean
    curve), pays_off_probability, is_extrapolated.
    """
    at = np.atleast_1d(np.asarray(spend, dtype=float))
    margin = response.margin(kind, at)
    low, high = np.quantile(margin, _INTERVAL, axis=1)
    step = np.maximum(at * 0.01, 1.0)
    more = response.margin(kind, at + step)
    return pd.DataFrame(
        {
            "spend": at,
            "margin": margin.mean(axis=1),
            "low": low,
            "high": high,
            "marginal": (more.mean(axis=1) - margin.mean(axis=1)) / step,
            "pays_off_probability": (margin > at[:, None]).mean(axis=1),
            "is_extrapolated": [response.is_extrapolated(kind, float(s)) for s in at],
        }
    )


@dataclass(frozen=True)
class _Axes:
    """The grids of what the kinds share."""

    mean: Array
    between: Array
    within: Array


@dataclass(frozen=True)
class _Shapes:
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
class _Kind:
    """One kind's likelihood on the grid.

    Attributes:
        log_likelihood: by shape, within, mean, between; the rate is integrated out.
        precision, weighted: of the rate, by shape and within: sums of x^2/v and x*y/v.
    """

    shapes: _Shapes
    log_likelihood: Array
    precision: Array
    weighted: Array

    @classmethod
    def of(cls, points: pd.DataFrame, shapes: _Shapes, axes: _Axes) -> "_Kind":
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
        self, axes: _Axes, cells: tuple[npt.NDArray[np.intp], ...], random: np.random.Generator
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


def _shapes(prior: Prior, typical: float) -> _Shapes:
    steps = np.linspace(-2, 2, 9)
    halves = prior.half_spends * typical * np.exp(prior.half_sigma * steps)
    log_halves = -0.5 * steps**2
    half = np.repeat(halves, len(prior.powers))
    power = np.tile(np.array(prior.powers), len(halves))
    log_weight = np.repeat(log_halves, len(prior.powers)) + np.log(
        np.tile(np.array(prior.power_weights), len(halves))
    )
    return _Shapes(half, power, log_weight - special.logsumexp(log_weight))


def _axes(scale: float) -> _Axes:
    return _Axes(
        mean=np.linspace(-2 * scale, 4 * scale, 37),
        between=scale * np.geomspace(0.1, 3, 9),
        within=scale * np.array([0.02, 0.1, 0.25, 0.5, 1.0]),
    )


def _hyperprior(prior: Prior, axes: _Axes) -> Array:
    """Return the log prior of within, mean and between on their (uneven) grids."""
    mean = -2 * np.log1p(((axes.mean - prior.mean) / prior.mean_scale) ** 2 / 3)
    between = _half_cauchy(axes.between, prior.spread)
    within = _half_cauchy(axes.within, prior.spread / 2)
    together: Array = within[:, None, None] + mean[None, :, None] + between[None, None, :]
    return together


def _half_cauchy(grid: Array, scale: float) -> Array:
    density: Array = np.log(np.gradient(grid)) - np.log1p((grid / scale) ** 2)
    return density


def _cells(
    log_posterior: Array, draws: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.intp], ...]:
    """Return draws of the grid's cells: stratified, so that few draws stand for all of it."""
    chances = np.exp(log_posterior - special.logsumexp(log_posterior)).ravel().cumsum()
    strata = (np.arange(draws) + random.random(draws)) / draws
    flat = np.minimum(np.searchsorted(chances, strata), chances.size - 1)
    return np.unravel_index(random.permutation(flat), log_posterior.shape)


def _scale(frame: pd.DataFrame, grids: Sequence[_Shapes], by_kind: Sequence[pd.DataFrame]) -> float:
    """Return how large rates are, so that the grid holds them: at least 1."""
    if frame.empty:
        return 1.0
    rates, weights = [], []
    for points, shapes in zip(by_kind, grids, strict=True):
        x = np.exp(shapes.log_weight) @ shapes.unit(points["spend"].to_numpy(float))
        rates += list(abs(points["margin"].to_numpy(float)) / x)
        weights += list((x / points["std_error"].to_numpy(float)) ** 2)
    return max(1.0, float(np.average(rates, weights=weights)))


def _typical(points: pd.DataFrame, company: float) -> float:
    """Return the spend by which a kind's saturation is guessed: midway to the company's usual."""
    own = float(points["spend"].median()) if len(points) else company
    return float(np.sqrt(own * company))


def _checked(points: pd.DataFrame) -> pd.DataFrame:
    if missing := [name for name in POINT_COLUMNS if name not in points]:
        raise UserError(f"the points have no column {', '.join(missing)}: see models.response")
    frame = points[list(POINT_COLUMNS)].reset_index(drop=True)
    for name in POINT_COLUMNS[1:]:
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        bad = ~np.isfinite(numbers) | ((numbers <= 0) & (name != "margin"))
        if bad.any():
            wanted = "a number" if name == "margin" else "a number above 0"
            raise UserError(f"a point's {name} is {frame[name][bad].iloc[0]!r}, not {wanted}")
        frame[name] = numbers
    assumed = points["is_assumed"].to_numpy(bool) if "is_assumed" in points else False
    return frame.assign(is_assumed=assumed)
