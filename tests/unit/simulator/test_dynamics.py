"""The states' constants are what their sources promise."""

import numpy as np
import pytest

from simulator.dynamics import LEVELS, dynamics_of, rouwenhorst, warmed
from simulator.programmes import curve, response
from simulator.scenario import Engagement, Programme, Scenario


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
def test_engagement_has_mean_0_sd_1_and_its_persistence(persistence):
    grid, moves = rouwenhorst(LEVELS, persistence)
    share = np.linalg.matrix_power(moves, 500)[0]
    assert moves.sum(axis=1) == pytest.approx(np.ones(LEVELS))
    assert share @ grid == pytest.approx(0, abs=1e-9)
    assert share @ grid**2 == pytest.approx(1)
    assert (share * grid) @ moves @ grid == pytest.approx(persistence)


@pytest.mark.parametrize("mean", [-0.8, 0.0, 0.5])
def test_a_new_deal_has_the_engagement_that_the_knob_says(mean):
    dynamics = dynamics_of(Scenario(engagement=Engagement(at_first=mean)))
    assert dynamics.at_first.sum() == pytest.approx(1)
    assert dynamics.at_first @ dynamics.levels == pytest.approx(mean)
    assert dynamics.opening.sum() == pytest.approx(1)


@pytest.mark.parametrize("warmth", [-0.4, 0.0, 0.3, 1.0])
def test_warming_moves_deals_and_loses_none(warmth):
    share = np.array([[0.1, 0.2, 0.4, 0.2, 0.1]])
    moved = warmed(share, np.array([warmth]))
    assert moved.sum() == pytest.approx(1)
    gain = moved @ np.arange(LEVELS) - share @ np.arange(LEVELS)
    at_the_edge = share[0, -1 if warmth > 0 else 0]
    assert gain == pytest.approx(warmth * (1 - at_the_edge))


def programme(**knobs):
    return Programme(kind="tool", effect=1.0, **{"ramp_months": 1, **knobs})


def test_the_effect_ramps_stays_and_ends():
    felt = curve(programme(ramp_months=4, lasts_months=6), np.arange(-1, 8))
    assert felt == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1, 1, 0, 0])


def test_the_effect_halves_with_its_half_life_after_the_ramp():
    felt = curve(programme(ramp_months=2, half_life_months=3), np.array([0, 1, 4, 7]))
    assert felt == pytest.approx([0.5, 1, 0.5, 0.25])


def test_an_effect_cut_short_decays_from_where_it_was():
    felt = curve(programme(ramp_months=4, lasts_months=2, half_life_months=1), np.arange(4))
    assert felt == pytest.approx([0.25, 0.5, 0.25, 0.125])


def test_what_is_anticipated_is_felt_before_the_start_alone():
    felt = curve(programme(anticipation=-0.3, anticipation_months=2), np.arange(-3, 2))
    assert felt == pytest.approx([0, -0.3, -0.3, 1, 1])


def test_a_saturating_dose_gives_1_at_1_and_never_more_than_its_ceiling():
    doses = np.array([0.0, 1.0, 2.0, 1e9])
    assert response(programme(half_dose=0.5), doses) == pytest.approx([0, 1, 1.2, 1.5])
    assert response(programme(), doses) == pytest.approx(doses)
