"""Covariates measured with error: stated, corrected for, and warned of where nobody says."""

import numpy as np
import pandas as pd
import pytest

from contracts.errors import UserError
from models.answer import Question, answer
from models.audit import question_of, question_text
from models.comparison import compared
from models.design import Handling, Requirements, checked, survey
from models.diagnostics.before import drift_of
from models.diagnostics.likeness import chosen, resting_on
from models.grid import laid_out
from models.imputation import fit
from models.incremental import Terms, estimate, judge
from models.reliability import calibrated, covariates_of
from models.score import t_test

TERMS = Terms(cost_minor=2_000_000, gross_margin_rate=0.8)
EFFECT = 500.0
STATED = {"mark": 1 / 1.49}


def marked_panel(seed=0, *, noise=0.7, tilt=0.7, units=200, periods=18):
    """The skilled sell more, pull away and are reached first; a mark shows skill plus noise.

    Skill is skewed, and has a variance of 1.
    """
    rng = np.random.default_rng(seed)
    skill = rng.gamma(4, 0.5, units) - 2
    reached = skill * tilt + rng.normal(size=units) > 0
    start = np.where(reached, rng.choice([8, 12], units), 0)
    period = np.arange(1, periods + 1)
    under = (start > 0)[:, None] & (period >= start[:, None])
    outcome = (
        10_000
        + 1_000 * skill[:, None]
        + 80 * period * (1 + skill[:, None])
        + EFFECT * under
        + rng.normal(0, 800, (units, periods))
    )
    return pd.DataFrame(
        {
            "unit": np.repeat([f"u{n:03}" for n in range(units)], periods),
            "period": np.tile(period, units),
            "outcome": outcome.ravel(),
            "start": np.repeat(start, periods),
            "mark": np.repeat(skill + noise * rng.normal(size=units), periods),
        }
    )


def comparison(panel, reliability):
    frame = checked(panel, ["mark"])
    grid = laid_out(frame, covariates_of(["mark"], reliability), Handling())
    return compared(grid, survey(frame), Requirements())


@pytest.fixture(scope="module")
def comparisons():
    panels = [marked_panel(seed) for seed in range(60)]
    return {
        name: [comparison(panel, stated) for panel in panels]
        for name, stated in (("unstated", None), ("stated", STATED))
    }


def test_a_stated_reliability_takes_away_the_bias_of_an_error_in_a_covariate(comparisons):
    bias = {
        name: np.array([each.gain.value for each in found]) - EFFECT
        for name, found in comparisons.items()
    }
    spread = bias["stated"].std() / len(bias["stated"]) ** 0.5
    assert bias["unstated"].mean() > 0.3 * EFFECT
    assert abs(bias["stated"].mean()) < 3 * spread
    assert 3 * spread < 0.3 * EFFECT


def test_errors_count_what_the_correction_costs(comparisons):
    found = comparisons["stated"]
    spread = np.std([each.gain.value for each in found])
    told = np.median([each.gain.std_error() for each in found])
    # the spread of 60 draws is known to about 9 %
    assert told == pytest.approx(spread, rel=0.3)
    assert told > 1.2 * np.median([each.gain.std_error() for each in comparisons["unstated"]])
    held = [each.estimate.low <= EFFECT <= each.estimate.high for each in found]
    assert np.mean(held) > 0.87


def test_who_was_chosen_and_who_drifted_is_seen_through_the_same_correction(comparisons):
    apart = {name: [chosen(each)[0] for each in found] for name, found in comparisons.items()}
    assert abs(np.mean(apart["stated"])) < 0.4 * np.mean(apart["unstated"])
    drift = {
        name: [
            t_test(drift_of(each).trend.coefficient, drift_of(each).trend.influence, 60)[0]
            for each in found
        ]
        for name, found in comparisons.items()
    }
    assert np.mean(drift["unstated"]) > 0.5
    assert abs(np.mean(drift["stated"])) < 3 * np.std(drift["stated"]) / 60**0.5


def test_the_cross_check_is_corrected_as_well():
    panels = [marked_panel(seed, units=240) for seed in range(8)]
    bias = {}
    for name, stated in (("unstated", None), ("stated", STATED)):
        judged = [judge(panel, TERMS, ["mark"], reliability=stated) for panel in panels]
        second = [each.estimates[1] for each in judged]
        assert all(each.estimator.startswith("callaway") for each in second)
        bias[name] = np.mean([each.effect for each in second]) - EFFECT
    assert abs(bias["stated"]) < 0.5 * abs(bias["unstated"])


