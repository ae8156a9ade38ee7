"""What may be bought and what must hold: the words of an allocation, and whether they are kept.

An *item* is something to spend on; its *options* are the ways to have it, such as one a start
month, of which one at most is taken. Rules name items. What is said by item is in its curve's
money (of twelve months where it is paid by month, so that a hire is a hire whenever it starts);
all else is money within the plan.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from itertools import chain
from typing import Any, Final

from contracts.errors import UserError

_DUST: Final = 1e-6
"""Amounts that differ by this share of the budget are the same: the solver's rounding."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way to have an item.

    Attributes:
        pool: whose curve it draws on; options of a pool share it.
        starts_on: the first day of the month in which it starts; None where that does not matter.
        factor: what the plan sees of its curve's margin; 1 for all of it.
        cost: what the plan pays of its curve's spend; 1 for all of it.
    """

    option_id: str
    pool: str
    item: str = ""
    starts_on: date | None = None
    factor: float = 1.0
    cost: float = 1.0

    @property
    def of(self) -> str:
        """The item that it is a way to have."""
        return self.item or self.option_id


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What must hold.

    Attributes:
        budget: the most that all may cost together.
        spend_all: whether exactly the budget is spent; else what earns nothing is kept.
        floors, caps: the least and the most by item.
        minimums: by item: nothing, or at least so much.
        lots: by item: a whole number of lots of so much (a hire, a licence).
        pool_floors, pool_caps: the least and the most by pool.
        month_budgets: the most that what starts in a month may cost.
        one_of: groups of items of which one at most is taken.
        requires: an item is taken only with one of these others, which must not start later.
    """

    budget: float
    spend_all: bool = False
    floors: Mapping[str, float] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    minimums: Mapping[str, float] = field(default_factory=dict)
    lots: Mapping[str, float] = field(default_factory=dict)
    pool_floors: Mapping[str, float] = field(default_factory=dict)
    pool_caps: Mapping[str, float] = field(default_factory=dict)
    month_budgets: Mapping[date, float] = field(default_factory=dict)
    one_of: Sequence[Sequence[str]] = ()
    requires: Mapping[str, Sequence[str]] = field(default_factory=dict)


BY_ITEM: Final = ("floors", "caps", "minimums", "lots")
BY_POOL: Final = ("pool_floors", "pool_caps")


def rules_from(given: Mapping[str, Any]) -> Rules:
    """Return the rules that a mapping names: none is ever left out.

    Raises:
        UserError: if a name is not one of the rules', with the nearest that is.
    """
    known = [one.name for one in fields(Rules)]
    for name in given:
        if name not in known:
            raise UserError(f"{name!r} is not a rule{_nearest(name, known)}")
    if "budget" not in given:
        raise UserError("the rules have no budget: say how much may be spent")
    return Rules(**given)


def checked(rules: Rules, options: Sequence[Option], pools: Collection[str]) -> None:
    """Refuse rules about what there is not, and amounts that are none.

    Raises:
        UserError: with the name, and the nearest that there is.
    """
    items = {option.of for option in options}
    if len({option.option_id for option in options}) < len(options):
        raise UserError("two options have the same id: give each its own")
    if strangers := {option.pool for option in options} - set(pools):
        raise UserError(f"there is no curve for {sorted(strangers)[0]!r}: fit it first")
    for name, rule, known in _named(rules, items, pools):
        if name not in known:
            raise UserError(f"{rule} names {name!r}{_nearest(name, known)}")
    months = {option.starts_on for option in options}
    if unknown := set(rules.month_budgets) - months:
        raise UserError(f"month_budgets names {min(unknown)}, in which nothing can start")
    for what, amount in _amounts(rules):
        if not 0 <= amount < float("inf"):
            raise UserError(f"{what} is {amount:g}: it must be an amount of 0 or more")


