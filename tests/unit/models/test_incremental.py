import numpy as np
import pandas as pd
import pytest

from contracts.errors import UserError
from models.design import Handling, Requirements
from models.effect import DETECTABLE
from models.incremental import Terms, estimate, judge

TERMS = Terms(cost_minor=2_000_000, gross_margin_rate=0.8)


def test_a_planted_effect_is_found_and_pays_off(lumpy_panel):
    judgement = judge(lumpy_panel(effect=400_000), TERMS)
    assert judgement.verdict == "pays_off"
    assert judgement.effect_low < 400_000 < judgement.effect_high
    assert judgement.treated_units == 12
    assert judgement.control_units == 12 + 8
    assert judgement.treated_unit_months == 4 * (9 + 7 + 5)


def test_a_judgement_follows_its_own_formulas(lumpy_panel):
    judgement = judge(lumpy_panel(effect=400_000), TERMS)
    months = judgement.treated_unit_months
    for effect, margin, roi in (
        (judgement.effect, judgement.incremental_margin, judgement.roi),
        (judgement.effect_low, judgement.incremental_margin_low, judgement.roi_low),
        (judgement.effect_high, judgement.incremental_margin_high, judgement.roi_high),
    ):
        assert margin == pytest.approx(effect * months * 0.8)
        assert roi == pytest.approx((margin - 2_000_000) / 2_000_000)
    assert judgement.min_detectable_effect == pytest.approx(DETECTABLE * judgement.std_error)


def test_an_effect_below_its_cost_does_not_pay_off(lumpy_panel):
    dear = Terms(cost_minor=200_000_000, gross_margin_rate=0.8)
    judgement = judge(lumpy_panel(effect=400_000), dear)
    assert judgement.verdict == "does_not_pay_off"
    assert judgement.roi_high < 0


def test_where_gain_and_loss_are_possible_nothing_is_told_but_the_smallest_visible_effect(
    lumpy_panel,
):
    judgement = judge(lumpy_panel(effect=0), TERMS)
    assert judgement.verdict == "cannot_tell"
    assert judgement.roi_low < 0 < judgement.roi_high
    assert f"{judgement.min_detectable_effect / 100:,.0f} USD" in judgement.reason


@pytest.fixture(scope="module")
def sound(lumpy_panel):
    """Forty judgements of panels in which the reached gain 100,000."""
    return [judge(lumpy_panel(seed, effect=100_000), TERMS) for seed in range(40)]


def test_an_investment_without_effect_is_rarely_said_to_have_one(lumpy_panel):
    almost_free = Terms(cost_minor=1, gross_margin_rate=1)
    judged = [judge(lumpy_panel(seed), almost_free) for seed in range(40, 80)]
    found = sum(j.verdict in {"pays_off", "does_not_pay_off"} for j in judged)
    # 40 panels at 5 %: 7 or more come by chance in fewer than 1 of 200 runs
    assert found <= 6


def test_intervals_hold_the_truth_as_often_as_they_say(sound):
    told = [j for j in sound if j.effect is not None]
    held = sum(j.effect_low <= 100_000 <= j.effect_high for j in told)
    # 95 % of about 38: fewer than 87 % come by chance in fewer than 1 of 30 runs
    assert held >= 0.87 * len(told)


def test_sound_panels_are_rarely_refused_and_drifting_ones_often(sound, lumpy_panel):
    drifting = [judge(lumpy_panel(seed, drift=0.15), TERMS) for seed in range(20)]
    assert sum(j.verdict == "not_identified" for j in sound) <= 6
    assert sum(j.verdict == "not_identified" for j in drifting) >= 8


def test_a_drift_before_the_start_is_not_taken_for_a_return(lumpy_panel):
    judgement = judge(lumpy_panel(drift=0.5, reached=24, others=24), TERMS)
    assert judgement.verdict == "not_identified"
    assert judgement.pretrend_p_value < 0.05
    assert "before they were reached" in judgement.reason
    assert judgement.effect is None
    assert judgement.naive_effect > 0


def test_all_at_once_is_refused_however_large_the_jump(lumpy_panel):
    judgement = judge(lumpy_panel(effect=1e9, others=0, starts=(10,)), TERMS)
    assert judgement.verdict == "not_identified"
    assert "same month" in judgement.reason
    assert judgement.roi is None


