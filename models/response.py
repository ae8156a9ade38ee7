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

from contracts.errors import UserError
from models.response_grid import (
    Array,
    Likelihood,
    Prior,
    axes_of,
    draw_cells,
    hyperprior,
    scale_of,
    shapes_about,
)

POINT_COLUMNS: Final = ("kind", "spend", "margin", "std_error")
CODE_VERSION: Final = "response/1"
_INTERVAL: Final = (0.025, 0.975)


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
    grids = [shapes_about(prior, _typical(points_of, typical)) for points_of in by_kind]
    scale = scale_of(frame, grids, by_kind)
    axes = axes_of(scale)
    fits = [Likelihood.of(p, g, axes) for p, g in zip(by_kind, grids, strict=True)]
    random = np.random.default_rng(seed)
    evidence = sum(one.evidence for one in fits)
    shared = draw_cells(evidence + hyperprior(prior, axes), draws, random)
    drawn = [one.drawn(axes, shared, random) for one in fits]
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
