"""What each diagnostic sees, and how seldom it cries wolf."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.comparison import compared
from models.design import Handling, Requirements, checked, survey
from models.diagnostics.before import drift_of
from models.diagnostics.likeness import selection
from models.diagnostics.spillover import CORRECTED
from models.grid import laid_out
from models.incremental import Terms, estimate, judge

TERMS = Terms(cost_minor=2_000_000, gross_margin_rate=0.8)


def finding(judgement, name):
    return next(each for each in judgement.diagnostics if each.name == name)


def in_teams(panel, size=4):
    """Give units teams, so that reached and others are mixed."""
    number = panel["unit"].astype("category").cat.codes
    return panel.assign(team=[f"team-{n % (number.nunique() // size)}" for n in number])


def in_unlike_teams(panel, teams=12, passed_on=0.0):
    """Give units teams of 8 of which 1 to 7 are reached; the others gain by how many are."""
    start = panel.groupby("unit")["start"].first()
    pools = {"reached": list(start.index[start > 0]), "others": list(start.index[start == 0])}
    home = {}
    for team in range(teams):
        many = (1, 7, 3, 5)[team % 4]
        for unit in (*(pools["reached"].pop() for _ in range(many)),
                     *(pools["others"].pop() for _ in range(8 - many))):  # fmt: skip
            home[unit] = f"team-{team:02}"
    panel = panel.assign(team=panel["unit"].map(home))
    under = (panel["start"] > 0) & (panel["period"] >= panel["start"])
    share = under.groupby([panel["team"], panel["period"]]).transform("mean")
    return panel.assign(outcome=panel["outcome"] * (1 + passed_on * share * ~under))


def test_the_documented_call_runs_as_documented(lumpy_panel, tmp_path, monkeypatch):
    page = Path(__file__).parents[3] / "docs/incremental-return.md"
    code = re.search(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)[1]
    panel = lumpy_panel(effect=400_000)
    panel["skill"] = panel["unit"].str[-2:].astype(float)
    panel.to_csv(tmp_path / "panel.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    assert names["judgement"].reason


def test_every_documented_diagnostic_is_one_and_every_one_is_documented(lumpy_panel):
    page = (Path(__file__).parents[3] / "docs/incremental-return.md").read_text("utf-8")
    table = page.partition("## The diagnostics")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    panel = in_teams(lumpy_panel(reached=16, others=24, effect=400_000))
    panel = panel.assign(placebo=panel["outcome"] % 997, other_start=0, skill=1.0, dose=1.0)
    panel["skill"] = panel["unit"].str[-2:].astype(float)
    panel["stop"] = np.where(panel["start"] == 10, 14, 0)
    found = {each.name for each in judge(panel, TERMS, ["skill"]).diagnostics}
    assert found == documented


def test_estimates_stay_for_the_audit_where_the_effect_is_refused(lumpy_panel):
    panel = lumpy_panel(drift=0.5, reached=24, others=24)
    judgement = judge(panel, TERMS)
    assert judgement.effect is None
    assert judgement.estimates[0].effect == pytest.approx(estimate(panel).effect)
    assert "pre_trend" in judgement.warning_codes
    assert len(judgement.warnings) == len(judgement.warning_codes)


def test_whoever_was_chosen_for_a_good_quarter_is_told_so(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24)
    lucky = (panel["start"] > 0) & panel["period"].between(panel["start"] - 3, panel["start"] - 1)
    panel["outcome"] += lucky * panel["outcome"].mean()
    judgement = judge(panel, TERMS)
    assert judgement.verdict == "not_identified"
    assert "just_before" in judgement.warning_codes
    assert "unusually good" in finding(judgement, "just_before").words


def test_a_quarter_of_waiting_before_the_start_does_not_move_the_effect(lumpy_panel):
    panel = lumpy_panel(effect=400_000)
    waiting = (panel["start"] > 0) & panel["period"].between(panel["start"] - 2, panel["start"] - 1)
    waited = panel.assign(outcome=panel["outcome"].where(~waiting, 0.0))
    assert estimate(waited).effect == pytest.approx(estimate(panel).effect)


def test_whoever_sold_more_before_anybody_was_reached_is_said_to_be_chosen(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24)
    panel["outcome"] *= np.where(panel["start"] > 0, 1.8, 1.0)
    assert "selection" in judge(panel, TERMS).warning_codes
    by_lot = finding(judge(panel, TERMS, randomised=True), "selection")
    assert by_lot.verdict == "warn"


@pytest.mark.parametrize("direction", [1, -1], ids=["pulled away", "fell behind"])
@pytest.mark.parametrize(("part", "said"), [(0.5, "warn"), (2.0, "refuse")])
def test_whoever_was_chosen_must_gain_more_than_a_drift_of_either_sign(
    lumpy_panel, direction, part, said
):
    """The drift is set to a part of what it takes to feign the low end of the interval."""
    panel = lumpy_panel(reached=24, others=24, effect=600_000)
    panel["outcome"] *= np.where(panel["start"] > 0, 1.8, 1.0)
    frame = checked(panel)
    found = compared(laid_out(frame, (), Handling()), survey(frame), Requirements())
    measured = drift_of(found)
    enough = found.estimate.low / measured.carried
    trend = replace(
        measured.trend,
        coefficient=direction * part * enough,
        influence=np.zeros_like(measured.trend.influence),
    )
    alarm = selection(found, replace(measured, trend=trend)).alarm
    assert found.estimate.low > 0
    assert alarm.verdict == said


def test_where_nearly_all_team_mates_were_reached_nobody_was_left_alone(lumpy_panel):
    crowded = in_teams(lumpy_panel(reached=30, others=10, starts=(10,)), size=8)
    told = finding(judge(crowded, TERMS), "spillover_exposure")
    assert told.verdict == "warn"
    assert "team mates" in told.words
    spared = crowded.assign(team=np.where(crowded["start"] > 0, "north", "south"))
    assert finding(judge(spared, TERMS), "spillover_exposure").verdict == "pass"


def test_what_was_passed_on_to_team_mates_is_seen_and_taken_out_of_the_effect(lumpy_panel):
    panel = lumpy_panel(reached=48, others=48, starts=(10,), effect=200_000)
    judgement = judge(in_unlike_teams(panel, passed_on=0.8), TERMS)
    assert "spillover" in judgement.warning_codes
    plain, corrected = judgement.estimates[0], judgement.estimates[-1]
    assert corrected.estimator == CORRECTED
    assert abs(corrected.effect - 200_000) < abs(plain.effect - 200_000) / 2
    assert corrected.std_error > plain.std_error
    alone = judge(in_unlike_teams(panel), TERMS)
    assert finding(alone, "spillover").verdict == "pass"
    assert alone.estimates[-1].low < 200_000 < alone.estimates[-1].high


def by_teams(panel, teams, size=6):
    """Give units teams of one fate each, which share good and bad months."""
    number = panel["unit"].str.split("-").str[1].astype(int) // size
    luck = np.random.default_rng(5).normal(0, 250_000, (teams, panel["period"].max() + 1))
    shared = luck[number, panel["period"]]
    return panel.assign(team=[f"team-{n:02}" for n in number], outcome=panel["outcome"] + shared)


def test_where_teams_were_reached_as_a_whole_errors_are_by_team(lumpy_panel):
    panel = by_teams(lumpy_panel(reached=48, others=48, starts=(10,)), teams=16)
    told = judge(panel, TERMS)
    alone = judge(panel.assign(team=panel["unit"]), TERMS)
    assert 7 <= told.estimates[0].freedom <= 14
    assert 47 <= alone.estimates[0].freedom <= 94
    assert told.estimates[0].effect == pytest.approx(alone.estimates[0].effect)
    assert told.estimates[0].std_error > 1.3 * alone.estimates[0].std_error
    assert "by team" in finding(told, "by_team").words


def test_too_few_whole_teams_are_told_of(lumpy_panel):
    few = judge(by_teams(lumpy_panel(reached=18, others=48, starts=(10,)), teams=11), TERMS)
    assert finding(few, "by_team").verdict == "warn"
    assert few.estimates[0].freedom >= 17
    mixed = judge(in_teams(lumpy_panel(reached=18, others=48)), TERMS)
    assert finding(mixed, "by_team").verdict == "pass"


def test_few_teams_cannot_tell_what_was_passed_on(lumpy_panel):
    few = in_unlike_teams(lumpy_panel(reached=16, others=16), teams=4, passed_on=0.8)
    judgement = judge(few, TERMS)
    assert finding(judgement, "spillover").verdict == "not_possible"
    assert CORRECTED not in {each.estimator for each in judgement.estimates}


def test_who_left_before_anybody_was_reached_does_not_make_the_others_chosen(lumpy_panel):
    panel = lumpy_panel(reached=24, others=48)
    number = panel["unit"].str[-2:].astype(int)
    weak = number >= 48
    panel["outcome"] *= np.where(weak, 0.3, 1.0)
    assert "selection" in judge(panel, TERMS).warning_codes
    gone = panel[~(weak & (panel["period"] >= 8))]
    assert finding(judge(gone, TERMS), "selection").verdict == "pass"


def test_one_team_that_carries_the_effect_is_named(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24)
    panel["team"] = "team-" + (panel["unit"].str[-2:].astype(int) // 6).astype(str)
    on = (panel["start"] > 0) & (panel["period"] >= panel["start"])
    panel["outcome"] += on * (panel["team"] == "team-0") * 4_000_000
    assert finding(judge(panel, TERMS), "drop_a_team").statistic < 0.5


def test_what_is_only_sold_sooner_is_said_to_be_pulled_forward(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24, starts=(9,))
    panel["stop"] = np.where(panel["start"] > 0, 12, 0)
    sooner = (panel["start"] > 0) & panel["period"].between(9, 11)
    later = (panel["start"] > 0) & panel["period"].between(12, 14)
    panel["outcome"] = panel["outcome"] * (1 + 0.8 * sooner - 0.8 * later)
    judgement = judge(panel, TERMS)
    assert judgement.treated_unit_months == 24 * 3
    assert finding(judgement, "pull_forward").verdict == "warn"
    assert judgement.effect_low > 0
    assert judgement.roi_low < 0
    assert "the months after its end included" in judgement.reason


def test_another_investment_on_the_same_people_cannot_be_told_apart(lumpy_panel):
    panel = lumpy_panel(effect=400_000)
    both = judge(panel.assign(other_start=panel["start"]), TERMS)
    assert both.verdict == "not_identified"
    assert "Another investment" in finding(both, "other_investments").words
    apart = judge(panel.assign(other_start=8), TERMS)
    assert finding(apart, "other_investments").verdict == "pass"


def test_leavers_among_the_reached_alone_are_told_of(lumpy_panel):
    panel = lumpy_panel(reached=24, others=24, starts=(10,))
    number = panel["unit"].str[-2:].astype(int)
    gone = (panel["start"] > 0) & (number < 12) & (panel["period"] > 12 + number % 4)
    assert finding(judge(panel[~gone], TERMS), "attrition").statistic > 2


def test_leaving_that_a_covariate_explains_is_no_sign_of_the_investment(lumpy_panel):
    panel = lumpy_panel(reached=80, others=80, starts=(10,))
    number = panel["unit"].str.split("-").str[1].astype(int)
    weak = np.where(np.arange(160) < 80, np.arange(160) % 5 == 0, np.arange(160) % 5 != 0)
    random = np.random.default_rng(3)
    last = 10 + np.where(weak, random.geometric(0.12, 160), 99)
    panel["skill"] = 1.0 - weak[number] + 0.1 * random.normal(size=160)[number]
    stayed = panel[panel["period"] <= last[number]]
    assert finding(judge(stayed, TERMS), "attrition").verdict == "warn"
    assert finding(judge(stayed, TERMS, ["skill"]), "attrition").verdict == "pass"


def test_two_units_outcomes_below_zero_and_a_move_between_teams_get_a_verdict(lumpy_panel):
    panel = in_teams(lumpy_panel(effect=400_000))
    two = panel[panel["unit"].isin(["rep-00", "rep-20"])]
    assert "Only 1 was reached" in judge(two, TERMS).reason
    below = judge(panel.assign(outcome=panel["outcome"] - panel["outcome"].mean()), TERMS)
    assert below.estimates[0].estimator == "imputation/additive"
    moved = panel.assign(team=panel["team"].where(panel["period"] < 9, "team-0"))
    assert judge(moved, TERMS).verdict
    losing = judge(panel, Terms(cost_minor=1_000, gross_margin_rate=-0.2))
    assert losing.verdict == "does_not_pay_off"


def test_the_unit_may_be_a_category_and_the_outcome_an_integer(lumpy_panel):
    panel = lumpy_panel(effect=400_000).assign(outcome=lambda p: p["outcome"].astype(int))
    typed = panel.assign(unit=panel["unit"].astype("category"))
    assert judge(typed, TERMS) == judge(panel, TERMS)
    assert isinstance(typed, pd.DataFrame)


def test_whether_more_of_it_brought_more_is_told_where_doses_differ(lumpy_panel):
    panel = lumpy_panel(reached=40, others=40)
    dose = panel.groupby("unit").ngroup() % 4 + 1.0
    under = (panel["start"] > 0) & (panel["period"] >= panel["start"])
    more = panel.assign(dose=dose, outcome=panel["outcome"] + 200_000 * dose * under)
    told = finding(judge(more, TERMS), "dose_response")
    assert told.verdict == "pass"
    assert told.p_value < 0.05
    assert 0.6 < float(told.words.partition("Of it, ")[2].partition("%")[0]) / 100 < 1.4
    same = panel.assign(dose=dose, outcome=panel["outcome"] + 500_000 * under)
    assert "does not show" in finding(judge(same, TERMS), "dose_response").words
    alike = panel.assign(dose=2.0)
    assert finding(judge(alike, TERMS), "dose_response").verdict == "not_possible"


def test_a_team_s_luck_is_not_taken_for_what_its_dose_brought(lumpy_panel):
    random = np.random.default_rng(5)
    told = 0
    for seed in range(30):
        panel = in_teams(lumpy_panel(seed, effect=300_000, reached=40, others=40), size=8)
        team = panel["team"].str.removeprefix("team-").astype(int)
        under = (panel["start"] > 0) & (panel["period"] >= panel["start"])
        panel["outcome"] += random.normal(scale=300_000, size=10)[team] * under
        panel["dose"] = 1.0 + team % 4
        told += finding(judge(panel, TERMS), "dose_response").p_value < 0.05
    # 30 panels at 5 %: 6 or more come by chance in fewer than 1 of 200 runs
    assert told <= 5


def quiet_and_chosen(seed, growth):
    """Eighty people of whom the better were reached, in steady months; growth goes by level."""
    random = np.random.default_rng(seed)
    level, period = random.normal(size=80), np.arange(1, 25)
    start = np.where(level + random.normal(size=80) > 0, 14, 0)
    under = (start > 0)[:, None] & (period >= start[:, None])
    outcome = 2_000 + 400 * level[:, None] + growth * level[:, None] * period + 300 * under
    outcome += random.normal(scale=100, size=outcome.shape)
    unit, place = np.indices(outcome.shape)
    columns = {"unit": unit, "period": period[place], "outcome": outcome, "start": start[unit]}
    return pd.DataFrame({name: each.ravel() for name, each in columns.items()})


def test_unlike_levels_pass_where_the_months_before_answer_for_growth_and_only_there():
    # 11 a month for each of the 1.1 that lie between them, 12 months on: half of the effect
    alike, unlike = (
        [set(judge(quiet_and_chosen(seed, growth), TERMS).warning_codes) for seed in range(12)]
        for growth in (0, 11)
    )
    assert sum("selection" in codes for codes in alike) <= 2
    assert all(codes & {"selection", "pre_trend"} for codes in unlike)
