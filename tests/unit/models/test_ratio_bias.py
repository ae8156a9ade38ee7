from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.design import Handling, checked
from models.grid import laid_out
from models.imputation import fit, mean_gain

UNITS, MONTHS, START = 24, 12, 7
_STEP = 1e-3


@pytest.fixture(scope="module")
def grid():
    """Few people, great deals: a third of the months have one."""
    random = np.random.default_rng(5)
    level = random.lognormal(10, 0.6, size=(UNITS, 1))
    deals = (random.random((UNITS, MONTHS)) < 0.35) * random.lognormal(1, 1, size=(UNITS, MONTHS))
    unit, period = np.indices(deals.shape)
    panel = pd.DataFrame(
        {
            "unit": [f"u{each:02d}" for each in unit.ravel()],
            "period": 1 + period.ravel(),
            "outcome": (level * deals).ravel(),
            "start": np.where(unit % 3 == 0, START, 0).ravel(),
        }
    )
    return laid_out(checked(panel), (), Handling())


@pytest.mark.parametrize("people", [1, 3], ids=["by person", "by team"])
def test_the_bias_is_half_the_second_derivatives_by_the_weights(grid, people):
    """A weight on people is a factor on what they sold: levels are profiled out."""
    team = np.arange(UNITS) // people
    grid = replace(grid, cluster=team)

    def imputed(factor):
        again = fit(replace(grid, outcome=grid.outcome * factor[:, None]), proportional=True)
        return float((again.expected * grid.treated).sum())

    middle = imputed(np.ones(UNITS))
    bends = [
        imputed(1 + _STEP * (team == each)) - 2 * middle + imputed(1 - _STEP * (team == each))
        for each in np.unique(team)
    ]
    model = fit(grid, proportional=True)
    told = float((model.expected * grid.treated * model.surplus).sum())
    assert told == pytest.approx(sum(bends) / _STEP**2 / 2, rel=1e-3)
    assert abs(told) > 0.005 * middle


def test_the_gain_is_freed_of_it(grid):
    model = fit(grid, proportional=True)
    told = mean_gain(model, grid.treated).value
    plain = float((grid.outcome - model.expected)[grid.treated].mean())
    assert told - plain == pytest.approx((model.expected * model.surplus)[grid.treated].mean())


def test_a_mean_has_no_such_bias(grid):
    assert not fit(grid, proportional=False).surplus.any()
