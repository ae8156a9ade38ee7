"""The truth is one: who knows it can not be beaten, and who does not is fooled where it is said."""

import numpy as np
import pandas as pd
import pytest

from simulator.panel import judged_panel
from simulator.pipeline import WON
from simulator.truth import investment_truth, potential_outcomes
from tests.unit.simulator.companies import deal_history, panel_history

SEEDS = range(12)
TRAINING = {"kind": "training", "effect": 2.0}


def log_loss(happened, chance):
    return -(happened * np.log(chance) + (1 - happened) * np.log(1 - chance))


@pytest.fixture(scope="module")
def months():
    """Each deal-month with its true chance of a win, whether it was won, and what others see."""
    _, deals, months = deal_history(reps=300, months=36, seed=21)
    won = (deals.outcome[months.deal] == WON) & (deals.closed[months.deal] == months.month)
    age = np.minimum(months.month - deals.opened[months.deal], 4)
    return months.win, won.astype(float), months.level, age


def test_the_oracle_attains_the_generator_s_own_best_score(months):
    truth, won, *_ = months
    entropy = -(truth * np.log(truth) + (1 - truth) * np.log(1 - truth))
    loss = log_loss(won, truth)
    error = (loss - entropy).std() / np.sqrt(loss.size)
    assert abs(loss.mean() - entropy.mean()) < 4 * error


def test_nobody_beats_the_oracle_not_even_fitted_on_the_answers(months):
    truth, won, level, age = months
    best = log_loss(won, truth).mean()
    cells = {"base rate": 0 * level, "age": age, "engagement": level, "both": level * 10 + age}
    losses = {}
    for name, cell in cells.items():
        share = pd.Series(won).groupby(cell).transform("mean").clip(1e-6, 1 - 1e-6).to_numpy()
        losses[name] = log_loss(won, share).mean()
        assert losses[name] > best, name
    assert losses["base rate"] > losses["engagement"] > losses["both"] > best


def before_and_after(panel):
    reached = panel["start"] > 0
    after = reached & (panel["period"] >= panel["start"])
    return panel["outcome"][after].mean() - panel["outcome"][reached & ~after].mean()


def reached_and_not(panel):
    reached = panel["start"] > 0
    late = panel["period"] >= panel.loc[reached, "start"].min()
    after = reached & (panel["period"] >= panel["start"])
    return panel["outcome"][after].mean() - panel["outcome"][late & ~reached].mean()


def bias(estimator, programme, **knobs):
    """Return an estimator's mean error over seeds, and that mean's standard error."""
    errors = []
    for seed in SEEDS:
        history = panel_history(programme, seed=seed, **knobs)
        (truth,) = investment_truth(history)
        errors.append(estimator(judged_panel(history, "INV-01")) - truth["effect"])
    return np.mean(errors), np.std(errors, ddof=1) / np.sqrt(len(errors))


STILL = {
    "market": {"growth_log": 0.0, "season": [1.0] * 12},
    "people": {"attrition_rate": 0.0, "tenure_months": 120.0},
}


@pytest.mark.parametrize("estimator", [before_and_after, reached_and_not])
def test_a_naive_estimator_is_right_where_nothing_confounds(estimator):
    error, spread = bias(estimator, TRAINING, **STILL)
    assert abs(error) < 4 * spread


def test_comparing_reached_with_others_is_fooled_where_the_skilled_are_chosen():
    error, spread = bias(reached_and_not, {**TRAINING, "on_skill": 2.0}, **STILL)
    assert error > 4 * spread


def test_before_and_after_is_fooled_by_regression_to_the_mean():
    losing = {**TRAINING, "effect": 0.0, "on_recent": -3.0, "starts": [12]}

    def around_the_start(panel):
        near = panel[(panel["period"] >= 24276 + 9) & (panel["period"] < 24276 + 15)]
        return before_and_after(near)

    error, spread = bias(around_the_start, losing, **STILL)
    assert error > 4 * spread


def test_a_null_looks_like_a_gain_where_everything_grows():
    growing = {**STILL, "market": {**STILL["market"], "growth_log": 0.015}}
    error, spread = bias(before_and_after, {**TRAINING, "effect": 0.0}, **growing)
    assert error > 4 * spread


def test_who_opens_the_seal_is_right_in_every_scenario():
    for knobs in ({}, {"on_skill": 2.0}, {"on_recent": 3.0}, {"spillover": 0.5}):
        drawn, expected = [], []
        for seed in SEEDS:
            outcomes = potential_outcomes(panel_history({**TRAINING, **knobs}, seed=seed))
            reached = outcomes[outcomes["is_reached"]]
            drawn.append((reached["outcome"] - reached["without"]).mean())
            expected.append((reached["outcome_mean"] - reached["without_mean"]).mean())
        error = np.subtract(drawn, expected)
        assert abs(error.mean()) < 4 * error.std(ddof=1) / np.sqrt(len(error))
