"""The next experiment worth running: what measuring a kind is worth, and who starts when.

The value of a measurement is what better allocation it leads to, on average over what it might
find (expected value of sample information; Raiffa and Schlaifer 1961):

    value = E over results y of [max over allocations of E[net | y] - E[net of today's best | y]]

computed on the posterior draws, each weighed by how well it agrees with y.
"""

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.errors import UserError
from models.allocation import Curve, margins
from models.frontier import Plan

Array = npt.NDArray[np.float64]
_RESULTS: Final = 12
"""How many results are looked at: the middles of twelve equally likely ranges."""


def value_of_measuring(
    plan: Plan, kind: str, spend: float, std_error: float, seed: int = 0
) -> float:
    """Return what measuring a kind's margin at a spend is worth to this plan, before its cost.

    Args:
        plan: curves (all with the same draws), options and rules.
        kind: the pool that is measured.
        spend: the test's, in the curve's money.
        std_error: of the margin that the test would tell.
        seed: of the noise.

    Raises:
        UserError: if there is no such curve, or the error is not above nothing.
    """
    if kind not in plan.curves or not std_error > 0:
        raise UserError(f"a test of {kind!r} with a standard error of {std_error:g} tells nothing")
    margin = plan.curves[kind].at(spend)
    noise = np.random.default_rng(seed).standard_normal(len(margin)) * std_error
    results = np.quantile(margin + noise, (np.arange(_RESULTS) + 0.5) / _RESULTS)
    today = plan.best().spend
    gains = [_gain(plan, today, _weights(margin, y, std_error)) for y in results]
    return max(float(np.mean(gains)), 0.0)


def rollout(
    units: pd.DataFrame, count: int, months: int, starts_on: date, seed: int = 0
) -> pd.DataFrame:
    """Return who starts when: drawn by lot within each team, half at once and half later.

    Args:
        units: `unit_id`, `team_id` of those who could take part.
        count: how many do; teams take part in proportion.
        months: until the second wave starts.
        starts_on: the first day of the first wave's month.
        seed: of the lot; the same seed draws the same.

    Returns:
        `unit_id`, `team_id`, `wave` (1 or 2), `starts_on`, in order of wave, team and unit.

    Raises:
        UserError: if there are fewer units than that.
    """
    if count > len(units):
        raise UserError(f"{count} units are to take part, there are {len(units)}")
    drawn = units.sample(frac=1, random_state=seed).reset_index(drop=True)
    place = drawn.groupby("team_id").cumcount()
    share = (place + 0.5) / drawn.groupby("team_id")["unit_id"].transform("size")
    chosen = drawn.assign(share=share).sort_values(["share", "team_id"]).head(count)
    chosen = chosen.sort_values(["team_id", "share"])
    chosen["wave"] = np.arange(len(chosen)) % 2 + 1  # on through the teams: waves stay level
    starts = {1: starts_on, 2: later(starts_on, months)}
    chosen["starts_on"] = chosen["wave"].map(starts)
    order = chosen.sort_values(["wave", "team_id", "unit_id"], ignore_index=True)
    return order[["unit_id", "team_id", "wave", "starts_on"]]


def later(day: date, months: int) -> date:
    """Return the first day of the month that many months later."""
    passed = day.year * 12 + day.month - 1 + months
    return date(passed // 12, passed % 12 + 1, 1)


def _weights(margin: Array, result: float, std_error: float) -> Array:
    log = -0.5 * ((margin - result) / std_error) ** 2
    weight = np.exp(log - log.max())
    share: Array = weight / weight.sum()
    return share


def _gain(plan: Plan, today: Array, weights: Array) -> float:
    """Return what the best allocation brings more than today's, if draws weigh so."""
    learnt = {
        kind: Curve(curve.spend, (curve.margin @ weights)[:, None])
        for kind, curve in plan.curves.items()
    }
    best = Plan(learnt, plan.options, plan.rules).best()
    kept = margins(learnt, plan.options, today).sum() - today.sum()
    return float(best.net[0] - kept)
