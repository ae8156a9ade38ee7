"""Few reached: a number with its limits, held against a mixture of the others."""

import numpy as np
import pandas as pd
import pytest

from models.few import around_the_start, beside
from models.incremental import judge
from models.synthetic import SYNTHETIC_CONTROL, SYNTHETIC_DID
from models.terms import Terms

START = 19
PERIODS = 30
TERMS = Terms(cost_minor=24_000, gross_margin_rate=0.5)


def territories(seed=1, *, effect=0.0, others=30, few=1, drift=0.0, stop=0, given_back=0.0):
    """Months of territories of different size and noise, through a common market."""
    random = np.random.default_rng(seed)
    count, period = few + others, np.arange(1, PERIODS + 1)
    size = random.uniform(50_000, 90_000, (count, 1))
    market = random.normal(0, 2_000, PERIODS).cumsum()
    noise = random.normal(0, 1, (count, PERIODS)) * random.uniform(2_000, 6_000, (count, 1))
    outcome = size + market + noise
    under = (period >= START) & ((stop == 0) | (period < stop))
    outcome[:few] += effect * under + drift * period
    outcome[:few] -= given_back * ((stop > 0) & (period >= stop))
    return pd.DataFrame(
        {
            "unit": np.repeat([f"territory-{n:03}" for n in range(count)], PERIODS),
            "period": np.tile(period, count),
            "outcome": outcome.ravel(),
            "start": np.repeat([START] * few + [0] * others, PERIODS),
            "stop": np.repeat([stop] * few + [0] * others, PERIODS),
        }
    )


def named(judgement, name):
    (found,) = [each for each in judgement.diagnostics if each.name == name]
    return found


def test_one_territory_among_enough_others_gets_a_verdict_with_its_interval_and_placebos():
    judgement = judge(territories(effect=20_000), TERMS)
    assert judgement.verdict == "pays_off"
    assert judgement.effect_low < 20_000 < judgement.effect_high
    assert judgement.effect_low * 12 * 0.5 > TERMS.cost_minor
    assert [each.estimator for each in judgement.estimates] == [SYNTHETIC_DID, SYNTHETIC_CONTROL]
    assert named(judgement, "placebo_space").p_value == pytest.approx(1 / 31)
    assert "The one that was reached brought" in judgement.reason
    assert "a mixture of 30 others" in judgement.reason


def test_with_too_few_others_the_number_stands_and_the_verdict_says_that_count_forbids_one():
    judgement = judge(territories(effect=20_000, others=12), TERMS)
    assert judgement.verdict == "cannot_tell"
    assert judgement.effect == pytest.approx(20_000, rel=0.3)
    assert judgement.roi_low > 0, "the interval alone would have said that it pays off"
    assert "p can't be below 0.077" in judgement.reason
    assert "it takes 19" in judgement.reason
    assert "placebo_space" in judgement.warning_codes


def test_a_territory_that_was_pulling_away_before_is_not_identified():
    judgement = judge(territories(drift=2_500), TERMS)
    assert judgement.verdict == "not_identified"
    assert judgement.effect is None
    assert judgement.estimates, "what was computed stays for the audit"
    assert "when it had not begun" in judgement.reason


def test_with_hardly_anybody_to_mix_from_the_reason_says_what_it_takes():
    judgement = judge(territories(effect=20_000, others=6), TERMS)
    assert judgement.verdict == "not_identified"
    assert "6 never reached and 18 months before are on record throughout" in judgement.reason


def test_what_a_stop_gave_back_is_taken_off():
    kept = judge(territories(effect=20_000, stop=25), TERMS)
    back = judge(territories(effect=20_000, stop=25, given_back=20_000), TERMS)
    assert kept.effect == pytest.approx(20_000, rel=0.3)
    assert abs(back.effect) < 6_000
    assert "a month, the months after its end included, measured against" in back.reason
    assert back.verdict != "pays_off"


def test_a_few_together_are_told_with_less_noise_than_one():
    one, three = (beside(territories(effect=9_000, few=few), 6) for few in (1, 3))
    assert three.primary.effect == pytest.approx(9_000, rel=0.3)
    assert three.primary.std_error < one.primary.std_error
    assert three.p_value <= 0.05


def test_where_nothing_is_at_work_an_effect_is_seldom_told_and_the_interval_holds_nothing():
    found = [beside(territories(seed, others=20), 6) for seed in range(20)]
    # 5 % of 20: 5 or more come once in 390 runs
    assert sum(each.p_value <= 0.05 for each in found) <= 4
    assert sum(not each.primary.low <= 0 <= each.primary.high for each in found) <= 4


def test_the_months_around_the_start_lie_around_nothing_before_and_around_the_effect_after():
    steps = {each.since: each for each in around_the_start(territories(effect=20_000), 6)}
    assert set(steps) == set(range(-6, 12))
    assert all(each.low < each.gap < each.high for each in steps.values())
    after = [steps[since] for since in range(12)]
    assert np.mean([each.gap for each in after]) == pytest.approx(
        judge(territories(effect=20_000), TERMS).effect
    )
    assert sum(each.low > 0 for each in after) >= 10
    assert sum(steps[since].low <= 0 <= steps[since].high for since in range(-6, 0)) >= 5


def test_hundreds_of_others_are_held_to_the_sixty_nearest_and_the_panel_s_order_does_not_matter():
    panel = territories(effect=9_000, others=90)
    found = beside(panel, 6)
    assert found.others == 60
    again = beside(panel.sample(frac=1, random_state=2).reset_index(drop=True), 6)
    assert again.primary.effect == pytest.approx(found.primary.effect)
    assert again.p_value == found.p_value
