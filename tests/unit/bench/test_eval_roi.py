"""The evaluation of the judge of investments: its worlds, rivals, rows and demands."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.eval_roi import score
from bench.eval_roi.asked import answered
from bench.eval_roi.kept import Rows
from bench.eval_roi.lived import lived
from bench.eval_roi.rivals import claims, two_way_fixed_effects
from bench.eval_roi.run import Extent, tasks
from bench.eval_roi.scenarios import CALIBRATION, WORLDS, world_of

PAGE = Path(__file__).parents[3] / "docs" / "roi-evaluation.md"


@pytest.fixture(scope="module")
def clean():
    return lived(world_of("clean"), 1)


def test_the_page_fixes_the_demand_of_every_scenario():
    table = PAGE.read_text().partition("## What each scenario")[2].partition("| demand | aims |")[0]
    rows = re.findall(r"^\| (.+?) \|.*\| (yes|no) \| (.+?) \|$", table, re.MULTILINE)
    fixed = {(name, identified == "yes", demand) for name, identified, demand in rows}
    assert fixed == {(each.name, each.identified, each.expected) for each in WORLDS}


def test_the_judge_sees_no_truth_and_no_skill(clean):
    assert set(clean.panel) == {"unit", "period", "outcome", "start", "team", "region"}
    assert {"skill_proxy"} == set(lived(world_of("observed trend"), 1).panel) - set(clean.panel)


def test_a_reversible_truth_counts_the_months_until_the_stop():
    world = world_of("reversible")
    seen = lived(world, 1)
    months = (seen.panel["stop"] - seen.panel["start"])[seen.panel["start"] > 0]
    assert set(months) == {6}
    assert seen.truth > 1.5 * lived(world_of("spif"), 1).truth


def test_calibration_draws_another_effect_for_each_seed():
    truths = [lived(world_of(CALIBRATION), seed).truth for seed in range(6)]
    assert min(truths) < 1_000_000 < max(truths)
    assert lived(world_of(CALIBRATION), 0).truth == truths[0]


def test_two_way_fixed_effects_are_those_of_the_whole_regression(clean):
    panel = clean.panel[clean.panel["unit"].isin(clean.panel["unit"].unique()[:40])]
    panel = panel.assign(unit=panel["unit"].astype(str))
    after = (panel["start"] > 0) & (panel["period"] >= panel["start"])
    dummies = pd.get_dummies(panel[["unit", "period"]].astype(str), dtype=float)
    wide = np.column_stack([after.astype(float), dummies])
    whole = np.linalg.lstsq(wide, panel["outcome"].to_numpy(float), rcond=None)[0][0]
    assert two_way_fixed_effects(panel, after).effect == pytest.approx(whole)


def test_two_way_fixed_effects_claim_nothing_where_everybody_is_reached_at_once():
    panel = lived(world_of("all at once"), 1).panel
    assert np.isnan(claims(panel)["two-way fixed effects"].effect)


def test_last_touch_credits_all_that_the_reached_book(clean):
    panel = clean.panel
    after = (panel["start"] > 0) & (panel["period"] >= panel["start"])
    assert claims(panel)["last touch"].effect == panel["outcome"][after].mean()


def test_rows_outlive_a_torn_line_and_are_kept_once(tmp_path):
    row = {"scenario": "clean", "seed": 1, "kind": "trial", "truth": 2.0}
    Rows(tmp_path).add(row)
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"scenario": "cle')
    rows = Rows(tmp_path)
    rows.add(row)
    rows.add({**row, "seed": 2})
    assert Rows(tmp_path).done == {("clean", 1, "trial"), ("clean", 2, "trial")}
    assert list(Rows(tmp_path).frame("trial")["truth"]) == [2.0, 2.0]


def test_a_run_goes_through_all_scenarios_seed_by_seed():
    order = list(tasks(Extent(seeds=3), 4.0))
    assert [name for name, *_ in order[: len(WORLDS)]] == [world.name for world in WORLDS]
    assert {seed for _, seed, _ in order} == {20_000, 20_001, 20_002}
    assert {effect for name, _, effect in order if name == "twice the MDE"} == {4.0}


def test_the_binomial_interval_is_wilsons():
    assert score.wilson(0.95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert score.wilson(0.0, 10)[1] == pytest.approx(0.2775, abs=1e-4)


def test_accuracy_counts_seeds_without_an_estimate_and_signs_that_are_wrong():
    rows = pd.DataFrame(
        {
            "truth": [10.0, 10.0, 10.0, 10.0],
            "effect": [12.0, 10.0, -5.0, np.nan],
            "low": [8.0, 9.0, -6.0, np.nan],
            "high": [16.0, 11.0, -4.0, np.nan],
        }
    )
    found = score.accuracy(rows)
    assert (found.seeds, found.missing, found.told) == (4, 1, 3)
    assert found.bias == pytest.approx(-13 / 3)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.sign_errors == pytest.approx(1 / 3)
    assert found.width == pytest.approx(4)


def _met(name: str, *, bias: float, coverage: float = 0.95, paying: float = 0, warned: float = 0):
    found = score.Accuracy(
        seeds=500, missing=0, truth=100.0, bias=bias, bias_error=1.0, rmse=9.0, coverage=coverage,
        width=40.0, sign_errors=0.0,
    )  # fmt: skip
    verdicts = score.Said(
        seeds=100, warned=warned, shares={"pays_off": paying, "not_identified": warned}
    )
    asked = score.demands(world_of(name), found, verdicts, 200.0)
    return all(each.is_met for each in asked)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("clean", {"bias": 4}, {"bias": 6}),
        ("clean", {"bias": 0}, {"bias": 0, "coverage": 0.99}),
        ("clean", {"bias": 0, "warned": 0.1}, {"bias": 0, "warned": 0.2}),
        ("null", {"bias": 9}, {"bias": 11}),
        ("null", {"bias": 0, "paying": 0.05}, {"bias": 0, "paying": 0.1}),
        ("twice the MDE", {"bias": 0, "paying": 0.9}, {"bias": 0, "paying": 0.7}),
        ("hidden trend", {"bias": 70, "warned": 0.9}, {"bias": 70, "warned": 0.5}),
        ("skill, proxy 0.5", {"bias": 20, "warned": 0.9}, {"bias": 20, "warned": 0.5}),
        ("skill, proxy 0.5", {"bias": 4}, {"bias": np.nan}),
        ("harmful", {"bias": 50}, {"bias": 0, "paying": 0.2}),
        ("all at once", {"bias": np.nan, "warned": 1}, {"bias": 0, "warned": 0.99}),
        ("one region", {"bias": 50, "coverage": 1}, {"bias": 0, "coverage": 0.9}),
    ],
)
def test_a_scenario_is_held_against_its_own_demand(name, good, bad):
    assert _met(name, **good)
    assert not _met(name, **bad)


def test_chances_are_binned_and_held_against_what_happened():
    said = np.repeat([0.05, 0.6, 0.95], [40, 40, 10])
    rows = pd.DataFrame({"positive_probability": said, "roi": np.where(said > 0.5, 1.0, -1.0)})
    bins = {each.name: each for each in score.calibration(rows)}
    assert bins["0 to 0.1"].is_met
    assert bins["0.5 to 0.7"].is_met is False
    assert bins["0.9 to 1"].is_met is None


def test_of_two_at_once_the_truth_is_the_first_s_and_the_judge_says_that_it_can_t_be_told_apart():
    world = world_of("two at once")
    seen = lived(world, 1)
    panel = seen.panel
    assert (panel["other_start"] == panel["start"]).mean() > 0.99
    alone = lived(world_of("clean"), 1)
    assert seen.truth == pytest.approx(alone.truth, rel=0.4)
    answer = answered(world, seen)
    assert answer.verdict == "not_identified"
    assert "other_investments" in answer.warnings
    assert answer.effect > 1.3 * seen.truth
