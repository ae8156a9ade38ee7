"""Where a budget goes, across unlike investments: exact, whole numbers and rules included.

Maximises, over spends, expected net return - risk x CVaR of the loss, where

    net return of a draw = sum over options of (margin in that draw - cost)
    CVaR = mean loss of the worst tenth of the draws (Rockafellar and Uryasev 2000)

as a mixed-integer linear programme that is solved to proven optimality. Curves are chords between
grid points. Options of one pool (one kind) share its curve, so that splitting a spend over two
proposals of a kind earns no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.errors import UserError
from models.programme import Programme
from models.response import Response
from models.rules import Option, Rules, checked, later

Array = npt.NDArray[np.float64]
TAIL: Final = 0.1
"""The share of the draws that CVaR looks at: the worst tenth."""
_DUST: Final = 1e-5
"""Shares of the budget below this are rounding of the solver; what is taken costs ten times it."""


@dataclass(frozen=True)
class Curve:
    """What a pool brings: the margin at each grid spend, from 0 on, in each draw."""

    spend: Array
    margin: Array

    @property
    def slopes(self) -> Array:
        """The margin of one unit of money, by chord and draw."""
        slopes: Array = np.diff(self.margin, axis=0) / np.diff(self.spend)[:, None]
        return slopes

    def at(self, spend: float) -> Array:
        """Return the margin of every draw at a spend, on the chords."""
        place = int(np.searchsorted(self.spend, spend, side="right")) - 1
        place = min(max(place, 0), len(self.spend) - 2)
        margin: Array = self.margin[place] + (spend - self.spend[place]) * self.slopes[place]
        return margin


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """One answer.

    Attributes:
        options: their ids, in order.
        spend: what each costs within the plan.
        margin: by option and draw.
        objective: expected net return less risk x CVaR.
        is_proven: whether the solver proved that there is none better.
    """

    options: tuple[str, ...]
    spend: Array
    margin: Array
    objective: float
    is_proven: bool

    @property
    def net(self) -> Array:
        """The net return of the whole in each draw."""
        net: Array = self.margin.sum(axis=0) - self.spend.sum()
        return net


def allocate(
    curves: Mapping[str, Curve], options: Sequence[Option], rules: Rules, risk: float = 0.0
) -> Allocation:
    """Return the best allocation that keeps every rule.

    Args:
        curves: by pool; all with the same draws.
        options: what can be bought.
        rules: what must hold.
        risk: how much a unit of the worst tenth's mean loss counts against one of expected
            return; 0 looks at the mean alone.

    Raises:
        UserError: if the rules name what there is not, or can't all be kept.
    """
    checked(rules, options, curves)
    if risk < 0:
        raise UserError(f"the risk appetite is {risk:g}: it must be 0 or more")
    bought, is_proven = _Search(curves, options, rules, risk).best()
    spend = bought * np.array([option.cost for option in options])
    margin = margins(curves, options, spend)
    return Allocation(
        options=tuple(option.option_id for option in options),
        spend=spend,
        margin=margin,
        objective=worth(margin.sum(axis=0) - spend.sum(), risk),
        is_proven=is_proven,
    )


def curves_of(response: Response, most: float, chords: int = 32) -> dict[str, Curve]:
    """Return every kind's curve up to a spend, on chords that are finer where it bends."""
    grid = np.concatenate([[0.0], np.geomspace(most / 256, most, chords)])
    return {kind: Curve(grid, response.margin(kind, grid)) for kind in response.kinds}


def worth(net: Array, risk: float) -> float:
    """Return expected net return - risk x CVaR of the loss, over equally likely draws."""
    return float(net.mean() - risk * tail_loss(net))


def tail_loss(net: Array) -> float:
    """Return the mean loss of the worst tenth of the draws; below 0 where even those gain.

    Where a tenth is no whole number of draws, the last of them counts in part, as in what
    `allocate` maximises.
    """
    worst = TAIL * len(net)
    share = np.clip(worst - np.arange(len(net)), 0, 1)
    return float(-(np.sort(net) @ share) / worst)


