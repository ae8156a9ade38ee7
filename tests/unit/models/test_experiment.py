from datetime import date

import numpy as np
import pandas as pd
import pytest

from contracts.errors import UserError
from models.allocation import Curve
from models.effect import DETECTABLE
from models.experiment import later, rollout, value_of_measuring
from models.frontier import Plan
from models.power import MONTHS, change_sd, smallest, std_error, units_needed
from models.rules import Option, Rules

GRID = np.concatenate([[0.0], np.geomspace(1, 100, 16)])


def noise(units=40, months=36, sd=100.0, seed=0):
    """Units that differ in level, share every month's shock, and have noise of their own."""
    random = np.random.default_rng(seed)
    level, shock = random.normal(0, 500, (units, 1)), random.normal(0, 300, (1, months))
    values = level + shock + random.normal(0, sd, (units, months))
    frame = pd.DataFrame(values, index=[f"u{n:02}" for n in range(units)])
    return (
        frame.rename_axis("unit")
        .melt(ignore_index=False, var_name="period", value_name="outcome")
        .reset_index()
    )


def test_the_noise_of_a_change_is_that_of_its_two_means():
    for months in (2, 6):
        expected = 100 * np.sqrt(1 / months + 1 / 6)
        assert change_sd(noise(), months) == pytest.approx(expected, rel=0.06)


def test_the_stated_error_is_the_spread_of_what_such_rollouts_find_by_lot():
    panel = noise(units=20, months=10, seed=4)
    wide = panel.pivot_table(index="unit", columns="period", values="outcome")
    change = (wide[[6, 7, 8, 9]].mean(axis=1) - wide[[0, 1, 2, 3, 4, 5]].mean(axis=1)).to_numpy()
    random = np.random.default_rng(0)
    lots = [random.permutation(change) for _ in range(4_000)]
    found = [lot[:10].mean() - lot[10:].mean() for lot in lots]
    assert std_error(change_sd(panel, 4), 20) == pytest.approx(np.std(found), rel=0.05)


def test_an_effect_of_the_stated_size_is_found_in_four_cases_of_five():
    sd, units = 100.0, 30
    error = std_error(sd, units)
    random = np.random.default_rng(1)
    changes = random.normal(0, sd, (4_000, units))
    found = changes[:, :15].mean(axis=1) + DETECTABLE * error - changes[:, 15:].mean(axis=1)
    assert np.mean(found > 1.96 * error) == pytest.approx(0.8, abs=0.02)


def test_the_shortest_rollout_with_the_fewest_units_that_shows_enough_is_chosen():
    panel = noise()
    easy = smallest(panel, 40, [150.0] * len(MONTHS))
    assert (easy.months, easy.suffices) == (2, True)
    assert easy.units == units_needed(easy) < 40
    hard = smallest(panel, 40, [55.0] * len(MONTHS))
    assert hard.suffices
    assert hard.months > 2


def test_a_rollout_that_cannot_show_enough_says_how_many_units_would():
    reach = smallest(noise(), 40, [5.0] * len(MONTHS))
    assert not reach.suffices
    assert (reach.units, reach.months) == (40, 12)
    enough = units_needed(reach)
    sd = change_sd(noise(), 12)
    assert DETECTABLE * std_error(sd, enough) <= 5 < DETECTABLE * std_error(sd, enough - 8)


def test_too_few_units_or_months_are_refused():
    with pytest.raises(UserError, match="9 units"):
        smallest(noise(), 9, [5.0] * len(MONTHS))
    with pytest.raises(UserError, match="8 months"):
        smallest(noise(months=7), 40, [5.0] * len(MONTHS))


def team(count=23):
    return pd.DataFrame(
        {
            "unit_id": [f"u{n:02}" for n in range(count)],
            "team_id": [f"t{n % 3}" for n in range(count)],
        }
    )


def test_a_rollout_is_level_within_every_team_and_as_a_whole():
    plan = rollout(team(), 18, 4, date(2027, 1, 1))
    assert plan["wave"].value_counts().to_dict() == {1: 9, 2: 9}
    by_team = pd.crosstab(plan["team_id"], plan["wave"])
    assert (abs(by_team[1] - by_team[2]) <= 1).all()
    assert plan["unit_id"].is_unique
    assert plan.groupby("wave")["starts_on"].first().to_dict() == {
        1: date(2027, 1, 1),
        2: date(2027, 5, 1),
    }


def test_a_rollout_is_drawn_by_lot_and_the_lot_can_be_drawn_again():
    first, again, other = (rollout(team(), 18, 4, date(2027, 1, 1), seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    with pytest.raises(UserError, match="30 units are to take part, there are 23"):
        rollout(team(), 30, 4, date(2027, 1, 1))


def test_the_months_go_on_over_the_year_s_end():
    assert later(date(2026, 11, 1), 2) == date(2027, 1, 1)


def planned():
    """A kind that is known to bring 1.5, one that may bring 0 or 3, and one that is known poor."""
    unknown = np.where(np.arange(200) % 2, 0.0, 2.6)
    rates = {"known": np.full(200, 1.5), "unknown": unknown, "poor": np.full(200, 0.1)}
    curves = {name: Curve(GRID, np.outer(GRID, rate)) for name, rate in rates.items()}
    options = [Option(option_id=name, pool=name) for name in rates]
    return Plan(curves, options, Rules(budget=50.0))


def test_measuring_what_could_change_the_plan_is_worth_its_expected_improvement():
    plan = planned()
    worth = value_of_measuring(plan, "unknown", 20.0, 0.1)
    assert worth == pytest.approx(0.5 * 50 * (2.6 - 1.5), rel=0.02)


def test_measuring_what_is_known_is_worth_nothing_and_a_blunt_test_little():
    plan = planned()
    assert value_of_measuring(plan, "known", 20.0, 1.0) == pytest.approx(0, abs=1e-6)
    assert value_of_measuring(plan, "poor", 20.0, 1.0) == pytest.approx(0, abs=1e-6)
    sharp, blunt = (value_of_measuring(plan, "unknown", 20.0, error) for error in (1.0, 200.0))
    assert blunt < 0.2 * sharp


def test_a_test_of_what_there_is_not_is_refused():
    with pytest.raises(UserError, match="'retreat'"):
        value_of_measuring(planned(), "retreat", 1.0, 1.0)