def test_exact_is_what_unstated_is_taken_for():
    panel = marked_panel()
    assert estimate(panel, ["mark"], reliability={"mark": 1.0}) == estimate(panel, ["mark"])


def says(panel, reliability=None):
    return resting_on(comparison(panel, reliability)).verdict


def test_a_covariate_of_which_nothing_is_said_is_warned_of_where_the_effect_leans_on_it():
    panels = [marked_panel(seed, noise=0.5) for seed in range(10)]
    assert [says(panel) for panel in panels] == ["warn"] * 10
    assert [says(panel, {"mark": 1.0}) for panel in panels] == ["pass"] * 10
    assert [says(panel, {"mark": 0.8}) for panel in panels] == ["pass"] * 10


def test_a_covariate_that_moves_nothing_is_not_warned_of():
    rng = np.random.default_rng(1)
    warned = 0
    for seed in range(20):
        panel = marked_panel(seed, tilt=0.0)
        names = panel["unit"].unique()
        mark = panel["unit"].map(dict(zip(names, rng.normal(size=len(names)), strict=True)))
        warned += says(panel.assign(mark=mark)) == "warn"
    assert warned <= 2


def test_the_warning_names_what_to_state():
    judged = judge(marked_panel(), TERMS, ["mark"])
    assert "proxy" in judged.warning_codes
    (words,) = [each.words for each in judged.diagnostics if each.name == "proxy"]
    assert "leans on mark" in words
    assert "State its reliability" in words


def test_a_covariate_said_to_be_mostly_noise_is_not_identified_with_the_reason():
    judged = judge(marked_panel(noise=0.1), TERMS, ["mark"], reliability={"mark": 0.05})
    assert judged.verdict == "not_identified"
    assert "mark 5%" in judged.reason


def test_the_proportional_form_takes_no_error():
    frame = checked(marked_panel(), ["mark"])
    grid = laid_out(frame, covariates_of(["mark"], STATED), Handling())
    with pytest.raises(ValueError, match="proportional"):
        fit(grid, proportional=True)


@pytest.mark.parametrize("value", [0, -0.1, 1.01, float("nan"), "high"])
def test_a_reliability_is_a_share(value):
    with pytest.raises(UserError, match="reliability of mark"):
        judge(marked_panel(), TERMS, ["mark"], reliability={"mark": value})


def test_a_reliability_is_of_a_covariate():
    with pytest.raises(UserError, match="no covariate"):
        judge(marked_panel(), TERMS, ["mark"], reliability={"marks": 0.8})


def test_a_question_keeps_what_was_stated():
    asked = Question(
        outcome="bookings", cost_minor=2_000_000, gross_margin_rate=0.8, currency="USD",
        covariates=("mark",), reliability=STATED,
    )  # fmt: skip
    again = question_of(question_text(asked))
    assert again == asked
    panel = marked_panel()
    told = judge(panel, TERMS, ["mark"], reliability=STATED)
    assert answer(panel, again).estimates == told.estimates


def test_calibration_keeps_each_groups_mean_and_undoes_the_attenuation():
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], 40_000)
    skill = rng.normal(group * 1.5, 1, len(group))
    measured = skill + rng.normal(size=len(group))
    spread = measured.std()
    told = calibrated((measured / spread)[:, None], np.array([1 / spread**2]), group)[:, 0]
    for each in (0, 1):
        own = group == each
        assert told[own].mean() == pytest.approx(measured[own].mean() / spread)
        slope = np.cov(skill[own], told[own])[0, 1] / told[own].var()
        assert slope * told[own].std() == pytest.approx(skill[own].std() * 0.5**0.5, rel=0.05)
        assert slope == pytest.approx(spread, rel=0.05)


def test_a_group_in_which_all_is_noise_stands_at_its_mean():
    told = calibrated(np.array([[0.1], [0.2], [3.0]]), np.array([0.5]), np.array([0, 0, 1]))
    assert told[:, 0] == pytest.approx([0.15, 0.15, 3.0])