def margins(curves: Mapping[str, Curve], options: Sequence[Option], spend: npt.ArrayLike) -> Array:
    """Return the margin by option and draw of a cost by option.

    Within a pool, the option of which the plan sees most stands first on the curve.
    """
    draws = next(iter(curves.values())).margin.shape[1]
    found = np.zeros((len(options), draws))
    bought = np.asarray(spend, dtype=float) / np.array([option.cost for option in options])
    for pool, curve in curves.items():
        members = [i for i, option in enumerate(options) if option.pool == pool]
        before = 0.0
        for i in sorted(members, key=lambda i: -options[i].factor):
            gained = curve.at(before + bought[i]) - curve.at(before)
            found[i], before = options[i].factor * gained, before + bought[i]
    return found


class _Search:
    """The programme of one allocation, in shares of the budget.

    Columns: `x`, the curve's money of each option in each chord of its pool; `taken`, whether an
    option is taken at all.
    """

    def __init__(
        self, curves: Mapping[str, Curve], options: Sequence[Option], rules: Rules, risk: float
    ) -> None:
        self._curves, self._options, self._rules, self._risk = curves, options, rules, risk
        self._unit = rules.budget or 1.0
        self._programme = Programme()
        self._x = {
            (i, chord): self._programme.column()
            for i, option in enumerate(options)
            for chord in range(len(curves[option.pool].spend) - 1)
        }
        self._taken = [self._programme.column(high=1, whole=True) for _ in options]

    def best(self) -> tuple[Array, bool]:
        """Return the curve's money of each option, and whether it is proven to be the best.

        Raises:
            UserError: if nothing keeps all of the rules.
        """
        for pool in self._curves:
            self._fill_in_order(pool)
        self._keep_totals()
        self._keep_items()
        self._keep_choices()
        solution = self._programme.maximise(self._gains())
        if solution is None:
            raise UserError(
                "the rules can't all be kept: floors, whole lots and prerequisites together ask "
                "for what the budget, a cap or a month does not allow: lower a floor, or raise one"
            )
        return self._bought(solution.values), solution.is_proven

    def _bought(self, values: Array) -> Array:
        bought = np.zeros(len(self._options))
        for (i, _), column in self._x.items():
            bought[i] += values[column] * self._unit
        for i, option in enumerate(self._options):
            if lot := self._rules.lots.get(option.of, 0.0):
                bought[i] = round(bought[i] / lot) * lot  # whole to the solver's millionth
        bought[bought < _DUST * self._unit] = 0.0
        return bought

    def _fill_in_order(self, pool: str) -> None:
        """Bound the pool's chords, and let none begin before the one below it is full.

        Where each chord returns less than the one below in all that is maximised, order comes by
        itself, and whole numbers are saved.
        """
        curve, members = self._curves[pool], self._members(pool=pool)
        widths = np.diff(curve.spend) / self._unit
        looked_at = curve.slopes if self._risk else curve.slopes.mean(axis=1)[:, None]
        in_order = bool((np.diff(looked_at, axis=0) <= 0).all())
        full: int | None = None
        for chord, width in enumerate(widths):
            used = {self._x[i, chord]: 1.0 for i in members}
            if full is None:
                self._programme.row(used, high=width)
            else:
                self._programme.row(used | {full: -width}, high=0.0)
            if not in_order and chord < len(widths) - 1:
                full = self._programme.column(high=1, whole=True)
                self._programme.row(used | {full: -width}, low=0.0)

    def _keep_totals(self) -> None:
        rules, row = self._rules, self._programme.row
        least = rules.budget if rules.spend_all else 0.0
        row(self._spent(self._members()), low=least / self._unit, high=rules.budget / self._unit)
        for pool in {*rules.pool_floors, *rules.pool_caps}:
            spent = self._spent(self._members(pool=pool))
            row(spent, *self._bounds(rules.pool_floors.get(pool), rules.pool_caps.get(pool)))
        for month, limit in rules.month_budgets.items():
            started = [i for i in self._members() if self._options[i].starts_on == month]
            row(self._spent(started), high=limit / self._unit)

    def _keep_items(self) -> None:
        rules, row = self._rules, self._programme.row
        for item in {option.of for option in self._options}:
            members = self._members(item=item)
            row(self._sum(members), *self._bounds(rules.floors.get(item), rules.caps.get(item)))
            for i in members:
                self._keep_option(i, item)

    def _keep_option(self, i: int, item: str) -> None:
        """Tie an option's spend to whether it is taken, to its minimum and to its lots."""
        spent, taken = self._spent([i]), self._taken[i]
        most = self._curves[self._options[i].pool].spend[-1] * self._options[i].cost
        row = self._programme.row
        row(spent | {taken: -min(most, self._rules.budget) / self._unit}, high=0.0)
        least = self._rules.minimums.get(item, 0.0)
        row(self._sum([i]) | {taken: -max(least / self._unit, 10 * _DUST)}, low=0.0)
        if lot := self._rules.lots.get(item, 0.0):
            count = self._programme.column(whole=True)
            row(self._sum([i]) | {count: -lot / self._unit}, low=0.0, high=0.0)

    def _keep_choices(self) -> None:
        row, options = self._programme.row, self._options
        alone = [[item] for item in {option.of for option in options}]
        for group in [*alone, *self._rules.one_of]:
            row({self._taken[i]: 1.0 for item in group for i in self._members(item=item)}, high=1)
        for item, others in self._rules.requires.items():
            having = [j for other in others for j in self._members(item=other)]
            for i in self._members(item=item):
                before = [j for j in having if not later(options[j], options[i])]
                row({self._taken[i]: 1.0} | {self._taken[j]: -1.0 for j in before}, high=0.0)

    def _gains(self) -> dict[int, float]:
        """Return what each column adds to what is maximised; the tail gets columns of its own."""
        kept = 0.0 if self._rules.spend_all else 1.0  # what must be spent anyway costs nothing
        by_draw = {
            column: self._options[i].factor * self._curves[self._options[i].pool].slopes[chord]
            - kept * self._options[i].cost
            for (i, chord), column in self._x.items()
        }
        gains = {column: float(gain.mean()) for column, gain in by_draw.items()}
        return gains | (self._tail(by_draw) if self._risk else {})

    def _tail(self, by_draw: Mapping[int, Array]) -> dict[int, float]:
        """Add the worst tenth: a threshold, and each draw's loss beyond it."""
        threshold = self._programme.column(low=float("-inf"))
        gains = {threshold: -self._risk}
        draws = len(next(iter(by_draw.values())))
        for draw in range(draws):
            excess = self._programme.column()
            terms = {column: float(gain[draw]) for column, gain in by_draw.items()}
            self._programme.row(terms | {threshold: 1.0, excess: 1.0}, low=0.0)
            gains[excess] = -self._risk / (TAIL * draws)
        return gains

    def _members(self, *, pool: str | None = None, item: str | None = None) -> list[int]:
        return [
            i
            for i, option in enumerate(self._options)
            if pool in (None, option.pool) and item in (None, option.of)
        ]

    def _sum(self, members: Sequence[int]) -> dict[int, float]:
        """Return the curve's money of some options as terms of a row."""
        return {column: 1.0 for (i, _), column in self._x.items() if i in members}

    def _spent(self, members: Sequence[int]) -> dict[int, float]:
        """Return the cost of some options as terms of a row."""
        return {column: self._options[i].cost for (i, _), column in self._x.items() if i in members}

    def _bounds(self, low: float | None, high: float | None) -> tuple[float, float]:
        return (low or 0.0) / self._unit, float("inf") if high is None else high / self._unit
