from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from contracts.errors import UserError
from models.allocation import Curve, allocate, margins, tail_loss, worth
from models.rules import Option, Rules, broken, rules_from

GRID = np.concatenate([[0.0], np.geomspace(1, 200, 60)])


def hill(rate, half, draws=1):
    return Curve(GRID, np.repeat((rate * half * GRID / (GRID + half))[:, None], draws, axis=1))


def options(*names, **given):
    return [Option(option_id=name, pool=name, **given) for name in names]


CURVES = {"a": hill(4, 20), "b": hill(3, 40), "c": hill(2, 80), "none": hill(0, 10)}
NAMES = tuple(CURVES)


def bought(rules, curves=CURVES, chosen=None, risk=0.0):
    chosen = chosen or options(*curves)
    found = allocate(curves, chosen, rules, risk)
    assert found.is_proven
    assert broken(rules, chosen, list(found.spend)) == []
    return dict(zip(found.options, found.spend.tolist(), strict=True))


def test_the_last_unit_of_money_brings_the_same_everywhere():
    spend = bought(Rules(budget=100, spend_all=True))
    slopes = {
        name: rate * (half / (half + spend[name])) ** 2
        for name, rate, half in (("a", 4, 20), ("b", 3, 40), ("c", 2, 80))
    }
    assert max(slopes.values()) < 1.25 * min(slopes.values())  # to the grid's width
    assert spend["none"] == 0


def test_it_is_as_good_as_the_best_of_many_tries():
    random = np.random.default_rng(0)
    tries = random.dirichlet(np.ones(4), 4_000) * 100
    found = allocate(CURVES, options(*NAMES), Rules(budget=100, spend_all=True))
    best = max(float(margins(CURVES, options(*NAMES), one).sum()) for one in tries)
    assert found.margin.sum() >= best


def test_money_that_would_earn_less_than_itself_is_kept():
    spend = bought(Rules(budget=200))
    assert sum(spend.values()) < 150
    assert spend["none"] == 0
    assert bought(Rules(budget=200, spend_all=True), chosen=options("a", "none"))["a"] > 199


@pytest.mark.parametrize("tiny", [1.0, 1e-4, 1e-8])
def test_tiny_returns_still_decide_and_are_not_split_equally(tiny):
    curves = {n: hill(tiny * rate, 1e6) for n, rate in (("a", 1.0), ("b", 1.01), ("c", 1.02))}
    spend = bought(Rules(budget=90, spend_all=True), curves)
    assert spend["c"] == pytest.approx(90)


def test_an_equal_split_is_returned_where_equal_is_best():
    grid = np.linspace(0, 100, 51)
    curves = {n: Curve(grid, (2 * 30 * grid / (grid + 30))[:, None]) for n in "abcde"}
    spend = bought(Rules(budget=100, spend_all=True), curves)
    assert list(spend.values()) == pytest.approx([20] * 5)


def test_a_curve_that_begins_slowly_is_bought_whole_or_not_at_all():
    s_shaped = Curve(GRID, (100 * GRID**3 / (GRID**3 + 50**3))[:, None])
    curves = {"slow": s_shaped, "b": hill(1.2, 40)}
    assert bought(Rules(budget=20, spend_all=True), curves)["slow"] == 0
    assert bought(Rules(budget=100, spend_all=True), curves)["slow"] > 60


def test_risk_buys_less_of_what_may_lose():
    random = np.random.default_rng(1)
    rates = {"sure": np.full(200, 1.5), "wild": random.normal(1.9, 1.5, 200)}
    curves = {n: Curve(GRID, np.outer(60 * GRID / (GRID + 60), r)) for n, r in rates.items()}
    rules = Rules(budget=60)
    bold, careful = (allocate(curves, options("sure", "wild"), rules, risk) for risk in (0, 2))
    assert careful.spend[1] < 0.5 * bold.spend[1]
    assert tail_loss(careful.net) < tail_loss(bold.net)
    assert careful.net.mean() < bold.net.mean()
    assert worth(careful.net, 2) > worth(bold.net, 2)
    assert careful.objective == pytest.approx(worth(careful.net, 2))


def test_whole_lots_minimums_floors_and_caps_hold():
    rules = Rules(
        budget=100,
        spend_all=False,
        lots={"a": 7},
        minimums={"b": 45},
        floors={"none": 5},
        caps={"c": 3},
    )
    spend = bought(rules)
    assert spend["a"] % 7 == pytest.approx(0)
    assert spend["b"] == 0 or spend["b"] >= 45
    assert spend["none"] == pytest.approx(5)
    assert spend["c"] == pytest.approx(3)


def test_two_proposals_of_a_kind_share_its_curve():
    alone = bought(Rules(budget=300), {"a": CURVES["a"]})
    twins = [Option(option_id=name, pool="a") for name in ("first", "second")]
    both = bought(Rules(budget=300), {"a": CURVES["a"]}, twins)
    assert sum(both.values()) == pytest.approx(alone["a"])


