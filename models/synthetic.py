"""One treated unit, or very few: a region that launched, a territory that was given a tool.

Their past is rebuilt as a mixture of others', and the mixture goes on where they were treated:

- synthetic control (Abadie, Diamond and Hainmueller, JASA 105, 2010) on outcomes alone: weights of
  at least 0 that sum to 1, whose mixture is nearest to the treated before the start;
- synthetic difference-in-differences (Arkhangelsky et al., American Economic Review 111, 2021), as
  diff-diff estimates it, which allows for a constant gap and weighs the periods as well.

How sure that is, only the others can tell: each is treated in its turn, as if, and the share of
them that stand out as far is the p-value (placebo in space). It can't be below 1 / (1 + others).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize

from models.effect import NotEstimable

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

SYNTHETIC_CONTROL: Final = "synthetic_control/simplex"
SYNTHETIC_DID: Final = "synthetic_difference_in_differences"
_FEWEST_OTHERS: Final = 3
_FEWEST_BEFORE: Final = 3
_COUNTS: Final = 1e-4
_PULL: Final = 1e3
"""Weight of the constraint that weights sum to 1, relative to the outcomes."""


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """What became of the treated beside their synthetic self.

    Attributes:
        effect: the mean gap after the start.
        by_period: the gap in each period after the start.
        weights: of each of the others in the mixture, greatest first.
        fit_error: root mean squared gap before the start.
        p_value: the share of units, the treated one too, whose gap after over before is as great.
        placebo_effects: of each of the others, treated as if.
    """

    effect: float
    by_period: dict[int, float]
    weights: dict[str, float]
    fit_error: float
    p_value: float
    placebo_effects: tuple[float, ...]


def synthetic_control(panel: pd.DataFrame) -> Synthetic:
    """Rebuild the mean of the treated units from the never treated.

    Args:
        panel: unit, period, outcome, start; one start, 0 for never. Units that are not there in
            every period take no part.

    Raises:
        NotEstimable: if nobody is treated, starts differ, or too few others or periods are there.
    """
    table, reached, start = outcomes_of(panel)
    before = table.columns.to_numpy(dtype=int) < start
    others = table[~reached].to_numpy(dtype=float)
    treated = table[reached].to_numpy(dtype=float).mean(axis=0)
    weights = simplex_weights(others[:, before].T, treated[before])
    gap = treated - weights @ others
    placebos = [_placebo(others, place, before) for place in range(len(others))]
    ratios = np.array([_ratio(each, before) for each in placebos])
    named = pd.Series(weights, index=table.index[~reached]).sort_values(ascending=False)
    return Synthetic(
        effect=float(gap[~before].mean()),
        by_period={
            int(p): float(g) for p, g in zip(table.columns[~before], gap[~before], strict=True)
        },
        weights={str(name): float(weight) for name, weight in named.items() if weight > _COUNTS},
        fit_error=float(np.sqrt(np.mean(gap[before] ** 2))),
        p_value=float((1 + (ratios >= _ratio(gap, before)).sum()) / (1 + len(ratios))),
        placebo_effects=tuple(float(each[~before].mean()) for each in placebos),
    )


def synthetic_did(panel: pd.DataFrame) -> float:
    """Return the synthetic difference-in-differences; see `synthetic_control` for the panel.

    Its error is left to placebos (models.few): with one treated unit, no other says more.

    Raises:
        NotEstimable: likewise.
    """
    table, reached, start = outcomes_of(panel)
    return fitted_did(table, reached, table.columns.to_numpy(dtype=int) >= start).effect


class Fitted(NamedTuple):
    """A mixture held against the treated.

    Attributes:
        effect: the mean gap after the start.
        gap_before: the root mean squared gap before it.
        path: the gap by period, less what is taken for constant.
    """

    effect: float
    gap_before: float
    path: Floats

    @property
    def unit(self) -> float:
        """The gap before, never nothing: what an effect is measured in."""
        return max(self.gap_before, 1e-9 * (abs(self.effect) or 1.0))

    @property
    def z(self) -> float:
        """The effect in units of the gap before."""
        return self.effect / self.unit


def fitted_did(table: pd.DataFrame, reached: Flags, after: Flags) -> Fitted:
    """Return the synthetic difference-in-differences of outcomes by unit and period.

    The gap before is told less its mean, as the estimator allows for a constant one.
    """
    from diff_diff import SyntheticDiD  # noqa: PLC0415 takes seconds; most processes never fit

    long = table.reset_index().melt("unit", var_name="period", value_name="outcome")
    long["treat"] = long["unit"].isin(table[reached].index).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = SyntheticDiD(variance_method="placebo", n_bootstrap=2, seed=0).fit(
            long,
            outcome="outcome",
            treatment="treat",
            unit="unit",
            time="period",
            post_periods=[int(period) for period in table.columns[after]],
        )
    before = fitted.treated_pre_trajectory - fitted.synthetic_pre_trajectory
    since = fitted.treated_post_trajectory - fitted.synthetic_post_trajectory
    constant = float(fitted.time_weights_array @ before)
    path = np.concatenate([before, since]) - constant
    return Fitted(float(fitted.att), float(fitted.pre_treatment_fit), path)


def simplex_weights(others: Floats, target: Floats) -> Floats:
    """Return weights, at least 0 and with sum 1, whose mixture of columns is nearest to a target.

    Non-negative least squares (Lawson and Hanson, 1974) with the sum as one more, heavy row: a
    convex problem, so the answer does not hang on where the search begins.
    """
    scale = float(np.abs(others).max()) or 1.0
    heavy = _PULL * scale
    system = np.vstack([others, np.full((1, others.shape[1]), heavy)])
    weights, _ = optimize.nnls(system, np.append(target, heavy))
    return np.asarray(weights / (weights.sum() or 1.0))


def _placebo(others: Floats, place: int, before: Flags) -> Floats:
    """Return the gap of one of the others, were it the treated one."""
    rest = np.delete(others, place, axis=0)
    return np.asarray(
        others[place] - simplex_weights(rest[:, before].T, others[place, before]) @ rest
    )


def _ratio(gap: Floats, before: Flags) -> float:
    """Return the root mean squared gap after over the one before."""
    return float(
        np.sqrt(np.mean(gap[~before] ** 2) / max(float(np.mean(gap[before] ** 2)), 1e-300))
    )


def outcomes_of(panel: pd.DataFrame) -> tuple[pd.DataFrame, Flags, int]:
    """Return outcomes by unit and period, which units are treated, and since when.

    Raises:
        NotEstimable: as `synthetic_control`.
    """
    starts = panel.groupby(panel["unit"].astype(str))["start"].first()
    table = panel.assign(unit=panel["unit"].astype(str)).pivot_table(
        index="unit", columns="period", values="outcome", aggfunc="first"
    )
    table = table.dropna()
    starts = starts[table.index]
    begun = sorted(set(starts[starts > 0]))
    if len(begun) != 1:
        raise NotEstimable(f"{len(begun)} different starts: a synthetic comparison needs one.")
    others, before = int((starts == 0).sum()), int((table.columns < begun[0]).sum())
    if others < _FEWEST_OTHERS or before < _FEWEST_BEFORE:
        raise NotEstimable(
            f"{others} others and {before} periods before the start are there throughout: a "
            f"synthetic comparison takes {_FEWEST_OTHERS} others and {_FEWEST_BEFORE} periods."
        )
    return table, (starts > 0).to_numpy(), int(begun[0])
