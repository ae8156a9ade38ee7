"""The fast form and the slow one are one company: they agree in distribution."""

import numpy as np
import pytest
from msgspec.structs import replace

from simulator.company import live
from simulator.oracle import win_probabilities
from simulator.pipeline import LOST, OPEN, WON, Pipeline
from simulator.scenario_file import scenario_of
from simulator.stock import StockEngine
from tests.unit.simulator.companies import deal_history

SEEDS = range(40)
SCENARIO = scenario_of(
    {
        "investments": [
            {"kind": "training", "effect": 1.0, "on_skill": 1.0, "on_recent": 0.5},
            {"kind": "event", "effect": 0.2, "roll_out": "reversible", "lasts_months": 6},
        ],
        "people": {"attrition_rate": 0.03, "ramp_months": 3},
    }
)


@pytest.fixture(scope="module")
def told():
    """For each engine and seed, what one would look at in a company's bookings."""
    return {
        engine: np.array([_told(live(SCENARIO, 60, 24, seed, engine)) for seed in SEEDS])
        for engine in (StockEngine, Pipeline)
    }


def _told(history):
    booked = history.amount[:, 0]
    effect = (history.amount[:, 0] - history.amount[:, 1])[12:].mean()
    before, after = booked[:-1].ravel(), booked[1:].ravel()
    return [
        booked.mean(),
        booked.std(),
        (booked == 0).mean(),
        np.quantile(booked, 0.9),
        np.corrcoef(before, after)[0, 1],
        booked.mean(axis=0).std(),
        effect,
        len(history.seat),
    ]


NAMES = ("mean", "sd", "zeros", "p90", "lag 1", "spread of reps", "effect", "people")


@pytest.mark.parametrize("what", NAMES)
def test_panel_and_deals_agree_in_distribution(told, what):
    fast, slow = (told[engine][:, NAMES.index(what)] for engine in (StockEngine, Pipeline))
    error = np.sqrt((fast.var(ddof=1) + slow.var(ddof=1)) / len(SEEDS))
    assert abs(fast.mean() - slow.mean()) < 3.5 * error


def test_forms_would_be_told_apart_if_they_differed(told):
    other = replace(SCENARIO, deals=replace(SCENARIO.deals, win_odds=0.36))
    means = [_told(live(other, 60, 24, seed, StockEngine))[0] for seed in SEEDS]
    same = told[Pipeline][:, 0]
    error = np.sqrt((np.var(means, ddof=1) + same.var(ddof=1)) / len(SEEDS))
    assert abs(np.mean(means) - same.mean()) > 3.5 * error


def test_both_forms_share_people_territories_and_markets():
    fast, slow = (live(SCENARIO, 20, 12, 3, engine).latent for engine in (StockEngine, Pipeline))
    for name in fast.__dataclass_fields__:
        assert np.array_equal(getattr(fast, name), getattr(slow, name))


@pytest.fixture(scope="module")
def followed():
    return deal_history({"kind": "event", "effect": 0.3}, reps=300, months=48, seed=11)


def test_what_the_truth_expects_happens(followed):
    _, deals, months = followed
    for outcome, chance in ((WON, months.win), (LOST, months.loss)):
        variance = (chance * (1 - chance)).sum()
        assert abs((deals.outcome == outcome).sum() - chance.sum()) < 4 * np.sqrt(variance)


def test_the_true_win_probability_is_calibrated(followed):
    """Of deals just opened, bin by bin, as many are won as the oracle says."""
    history, deals, months = followed
    chance = win_probabilities(history, deals, months)
    first = (months.month == deals.opened[months.deal]) & (months.month < 30)
    won = deals.outcome[months.deal] == WON
    for low in np.arange(0.2, 0.9, 0.1):
        within = first & (chance >= low) & (chance < low + 0.1)
        count = within.sum()
        assert count > 100
        error = np.sqrt(chance[within].mean() * (1 - chance[within].mean()) / count)
        assert abs(won[within].mean() - chance[within].mean()) < 4 * error


def test_a_deal_lives_from_its_opening_to_its_end(followed):
    _, deals, months = followed
    lived = np.bincount(months.deal, minlength=len(deals.seat))
    last = np.where(deals.outcome == OPEN, 47, deals.closed)
    assert np.array_equal(lived, last - np.maximum(deals.opened, 0) + 1)
    assert ((deals.closed < 0) == (deals.outcome == OPEN)).all()