def test_a_start_is_chosen_once_and_the_earlier_unless_its_month_is_full():
    january, june = date(2027, 1, 1), date(2027, 6, 1)
    starts = [
        Option(option_id="a jan", item="a", pool="a", starts_on=january),
        Option(option_id="a jun", item="a", pool="a", starts_on=june, factor=0.6),
    ]
    assert bought(Rules(budget=30), chosen=starts)["a jun"] == 0
    later = bought(Rules(budget=30, month_budgets={january: 0}), chosen=starts)
    assert later["a jan"] == 0 < later["a jun"]


def test_what_requires_another_waits_for_it():
    january, june = date(2027, 1, 1), date(2027, 6, 1)
    chosen = [
        Option(option_id="a jan", item="a", pool="a", starts_on=january),
        Option(option_id="a jun", item="a", pool="a", starts_on=june, factor=0.9),
        Option(option_id="none jun", item="none", pool="none", starts_on=june),
    ]
    rules = Rules(budget=30, requires={"a": ["none"]}, minimums={"none": 2})
    spend = bought(rules, chosen=chosen)
    assert spend["a jan"] == 0
    assert spend["a jun"] > 0
    assert spend["none jun"] == pytest.approx(2)


def test_one_of_a_group_is_taken():
    spend = bought(Rules(budget=100, one_of=[["a", "b"], ["b", "c"]]))
    assert spend["b"] == 0 or spend["a"] == spend["c"] == 0


def test_what_is_paid_by_month_costs_less_of_the_plan_when_it_starts_later():
    half_year = options("a", factor=0.5, cost=0.5)
    found = allocate(CURVES, half_year, Rules(budget=100))
    whole = allocate(CURVES, options("a"), Rules(budget=100))
    assert found.spend[0] == pytest.approx(whole.spend[0] / 2)
    assert found.net.mean() == pytest.approx(whole.net.mean() / 2)


def test_an_unknown_rule_is_refused_with_the_nearest_never_dropped():
    assert rules_from({"budget": 5, "spend_all": True}) == Rules(budget=5, spend_all=True)
    with pytest.raises(UserError, match="'capps' is not a rule: did you mean 'caps'"):
        rules_from({"budget": 5, "capps": {"a": 1}})
    with pytest.raises(UserError, match="no budget"):
        rules_from({"caps": {"a": 1}})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"floors": {"nona": 1}}, "floors names 'nona': did you mean 'none'"),
        ({"pool_caps": {"aa": 1}}, "pool_caps names 'aa': did you mean 'a'"),
        ({"one_of": [["a", "zz"]]}, "one_of names 'zz'"),
        ({"requires": {"a": ["zz"]}}, "requires names 'zz'"),
        ({"month_budgets": {date(2027, 1, 1): 1}}, "2027-01-01"),
        ({"caps": {"a": -1}}, "caps of a is -1"),
        ({"budget": float("nan")}, "the budget is nan"),
        ({"floors": {"a": 150}}, "can't all be kept"),
        ({"lots": {"a": 7}, "floors": {"a": 8}, "caps": {"a": 13}}, "can't all be kept"),
    ],
)
def test_rules_about_nothing_or_that_exclude_each_other_are_refused(changed, says):
    with pytest.raises(UserError, match=says):
        allocate(CURVES, options(*NAMES), replace(Rules(budget=100), **changed))


def test_broken_sees_every_kind_of_breach():
    january = date(2027, 1, 1)
    chosen = [
        Option(option_id="a", pool="p", starts_on=january),
        Option(option_id="b1", item="b", pool="p"),
        Option(option_id="b2", item="b", pool="q"),
    ]
    rules = Rules(
        budget=10,
        floors={"a": 5},
        caps={"b": 6},
        minimums={"a": 5},
        lots={"b": 4},
        pool_caps={"p": 4},
        month_budgets={january: 1},
        one_of=[["a", "b"]],
        requires={"a": ["b"]},
    )
    said = " ".join(broken(rules, chosen, [3.0, 3.0, 6.0]))
    for word in ("budget", "floor", "cap", "minimum", "lots", "pool", "month", "one of", "way"):
        assert word in said
    assert "requires" in " ".join(broken(rules, chosen, [5.0, 0.0, 0.0]))


def test_the_worst_tenth_of_twelve_draws_is_one_of_them_and_a_fifth_of_the_next():
    net = np.array([5.0, -3.0, 1.0, *[9.0] * 9])
    assert tail_loss(net) == pytest.approx((3.0 - 0.2 * 1.0) / 1.2)
    assert tail_loss(np.arange(20.0)) == pytest.approx(-0.5)