def test_those_reached_later_serve_as_comparison_where_everybody_is_reached(lumpy_panel):
    judgement = judge(lumpy_panel(effect=400_000, reached=24, others=0, starts=(8, 16)), TERMS)
    assert judgement.verdict == "pays_off"
    assert judgement.control_units == 12


def test_a_return_that_is_mostly_a_guess_is_not_told(lumpy_panel):
    judgement = judge(lumpy_panel(effect=400_000, reached=24, others=0, starts=(8, 9)), TERMS)
    assert judgement.verdict == "not_identified"
    assert "somebody to compare with" in judgement.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reached": 3}, "Only 3 were reached"),
        ({"others": 2, "starts": (10,)}, "Only 2 can be compared"),
        ({"starts": (3,)}, "2 months or fewer"),
        ({"starts": (99,)}, "Nobody has been reached"),
        ({"starts": (1,)}, "Nobody was seen in the month before"),
    ],
)
def test_too_little_to_go_by_is_refused_in_words(lumpy_panel, changes, said):
    judgement = judge(lumpy_panel(**changes), TERMS)
    assert judgement.verdict == "not_identified"
    assert said in judgement.reason


def test_what_is_required_can_be_set(lumpy_panel):
    few = lumpy_panel(reached=4)
    assert judge(few, TERMS).verdict == "not_identified"
    assert judge(few, TERMS, required=Requirements(units=4)).effect is not None


def test_bookings_that_never_vary_are_refused(lumpy_panel):
    judgement = judge(lumpy_panel().assign(outcome=5.0), TERMS)
    assert judgement.verdict == "not_identified"
    assert judgement.effect is None


def test_the_order_of_rows_changes_nothing(lumpy_panel):
    panel = lumpy_panel(effect=400_000)
    assert judge(panel.sample(frac=1, random_state=3), TERMS) == judge(panel, TERMS)


def test_reps_who_come_and_go_do_not_bias_the_effect(lumpy_panel):
    effects = []
    for seed in range(12):
        panel = lumpy_panel(seed, effect=400_000)
        hired = panel["unit"].isin(["rep-00", "rep-12"]) & (panel["period"] < 6)
        left = panel["unit"].isin(["rep-01", "rep-13"]) & (panel["period"] > 15)
        effects.append(judge(panel[~hired & ~left], TERMS).effect)
    told = [effect for effect in effects if effect is not None]
    assert np.mean(told) == pytest.approx(400_000, abs=3 * np.std(told) / len(told) ** 0.5)


def test_a_covariate_explains_a_drift_that_it_causes(lumpy_panel):
    panels = [
        _drifting_with_talent(lumpy_panel(seed, reached=30, others=30), seed) for seed in range(12)
    ]
    blind = [judge(panel, TERMS).verdict for panel in panels]
    seeing = [judge(panel, TERMS, covariates=["talent"]) for panel in panels]
    told = [j for j in seeing if j.effect is not None]
    assert blind.count("not_identified") >= 5
    assert len(told) >= 8
    # 95 % of about 10: fewer than 8 come by chance once in 90 runs
    assert sum(j.effect_low < 0 < j.effect_high for j in told) >= len(told) - 2


