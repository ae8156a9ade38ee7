import numpy as np
import pytest

from contracts.errors import UserError
from models.allocation import Curve, tail_loss
from models.frontier import APPETITES, Plan, equal_split, frontier, lifted, prices, pro_rata
from models.rules import Option, Rules

GRID = np.concatenate([[0.0], np.geomspace(1, 200, 24)])
NAMES = ("a", "b", "c")


def plan(**rules):
    random = np.random.default_rng(2)
    rates = {"a": (3.0, 1.0), "b": (2.0, 0.2), "c": (1.2, 1.5)}
    curves = {
        name: Curve(GRID, np.outer(50 * GRID / (GRID + 50), random.normal(*rate, 60)))
        for name, rate in rates.items()
    }
    options = [Option(option_id=name, pool=name) for name in NAMES]
    return Plan(curves, options, Rules(**({"budget": 100.0} | rules)))


def test_more_money_brings_more_and_more_caution_risks_less():
    shown = frontier(plan(), (50.0, 100.0, 150.0))
    by = {(s.budget, s.appetite): s.allocation.net for s in shown}
    for name in APPETITES:
        means = [by[budget, name].mean() for budget in (50.0, 100.0, 150.0)]
        assert (np.diff(means) >= -1e-9).all()
    for budget in (50.0, 100.0, 150.0):
        losses = [tail_loss(by[budget, name]) for name in APPETITES]
        assert (np.diff(losses) <= 1e-9).all()


def test_budgets_that_the_floors_do_not_fit_into_are_left_out():
    shown = frontier(plan(floors={"c": 10.0}, lots={"c": 60.0}), (50.0, 100.0))
    assert {scenario.budget for scenario in shown} == {100.0}
    with pytest.raises(UserError, match="can't all be kept"):
        frontier(plan(budget=50.0, floors={"c": 10.0}, lots={"c": 60.0}), (50.0, 100.0))


def test_the_best_allocation_is_never_worse_than_an_equal_or_a_pro_rata_split():
    planned = plan()
    best = planned.best().net.mean()
    for split in (
        equal_split(planned, 90.0).mean() - 90,
        pro_rata(planned, 100.0, {"a": 1.0, "c": 3.0}).mean() - 100,
    ):
        assert split < best


def test_a_rule_that_costs_has_its_price_and_one_that_does_not_bind_has_none():
    planned = plan(floors={"c": 60.0}, caps={"b": 150.0})
    found = {price.rule: price.gain for price in prices(planned)}
    without = plan().best().objective - planned.best().objective
    assert found["floor of c"] == pytest.approx(without)
    assert "cap of b" not in found


def test_the_next_unit_of_money_is_priced_where_the_budget_binds():
    tight, loose = plan(budget=10.0), plan(budget=200.0)
    (price,) = prices(tight)
    assert price.rule.startswith("the budget")
    assert 0.5 < price.gain < 2.5
    assert prices(loose) == []


def test_every_rule_is_lifted_once():
    planned = plan(
        spend_all=True,
        floors={"a": 1.0},
        lots={"b": 2.0},
        requires={"a": ["b"]},
        one_of=[["b", "c"]],
    )
    words = [said for said, _ in lifted(planned)]
    assert words == [
        "all of the budget is spent",
        "floor of a",
        "whole units of b",
        "require of a",
        "one of b, c",
    ]
