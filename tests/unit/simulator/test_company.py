"""A company lives as its scenario says, and its truth is one."""

import numpy as np
import pytest

from simulator.panel import costs, exposures, judged_panel, unit_months
from simulator.programmes import NEVER
from simulator.truth import investment_truth, potential_outcomes
from tests.unit.simulator.companies import deal_history, panel_history

TRAINING = {"kind": "training", "effect": 1.0, "starts": [12]}
GAINS = {
    "training": 1.0,
    "tool": 0.3,
    "headcount": 0.3,
    "campaign": 0.3,
    "event": 0.3,
    "content": 0.3,
}


def truth_of(**knobs):
    (truth,) = investment_truth(panel_history({"effect": 0.3, **knobs}, reps=80))
    return truth


@pytest.mark.parametrize("make", [panel_history, lambda *a, **k: deal_history(*a, **k)[0]])
def test_the_same_seed_gives_the_same_company_and_another_seed_another(make):
    first, again, other = (make(TRAINING, reps=30, months=18, seed=s) for s in (5, 5, 6))
    assert np.array_equal(first.amount, again.amount)
    assert np.array_equal(first.person, again.person)
    assert not np.array_equal(first.amount, other.amount)


@pytest.mark.parametrize("make", [panel_history, lambda *a, **k: deal_history(*a, **k)[0]])
def test_before_anybody_is_reached_all_worlds_are_one(make):
    history = make(TRAINING, reps=40, months=20)
    before = history.amount[:12]
    assert np.array_equal(before, np.broadcast_to(before[:, :1], before.shape))


@pytest.mark.parametrize("kind", GAINS)
def test_an_investment_gains_through_its_pathway_and_harms_below_0(kind):
    gain = truth_of(kind=kind, effect=GAINS[kind])
    harm = truth_of(kind=kind, effect=-GAINS[kind])
    assert gain["effect"] > 0 > harm["effect"]


def test_a_null_investment_changes_nothing():
    outcomes = potential_outcomes(panel_history({**TRAINING, "effect": 0.0}))
    assert outcomes["is_reached"].any()
    assert (outcomes["outcome"] == outcomes["without"]).all()
    assert (outcomes["outcome_mean"] == outcomes["everyone_mean"]).all()


def test_a_spif_moves_deals_in_time_and_gains_next_to_nothing():
    spif = {"kind": "spif", "effect": 0.5, "roll_out": "all_at_once", "starts": [14], "share": 1.0}
    history = panel_history({**spif, "roll_out": "reversible", "lasts_months": 2}, months=36)
    gain = (history.mean[:, 0] - history.mean[:, 1]).sum(axis=1)
    pulled = gain[14:16].sum()
    assert pulled > 0 > gain[16:18].sum()
    assert abs(gain.sum()) < 0.1 * pulled


def test_it_pays_to_be_judged_on_the_difference_of_the_worlds():
    """The truth is a difference of expectations; the realised worlds agree with it."""
    outcomes = potential_outcomes(panel_history({**TRAINING, "share": 1.0}, reps=400))
    reached = outcomes[outcomes["is_reached"]]
    drawn = (reached["outcome"] - reached["without"]).mean()
    expected = (reached["outcome_mean"] - reached["without_mean"]).mean()
    assert drawn == pytest.approx(expected, rel=0.1)


def test_the_skilled_are_chosen_first_where_the_scenario_says_so():
    def gap(**knobs):
        history = panel_history({**TRAINING, **knobs}, people={"attrition_rate": 0.0})
        reached = history.start[0] < NEVER
        return history.skill[reached].mean() - history.skill[~reached].mean()

    assert abs(gap()) < 0.4
    assert gap(on_skill=2.0) > 1.0
    assert gap(on_skill=-2.0) < -1.0


def test_recent_results_choose_where_the_scenario_says_so():
    history = panel_history({**TRAINING, "on_recent": 3.0}, people={"attrition_rate": 0.0})
    recent = history.amount[9:12, 0].mean(axis=0)
    reached = history.start[0] < NEVER
    assert recent[reached].mean() > 1.5 * recent[~reached].mean()


def test_one_region_alone_is_reached_where_the_scenario_says_so():
    history = panel_history({**TRAINING, "roll_out": "one_region", "share": 1.0})
    at_start = history.person[12]
    region = history.latent.region[history.latent.team[12]]
    assert np.array_equal(history.start[0][at_start] < NEVER, region == 0)


def test_a_reversible_roll_out_ends():
    history = panel_history({**TRAINING, "roll_out": "reversible", "lasts_months": 6})
    assert history.strength[0][13:18].any(axis=1).all()
    assert not history.strength[0][18:].any()


def test_team_mates_gain_from_spillover():
    outcomes = potential_outcomes(panel_history({**TRAINING, "spillover": 0.5}))
    late = outcomes[outcomes["period"] == outcomes["period"].max()]
    gain = late["outcome_mean"] - late["without_mean"]
    assert 0 < gain[~late["is_reached"]].mean() < gain[late["is_reached"]].mean()


def test_those_with_bad_results_leave_more_often():
    def gap(on_results):
        history = panel_history(
            people={"attrition_rate": 0.02, "attrition_on_results": on_results}, reps=400
        )
        stayed = history.left[:400] == NEVER
        return history.skill[:400][stayed].mean() - history.skill[:400][~stayed].mean()

    assert gap(1.5) > gap(0.0) + 0.05


def test_the_skilled_pull_away_where_trends_are_unequal():
    def slope(trend):
        history = panel_history(
            market={"trend_by_skill": trend}, people={"attrition_rate": 0.0}, reps=100
        )
        good = history.skill[:100] > 0
        early, late = history.mean[6:12, 0].mean(axis=0), history.mean[-6:, 0].mean(axis=0)
        grown = late / early
        return grown[good].mean() / grown[~good].mean()

    assert slope(0.02) > 1.2 * slope(0.0)


def test_a_proxy_without_noise_is_skill():
    history = panel_history(people={"proxy_noise": 0.0})
    assert np.array_equal(history.proxy, history.skill)


def test_a_re_organisation_moves_seats_at_the_fiscal_year_alone():
    history = panel_history(people={"reorganised_share": 0.3}, fiscal_first_month=4)
    moved = (np.diff(history.latent.team, axis=0) != 0).any(axis=1)
    assert [m + 1 for m in np.flatnonzero(moved)] == [3, 15, 27]
    sizes = [np.bincount(team) for team in history.latent.team]
    assert all(np.array_equal(size, sizes[0]) for size in sizes)


def test_every_seat_has_one_person_and_every_person_one_seat():
    history = panel_history(reps=60)
    for person in range(len(history.seat)):
        months, seats = np.nonzero(history.person == person)
        assert set(seats) == {history.seat[person]}
        begins, ends = max(history.hired[person], 0), min(history.left[person], history.months)
        assert list(months) == list(range(begins, ends))


def test_the_open_panel_holds_bookings_and_not_the_truth():
    history = panel_history(TRAINING, reps=50)
    panel = unit_months(history)
    assert len(panel) == 50 * 36
    assert panel["outcome"].sum() == int(history.amount[:, 0].sum() * 100)
    assert not {"skill", "strength", "without"} & set(panel)
    judged = judged_panel(history, "INV-01")
    reached = exposures(history)["unit"]
    assert set(judged.loc[judged["start"] > 0, "unit"]) == set(reached)
    assert costs(history)["cost_minor"].sum() == len(reached) * 300_000