def _drifting_with_talent(panel, seed):
    """The reached are more talented, and talent grows bookings month by month."""
    random = np.random.default_rng(seed)
    units = panel["unit"].drop_duplicates()
    talent = random.normal(size=len(units)) + np.repeat([1, 0], len(units) // 2)
    panel["talent"] = panel["unit"].map(dict(zip(units, talent, strict=True)))
    panel["outcome"] += 40_000 * panel["talent"] * panel["period"]
    return panel


@pytest.mark.parametrize(
    ("cost", "margin", "said"),
    [
        (-5, 0.8, "below nothing"),
        (1, 1.2, "up to 1"),
        (1, float("nan"), "must be a number"),
        (float("nan"), 0.8, "the cost is nan"),
        (1, 0, "not 0"),
    ],
)
def test_terms_that_make_no_return_are_refused(cost, margin, said):
    with pytest.raises(UserError, match=said):
        Terms(cost_minor=cost, gross_margin_rate=margin)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.drop(columns="start"), "no column start"),
        (lambda p: p.iloc[:0], "empty"),
        (lambda p: pd.concat([p, p.iloc[:1]]), "two rows"),
        (lambda p: p.assign(start=p["period"]), "different starts"),
        (lambda p: p.assign(outcome=np.nan), "not a number"),
        (lambda p: p.assign(unit=p["unit"].where(p["period"] > 1)), "unit is missing in 24"),
        (lambda p: p.assign(start=-5), "can't be below 0"),
        (lambda p: p.assign(dose=-1.0), "can't be below 0"),
        (lambda p: p.assign(start=0, stop=9), "not after its start"),
        (lambda p: p.assign(period=pd.Timestamp("2026-01-01")), "holds dates"),
        (lambda p: p.assign(period=p["period"] + 0.5), "not a whole number"),
        (lambda p: p.assign(period=100 * p["period"]), "one apart"),
        (lambda p: p.assign(period=p["period"].replace(9, 10_000)), "between 1 and 10000"),
        (lambda p: pd.concat([p, p[["outcome"]]], axis=1), "more than one column outcome"),
        (lambda p: p.to_dict("list"), "a dict: it must be a pandas DataFrame"),
    ],
)
def test_a_malformed_panel_is_refused_by_what_is_wrong_with_it(lumpy_panel, change, said):
    with pytest.raises(UserError, match=said):
        judge(change(lumpy_panel()), TERMS)


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ("skill", "give a list of columns"),
        (("skill", "skill"), "named twice"),
        (("outcome",), "can't be a covariate"),
    ],
)
def test_what_can_be_no_covariate_is_refused(lumpy_panel, covariates, said):
    with pytest.raises(UserError, match=said):
        judge(lumpy_panel().assign(skill=1.0), TERMS, covariates)


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_those_who_had_not_begun_before_are_no_before(lumpy_panel, share):
    panel = lumpy_panel(reached=20, others=20)
    number = panel["unit"].str.split("-").str[1].astype(int)
    idle = (number < 20 * share) & (panel["period"] < panel["start"])
    judgement = judge(panel.assign(outcome=panel["outcome"].where(~idle, 0.0)), TERMS)
    assert judgement.verdict == "not_identified"
    assert "had not begun" in judgement.reason


def test_people_who_seldom_sell_may_have_sold_nothing_before(lumpy_panel):
    panel = lumpy_panel(reached=20, others=20)
    seldom = panel["unit"].str.split("-").str[1].astype(int) % 2 == 0
    quiet = seldom & (panel["period"] < 10)
    judgement = judge(panel.assign(outcome=panel["outcome"].where(~quiet, 0.0)), TERMS)
    assert "had not begun" not in judgement.reason


def test_numbers_beyond_reckoning_are_refused(lumpy_panel):
    panel = lumpy_panel()
    judgement = judge(panel.assign(outcome=panel["outcome"] * 1e200), TERMS)
    assert judgement.verdict == "not_identified"
    assert "too large" in judgement.reason


def stopped(panel, outlasting):
    """Stop it after three months; from a month after that on, so much is left of it."""
    stop = np.where(panel["start"] > 0, panel["start"] + 3, 0)
    later = (stop > 0) & (panel["period"] >= stop + 1)
    return panel.assign(stop=stop, outcome=panel["outcome"] + outlasting * later)


def test_what_outlasts_a_stop_does_not_move_the_effect(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24, starts=(8,), effect=400_000)
    at_once = Handling(wake_periods=1)
    plain = estimate(stopped(panel, 0), handling=at_once)
    assert estimate(stopped(panel, 300_000), handling=at_once).effect == pytest.approx(plain.effect)


def test_what_follows_a_stop_is_compared_with_where_nobody_else_is_left(lumpy_panel):
    panel = lumpy_panel(reached=24, others=0, starts=(6, 12), effect=400_000)
    at_once = Handling(wake_periods=1)
    plain = estimate(stopped(panel, 0), handling=at_once)
    assert estimate(stopped(panel, 300_000), handling=at_once).effect < plain.effect - 50_000
