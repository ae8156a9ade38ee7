"""The trade-off of budget, return and risk, beside simpler splits, and what each rule costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import UserError
from models.allocation import Allocation, Curve, allocate, margins
from models.rules import Option, Rules

Array = npt.NDArray[np.float64]
APPETITES: Final[Mapping[str, float]] = {"bold": 0.0, "balanced": 0.5, "careful": 2.0}
"""How much the worst tenth's mean loss counts against expected return."""
MULTIPLES: Final = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""The budgets of the trade-off, as multiples of the one asked about."""
_MORE: Final = 0.05
_SMALL: Final = 1e-6


class Scenario(NamedTuple):
    """The best allocation of one budget for one appetite."""

    budget: float
    appetite: str
    allocation: Allocation


class Price(NamedTuple):
    """What a rule costs: what the objective would gain without it.

    Attributes:
        rule: in words.
        gain: in money; of the budget, for each unit of money more.
    """

    rule: str
    gain: float


@dataclass(frozen=True)
class Plan:
    """What is planned with: every curve, option and rule."""

    curves: Mapping[str, Curve]
    options: Sequence[Option]
    rules: Rules

    def best(self, rules: Rules | None = None, risk: float = 0.0) -> Allocation:
        """Return the best allocation, under these or other rules; raises as `allocate`."""
        return allocate(self.curves, self.options, rules or self.rules, risk)


def frontier(
    plan: Plan,
    budgets: Sequence[float],
    appetites: Mapping[str, float] = APPETITES,
) -> list[Scenario]:
    """Return the best allocation of every budget for every appetite.

    Other budgets than the plan's, in which its floors and lots can't be kept, are left out.

    Raises:
        UserError: if the plan's rules can't be kept within its own budget.
    """
    found: list[Scenario] = []
    for budget in budgets:
        rules = replace(plan.rules, budget=budget)
        try:
            found += [
                Scenario(budget, name, plan.best(rules, risk)) for name, risk in appetites.items()
            ]
        except UserError:
            if budget == plan.rules.budget:
                raise
    return found


def equal_split(plan: Plan, budget: float) -> Array:
    """Return the margin by draw if every item got the same, whatever the rules say."""
    items = {option.of: i for i, option in reversed(list(enumerate(plan.options)))}
    return _spent(plan, dict.fromkeys(items.values(), budget / len(items)))


def pro_rata(plan: Plan, budget: float, weights: Mapping[str, float]) -> Array:
    """Return the margin by draw if items got what they weigh, such as past spend.

    Args:
        plan: what is planned with.
        budget: to be split.
        weights: by item; an item without one gets nothing.
    """
    items = {option.of: i for i, option in reversed(list(enumerate(plan.options)))}
    total = sum(weights.get(item, 0.0) for item in items) or 1.0
    return _spent(plan, {i: budget * weights.get(n, 0.0) / total for n, i in items.items()})


def prices(plan: Plan, risk: float = 0.0) -> list[Price]:
    """Return what each rule that binds costs, dearest first: each is lifted, the others stay."""
    now = plan.best(risk=risk).objective
    found = [Price(words, plan.best(rules, risk).objective - now) for words, rules in lifted(plan)]
    more = _MORE * plan.rules.budget
    richer = plan.best(replace(plan.rules, budget=plan.rules.budget + more), risk).objective
    binding = [price for price in found if price.gain > _SMALL * plan.rules.budget]
    next_money = (richer - now) / more
    if next_money > _SMALL:
        binding.append(Price("the budget, for each unit of money more", next_money))
    return sorted(binding, key=lambda price: -price.gain)


def lifted(plan: Plan) -> Iterator[tuple[str, Rules]]:
    """Yield the rules without each of them in turn, with its words; the budget stays."""
    rules = plan.rules
    if rules.spend_all:
        yield "all of the budget is spent", replace(rules, spend_all=False)
    for one in fields(Rules):
        held = getattr(rules, one.name)
        if isinstance(held, Mapping):
            for name in held:
                rule = one.name.replace("_", " ").replace("pool", "kind's").removesuffix("s")
                rule = "whole units" if one.name == "lots" else rule
                words = f"{rule} of {name}"
                rest = {other: value for other, value in held.items() if other != name}
                changed: dict[str, Any] = {one.name: rest}
                yield words, replace(rules, **changed)
    for group in rules.one_of:
        rest_of = [other for other in rules.one_of if other is not group]
        yield f"one of {', '.join(group)}", replace(rules, one_of=rest_of)


def _spent(plan: Plan, spend: Mapping[int, float]) -> Array:
    by_option = [spend.get(i, 0.0) for i in range(len(plan.options))]
    together: Array = margins(plan.curves, plan.options, by_option).sum(axis=0)
    return together