def broken(rules: Rules, options: Sequence[Option], spend: Sequence[float]) -> list[str]:
    """Return the rules that a spend by option breaks, in words; none where all are kept.

    It knows nothing of how the spend was found: it is what holds the solver to its word.
    """
    dust = _DUST * max(rules.budget, 1.0)
    by_item: dict[str, float] = {}
    for option, amount in zip(options, spend, strict=True):
        by_item[option.of] = by_item.get(option.of, 0.0) + amount / option.cost
    return [
        *_broken_totals(rules, options, spend, dust),
        *_broken_items(rules, by_item, dust),
        *_broken_choices(rules, options, spend, dust),
    ]


def _broken_totals(
    rules: Rules, options: Sequence[Option], spend: Sequence[float], dust: float
) -> Iterator[str]:
    total = sum(spend)
    if total > rules.budget + dust or (rules.spend_all and total < rules.budget - dust):
        yield f"budget {rules.budget:g}: {total:g} is spent"
    if min(spend, default=0.0) < -dust:
        yield "something is spent below nothing"
    pairs = list(zip(options, spend, strict=True))
    for month, limit in rules.month_budgets.items():
        started = sum(amount for option, amount in pairs if option.starts_on == month)
        if started > limit + dust:
            yield f"month budget of {month}: {started:g} starts"
    for pool in {option.pool for option in options}:
        pooled = sum(amount for option, amount in pairs if option.pool == pool)
        if not _between(pooled, rules.pool_floors.get(pool), rules.pool_caps.get(pool), dust):
            yield f"pool {pool}: {pooled:g} is spent"


def _broken_items(rules: Rules, by_item: Mapping[str, float], dust: float) -> Iterator[str]:
    for item, amount in by_item.items():
        if not _between(amount, rules.floors.get(item), rules.caps.get(item), dust):
            yield f"floor or cap of {item}: {amount:g} is spent"
        if dust < amount < rules.minimums.get(item, 0.0) - dust:
            yield f"minimum of {item}: {amount:g} is spent"
        lot = rules.lots.get(item, 0.0)
        if lot and abs(amount - round(amount / lot) * lot) > dust:
            yield f"whole lots of {item}: {amount:g} is spent, a lot is {lot:g}"


def _broken_choices(
    rules: Rules, options: Sequence[Option], spend: Sequence[float], dust: float
) -> Iterator[str]:
    taken = [o for o, amount in zip(options, spend, strict=True) if amount > dust]
    items = [option.of for option in taken]
    for item in {item for item in items if items.count(item) > 1}:
        yield f"{item} is taken in more than one way"
    for group in rules.one_of:
        if sum(item in group for item in items) > 1:
            yield f"one of {', '.join(group)}: more are taken"
    for option in taken:
        others = rules.requires.get(option.of)
        if others and not any(o.of in others and not later(o, option) for o in taken):
            yield f"{option.of} requires {' or '.join(others)}, not later: none is taken"


def later(option: Option, than: Option) -> bool:
    """Tell whether an option starts after another; one without a start never does."""
    return bool(option.starts_on and than.starts_on and option.starts_on > than.starts_on)


def _between(amount: float, low: float | None, high: float | None, dust: float) -> bool:
    return (low is None or amount >= low - dust) and (high is None or amount <= high + dust)


def _named(
    rules: Rules, items: Collection[str], pools: Collection[str]
) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield each name in the rules, the rule, and the names that there are."""
    for rule in BY_ITEM:
        yield from ((name, rule, items) for name in getattr(rules, rule))
    for rule in BY_POOL:
        yield from ((name, rule, pools) for name in getattr(rules, rule))
    yield from ((name, "one_of", items) for name in chain.from_iterable(rules.one_of))
    required = chain(rules.requires, chain.from_iterable(rules.requires.values()))
    yield from ((name, "requires", items) for name in required)


def _amounts(rules: Rules) -> Iterator[tuple[str, float]]:
    yield "the budget", rules.budget
    for rule in (*BY_ITEM, *BY_POOL, "month_budgets"):
        yield from ((f"{rule} of {name}", amount) for name, amount in getattr(rules, rule).items())


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(str(name), list(map(str, known)), 1, 0.4)
    return f": did you mean {near[0]!r}?" if near else f": there are {', '.join(sorted(known))}"
