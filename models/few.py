"""Few reached: one territory, a region, a pilot of three, held against a mixture of the others.

Synthetic difference-in-differences (models.synthetic) tells the effect. How sure that is, only the
others can tell. Each of them, or as many of them at a time as were reached, is treated as if:

    z = effect / (root mean squared gap before, less its mean)

The share of all whose |z| is as great is the p-value (placebo in space; Abadie, Diamond and
Hainmueller 2010). z rather than the effect, as units differ in how much they vary. The interval is
the wider of two: Student's t with the z's root mean square as standard error, and all effects whose
p-value would be above 5 %. With fewer than 19 others no p-value can be below 5 %.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
import pandas as pd

from models.effect import Estimate, NotEstimable, estimate_of
from models.event_study import LAGS, LEADS, Step
from models.synthetic import (
    SYNTHETIC_CONTROL,
    SYNTHETIC_DID,
    Fitted,
    Flags,
    Floats,
    fitted_did,
    outcomes_of,
    simplex_weights,
)

ENOUGH: Final = 19
"""Others with which 1 / (1 + others) is 5 %."""
LEVEL: Final = 0.05
_FEWEST_OTHERS: Final = 8
_FEWEST_BEFORE: Final = 6
_MOST_OTHERS: Final = 60
_DRAWS: Final = 99
_OUTSIDE: Final = 2.0
"""Times the first's gap before: a mixture that misses by more does not reach the few's level."""


@dataclass(frozen=True, kw_only=True)
class Few:
    """What became of the few beside a mixture of others.

    Attributes:
        primary: by synthetic difference-in-differences, per treated unit and period; with what the
            periods after a stop gave back.
        other: by simplex synthetic control; None where no mixture reaches the level of the few.
        others: of whom the mixture is made.
        p_value: of no effect; it can't be below `least`.
        earlier_p_value: of no effect in the last third of the periods before.
        has_wake: whether periods after a stop are in the effect.
    """

    primary: Estimate
    other: Estimate | None
    others: int
    p_value: float
    least: float
    earlier_p_value: float
    has_wake: bool

    @property
    def is_enough(self) -> bool:
        """Whether the others are so many that a p-value of 5 % is possible."""
        return self.least <= LEVEL


def around_the_start(frame: pd.DataFrame, wake: int) -> list[Step]:
    """Return the gap month by month around the start, with what it is among the others as if.

    A picture, not the estimate. Raises as `beside`.
    """
    table = _table(frame, wake)
    own, others = _fit(table), [_fit(each) for each in _as_if(table)]
    spread = np.sqrt(np.mean([(each.path / each.unit) ** 2 for each in others], axis=0))
    freedom = min(len(others), len(table.others)) - 1
    start = int(table.outcome.columns[table.after][0])
    told = (
        estimate_of("event_study", gap, error, freedom)
        for gap, error in zip(own.path, own.unit * spread, strict=True)
    )
    return [
        Step(int(period) - start, each.effect, each.low, each.high)
        for period, each in zip(table.outcome.columns, told, strict=True)
        if -LEADS <= int(period) - start < LAGS
    ]


@dataclass(frozen=True)
class _Table:
    """Outcomes (units x periods), who was reached, and which periods count as after.

    Attributes:
        under: how many periods it lasted, within the table.
    """

    outcome: pd.DataFrame
    reached: Flags
    after: Flags
    under: int

    @property
    def others(self) -> pd.DataFrame:
        return self.outcome[~self.reached]

    @property
    def scale(self) -> float:
        """The periods that count as after by period under it."""
        return float(self.after.sum()) / max(self.under, 1)


def beside(frame: pd.DataFrame, wake: int) -> Few:
    """Hold the few reached against the never reached.

    Args:
        frame: a checked panel (models.design); one start, and one stop at most.
        wake: periods after a stop that count: what was only sold sooner is given back.

    Raises:
        NotEstimable: if starts or stops differ, or there is too little to mix from.
    """
    table = _table(frame, wake)
    own, spread = _fit(table), _spread(table, _fit)
    return Few(
        primary=_estimate(SYNTHETIC_DID, own, spread, table),
        other=_simplex(table, own),
        others=len(table.others),
        p_value=_p_value(own.z, spread),
        least=1 / (1 + len(spread)),
        earlier_p_value=_earlier(table),
        has_wake=table.scale > 1,
    )


def _table(frame: pd.DataFrame, wake: int) -> _Table:
    stops = set(frame.loc[frame["start"] > 0, "stop"]) if "stop" in frame else {0}
    if len(stops) > 1:
        raise NotEstimable(f"They stopped in {len(stops)} different months: a mixture needs one.")
    stop = int(next(iter(stops))) or int(frame["period"].max()) + 1
    outcome, reached, start = outcomes_of(frame[frame["period"] < stop + wake])
    periods = outcome.columns.to_numpy(dtype=int)
    kept = _nearest(outcome, reached, periods < start)
    under = int(((periods >= start) & (periods < stop)).sum())
    table = _Table(outcome[kept], reached[kept], periods >= start, under)
    others, before = len(table.others), int((~table.after).sum())
    if others < _FEWEST_OTHERS or before < _FEWEST_BEFORE:
        raise NotEstimable(
            f"Nor can they be held against a mixture of others: {others} never reached and "
            f"{before} months before are on record throughout; it takes {_FEWEST_OTHERS} and "
            f"{_FEWEST_BEFORE}."
        )
    return table


def _nearest(outcome: pd.DataFrame, reached: Flags, before: Flags) -> Flags:
    """Return the few, and the others whose level before is nearest: sixty are enough to mix."""
    level = outcome.loc[:, before].mean(axis=1).to_numpy()
    far = np.where(reached, -1.0, np.abs(level - level[reached].mean()))
    place = np.argsort(np.argsort(far, kind="stable"))
    return np.asarray(place < _MOST_OTHERS + reached.sum())


def _as_if(table: _Table) -> Iterator[_Table]:
    """Yield the others with so many of them as were reached, treated as if."""
    count, others = int(table.reached.sum()), len(table.others)
    drawn: Iterable[Sequence[int]]
    if comb(others, count) <= _DRAWS:
        drawn = combinations(range(others), count)
    else:
        rng = np.random.default_rng(others)
        drawn = (tuple(rng.permutation(others)[:count]) for _ in range(_DRAWS))
    for places in drawn:
        yield replace(table, outcome=table.others, reached=np.isin(np.arange(others), places))


def _spread(table: _Table, fitted: Callable[[_Table], Fitted]) -> Floats:
    return np.array([fitted(each).z for each in _as_if(table)])


def _fit(table: _Table) -> Fitted:
    return fitted_did(table.outcome, table.reached, table.after)


def _estimate(name: str, own: Fitted, spread: Floats, table: _Table) -> Estimate:
    unit = table.scale * own.unit
    freedom = min(len(spread), len(table.others)) - 1
    error = unit * float(np.sqrt(np.mean(spread**2)))
    told = estimate_of(name, table.scale * own.effect, error, freedom)
    reach = max(told.high - told.effect, unit * _rank(spread))
    return replace(told, low=told.effect - reach, high=told.effect + reach)


def _rank(spread: Floats) -> float:
    """Return the greatest |z| that would not be rejected at 5 %; 0 where none would be."""
    place = int(LEVEL * (1 + len(spread)))
    return float(np.sort(np.abs(spread))[-place]) if place else 0.0


def _p_value(own: float, spread: Floats) -> float:
    return float((1 + (np.abs(spread) >= abs(own)).sum()) / (1 + len(spread)))


def _simplex(table: _Table, first: Fitted) -> Estimate | None:
    """Return the second opinion; None where the few lie outside of what others can be mixed to."""
    own = _mixed(table)
    if own.unit > _OUTSIDE * first.unit:
        return None
    return _estimate(SYNTHETIC_CONTROL, own, _spread(table, _mixed), table)


def _mixed(table: _Table) -> Fitted:
    few, others = table.outcome[table.reached].to_numpy().mean(axis=0), table.others.to_numpy()
    gap = few - simplex_weights(others[:, ~table.after].T, few[~table.after]) @ others
    return Fitted(
        effect=float(gap[table.after].mean()),
        gap_before=float(np.sqrt(np.mean(gap[~table.after] ** 2))),
        path=gap,
    )


def _earlier(table: _Table) -> float:
    """Return the p-value of no effect where there can be none: late among the months before."""
    before = table.outcome.loc[:, ~table.after]
    late = np.arange(before.shape[1]) >= before.shape[1] - before.shape[1] // 3
    feigned = replace(table, outcome=before, after=late)
    return _p_value(_fit(feigned).z, _spread(feigned, _fit))
