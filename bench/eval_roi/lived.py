"""One seed of a world: the panel that the judge sees, and the truth that it does not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.eval_roi.scenarios import CALIBRATION, MONTHS, World
from simulator.company import History, live
from simulator.panel import unit_months
from simulator.programmes import NEVER
from simulator.scenario_file import scenario_of
from simulator.stock import StockEngine
from simulator.truth import investment_truth

_CALIBRATED_EFFECTS = (-2.0, 5.0)


@dataclass(frozen=True)
class Lived:
    """What came of one seed. Money is in minor units.

    Attributes:
        panel: as `models.incremental.judge` takes it.
        truth: the mean expected gain of a reached unit-month.
        roi: what the investment truly returned, to all units and over all months.
        cost: paid up to the last month; margin_rate of what is booked.
    """

    panel: pd.DataFrame
    truth: float
    roi: float
    cost: int
    margin_rate: float


def lived(world: World, seed: int, effect: float | None = None) -> Lived:
    """Let a company of this world live.

    Args:
        world: the scenario.
        seed: of every draw.
        effect: in place of the scenario's.
    """
    investment = dict(world.investment)
    if world.name == CALIBRATION:
        investment["effect"] = np.random.default_rng([seed, 1]).uniform(*_CALIBRATED_EFFECTS)
    if effect is not None:
        investment["effect"] = effect
    scenario = scenario_of({**world.knobs, "investments": world.investments(investment)})
    history = live(scenario, world.reps, MONTHS, seed, StockEngine)
    sealed, *_ = investment_truth(history)
    return Lived(
        panel=_panel(history, world),
        truth=_truth(history, to_the_stop=world.is_judged_to_the_stop),
        roi=float(sealed["roi"]),
        cost=int(sealed["cost"]),
        margin_rate=scenario.investments[0].gross_margin_rate,
    )


def _panel(history: History, world: World) -> pd.DataFrame:
    """Return the panel of the first investment; a start, stop or dose of 0 is none."""
    panel = unit_months(history)
    first = int(panel["period"].iloc[0])
    start, stop, dose = (each[0][history.person.ravel()] for each in _exposure(history))
    reached = (start < history.months) & (start < history.left[history.person.ravel()])
    panel["start"] = np.where(reached, start + first, 0)
    panel["stop"] = np.where(reached & (stop < NEVER), stop + first, 0)
    panel["dose"] = np.where(reached, dose, 0.0)
    if world.beside:
        other = history.start[1][history.person.ravel()]
        begun = (other < history.months) & (other < history.left[history.person.ravel()])
        panel["other_start"] = np.where(begun, other + first, 0)
    return panel[["unit", "period", "outcome", "start", "team", "region", *world.columns]]


def _truth(history: History, *, to_the_stop: bool) -> float:
    month = np.arange(history.months)[:, None]
    start, stop, _ = (each[0][history.person] for each in _exposure(history))
    counted = (month >= start) & ((month < stop) | (not to_the_stop))
    gain = history.mean[:, 0] - history.mean[:, 1]
    return float(100 * gain[counted].mean())


def _exposure(history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return history.start, history.stop, history.dose
