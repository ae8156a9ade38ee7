"""From rows to what a scenario shows, held against what it must."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import special

from bench.eval_roi.scenarios import CLEAN, World

BIAS: Final = 0.05
COVERED: Final = (0.92, 0.97)
WARNED_AT_MOST: Final = 0.15
WARNED_AT_LEAST: Final = 0.80
PAYING_AT_MOST: Final = 0.07
PAYING_AT_LEAST: Final = 0.80
VERDICTS: Final = ("pays_off", "does_not_pay_off", "cannot_tell", "not_identified")
_EDGES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
_FILLED: Final = 20


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How well an effect is estimated, over seeds; money in minor units.

    Attributes:
        seeds: tried; missing: those without an estimate, which the rest leaves out.
        bias, bias_error: mean error, and its standard error over seeds.
        coverage: share of the intervals that hold the truth; NaN where there are none.
        sign_errors: share of the intervals that lie wholly on the wrong side of zero.
    """

    seeds: int
    missing: int
    truth: float
    bias: float
    bias_error: float
    rmse: float
    coverage: float
    width: float
    sign_errors: float

    @property
    def told(self) -> int:
        """Seeds with an estimate."""
        return self.seeds - self.missing


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a scenario's verdicts were, as shares of so many seeds."""

    seeds: int
    shares: dict[str, float]
    warned: float


def accuracy(rows: pd.DataFrame) -> Accuracy:
    """Return the accuracy of the columns `effect`, `low` and `high` against `truth`."""
    known = rows[np.isfinite(rows["effect"].to_numpy(dtype=float))]
    truth, low, high = (known[name].to_numpy(dtype=float) for name in ("truth", "low", "high"))
    error = known["effect"].to_numpy(dtype=float) - truth
    has_interval = bool(len(known)) and bool(np.isfinite(low).all())
    wrong = ((low > 0) & (truth <= 0)) | ((high < 0) & (truth >= 0))
    return Accuracy(
        seeds=len(rows),
        missing=len(rows) - len(known),
        truth=float(rows["truth"].mean()),
        bias=_mean(error),
        bias_error=float(error.std(ddof=1) / np.sqrt(len(error))) if len(error) > 1 else np.nan,
        rmse=float(np.sqrt(_mean(error**2))),
        coverage=_mean((low <= truth) & (truth <= high)) if has_interval else np.nan,
        width=_mean(high - low),
        sign_errors=_mean(wrong) if has_interval else np.nan,
    )


def of_rival(rows: pd.DataFrame, name: str) -> Accuracy:
    """Return the accuracy of one rival's claims."""
    claimed = pd.DataFrame([each[name] for each in rows["rivals"]], index=rows.index)
    return accuracy(claimed.assign(truth=rows["truth"]))


def said(rows: pd.DataFrame) -> Said:
    """Return how often each verdict was given, and how often it was a refusal or had a warning."""
    shares = {verdict: _mean((rows["verdict"] == verdict).to_numpy()) for verdict in VERDICTS}
    warned = (rows["verdict"] == "not_identified") | (rows["warnings"].map(len) > 0)
    return Said(seeds=len(rows), shares=shares, warned=_mean(warned.to_numpy()))


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a binomial share (Wilson, JASA 22, 1927)."""
    if not count or not np.isfinite(share):
        return np.nan, np.nan
    z2 = float(special.ndtri(0.975)) ** 2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return float(middle - reach), float(middle + reach)


def relative_bias(world: World, found: Accuracy, clean_truth: float) -> float:
    """Return the bias as a share of the truth; of the truth of `clean` where there is none."""
    is_null = world.investment["effect"] == 0
    return found.bias / abs(clean_truth if is_null else found.truth)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One figure of a scenario and its bounds."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the value lies within its bounds."""
        over = self.at_most is not None and not self.value <= self.at_most
        under = self.at_least is not None and not self.value >= self.at_least
        return not over and not under

    @property
    def aim(self) -> str:
        """The bounds, in words such as `<= 0.05`."""
        bounds = ((">=", self.at_least), ("<=", self.at_most))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


def demands(world: World, found: Accuracy, verdicts: Said, clean_truth: float) -> Iterator[Demand]:
    """Yield what docs/roi-evaluation.md demands of a scenario.

    Where no seed has an estimate, the bias counts as the whole truth and nothing is covered.
    """
    off = abs(relative_bias(world, found, clean_truth)) if found.told else 1.0
    coverage = found.coverage if found.told else 0.0
    paying, warned = verdicts.shares["pays_off"], verdicts.warned
    if world.expected in ("told", "null"):
        yield Demand(name="absolute bias, of the truth", value=off, at_most=BIAS)
        low, high = COVERED
        yield Demand(name="coverage", value=coverage, at_least=low, at_most=high)
        yield Demand(name="warned or refused", value=warned, at_most=WARNED_AT_MOST)
    if world.expected == "wide":
        yield Demand(name="coverage", value=coverage, at_least=COVERED[0])
    is_null = world.investment["effect"] == 0
    if world.expected in ("null", "not paying") or (world.expected == "wide" and is_null):
        yield Demand(name='"pays off"', value=paying, at_most=PAYING_AT_MOST)
    if world.expected == "pays off":
        yield Demand(name='"pays off"', value=paying, at_least=PAYING_AT_LEAST)
    if world.expected == "warned" or (world.expected == "flagged" and not off <= BIAS):
        yield Demand(name="warned or refused", value=warned, at_least=WARNED_AT_LEAST)
    if world.expected == "flagged" and off <= BIAS:
        yield Demand(name="absolute bias, of the truth", value=off, at_most=BIAS)
    if world.expected == "refused":
        yield Demand(name="not identified", value=verdicts.shares["not_identified"], at_least=1)


@dataclass(frozen=True, kw_only=True)
class Bin:
    """What happened where P(ROI > 0) was said to lie between two chances.

    Attributes:
        said: the mean of the chances; happened: the share of seeds with a return above zero, and
            its binomial interval.
    """

    name: str
    seeds: int
    said: float
    happened: float
    low: float
    high: float

    @property
    def is_met(self) -> bool | None:
        """Whether what was said lies within the interval; None where seeds are too few to tell."""
        return self.low <= self.said <= self.high if self.seeds >= _FILLED else None


def calibration(rows: pd.DataFrame) -> list[Bin]:
    """Return the bins of P(ROI > 0), from the lowest to the highest."""
    told = rows[np.isfinite(rows["positive_probability"].to_numpy(dtype=float))]
    said = told["positive_probability"].to_numpy(dtype=float)
    place = np.searchsorted(_EDGES, said, side="right")
    return [
        _bin(number, said[place == number], told["roi"].to_numpy(dtype=float)[place == number] > 0)
        for number in range(len(_EDGES) + 1)
    ]


def _bin(number: int, said: np.ndarray, paid: np.ndarray) -> Bin:
    edges = (0.0, *_EDGES, 1.0)
    low, high = wilson(_mean(paid), len(paid))
    return Bin(
        name=f"{edges[number]:g} to {edges[number + 1]:g}",
        seeds=len(paid),
        said=_mean(said),
        happened=_mean(paid),
        low=low,
        high=high,
    )


def clean_truth(trials: pd.DataFrame) -> float:
    """Return the mean truth of `clean`, which biases on nulls are held against."""
    return float(trials.loc[trials["scenario"] == CLEAN, "truth"].mean())


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
