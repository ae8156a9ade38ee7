from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import UserError
from models.allocation import Curve, allocate
from models.rules import Option, Rules, broken

ITEMS = "abcd"
STARTS = (date(2027, 1, 1), date(2027, 4, 1))
amounts = st.integers(0, 60).map(float)
some = st.sampled_from(ITEMS)


@st.composite
def plans(draw):
    """Return curves of any shape, options with one or two starts, and any rules about them."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    grid = np.concatenate([[0.0], np.geomspace(1, 120, 10)])
    pools = ("p", "q", "r")
    curves = {
        pool: Curve(
            grid, np.cumsum(random.normal(0.1, 2, (len(grid), 12)), axis=0) * (grid > 0)[:, None]
        )
        for pool in pools
    }
    options = [
        Option(
            option_id=f"{item}{place}",
            item=item,
            pool=draw(st.sampled_from(pools)),
            starts_on=STARTS[place],
            factor=1 - 0.3 * place,
            cost=draw(st.sampled_from([1.0, 0.5])),
        )
        for item in ITEMS
        for place in range(draw(st.integers(1, 2)))
    ]
    rules = Rules(
        budget=draw(st.integers(1, 100).map(float)),
        spend_all=draw(st.booleans()),
        floors=draw(st.dictionaries(some, amounts, max_size=1)),
        caps=draw(st.dictionaries(some, amounts, max_size=2)),
        minimums=draw(st.dictionaries(some, amounts, max_size=2)),
        lots=draw(st.dictionaries(some, st.integers(1, 30).map(float), max_size=2)),
        pool_floors=draw(st.dictionaries(st.just("q"), st.integers(0, 9).map(float), max_size=1)),
        pool_caps=draw(st.dictionaries(st.just("p"), amounts, max_size=1)),
        month_budgets=draw(st.dictionaries(st.just(STARTS[0]), amounts, max_size=1)),
        one_of=draw(st.lists(st.lists(some, min_size=2, max_size=3, unique=True), max_size=1)),
        requires=draw(st.dictionaries(some, st.lists(some, min_size=1, max_size=2), max_size=1)),
    )
    return curves, options, rules, draw(st.sampled_from([0.0, 0.7]))


def answered(plan):
    """Return the allocation; None where the rules exclude each other."""
    try:
        return allocate(*plan)
    except UserError:
        return None


@settings(max_examples=60)
@given(plans())
def test_no_rule_is_ever_broken_and_the_total_is_the_sum(plan):
    _, options, rules, _ = plan
    found = answered(plan)
    if found is None:
        return
    assert broken(rules, options, list(found.spend)) == []
    total = sum(m.mean() - s for m, s in zip(found.margin, found.spend, strict=True))
    assert found.net.mean() == pytest.approx(total, abs=1e-6)


@settings(max_examples=25)
@given(plans(), st.integers(1, 50))
def test_more_money_or_fewer_rules_never_bring_less(plan, more):
    """Where a curve bends upwards, unlike factors within a pool are shared out by a convention."""
    curves, options, rules, risk = plan
    options = [replace(option, factor=1.0) for option in options]
    found = answered((curves, options, rules, risk))
    if found is None:
        return
    free = allocate(curves, options, Rules(budget=rules.budget + more), risk)
    assert free.objective >= found.objective - 1e-4 * (1 + abs(found.objective))
