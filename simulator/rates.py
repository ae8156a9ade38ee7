"""From latent paths and what acts on them to the rates of a month."""

from collections.abc import Mapping

import numpy as np

from simulator.dynamics import Rates
from simulator.latent import Latent, fiscal_month
from simulator.scenario import Scenario
from simulator.staff import Staff

_QUARTER = 3


def month_rates(
    scenario: Scenario, latent: Latent, staff: Staff, month: int, felt: Mapping[str, np.ndarray]
) -> Rates:
    """Return the rates of a month.

    Leads and capacity meet as `leads * capacity / sqrt(leads^2 + capacity^2)`: what is opened
    follows the scarcer of the two.

    Args:
        scenario: the knobs.
        latent: paths of the seats, the teams and the market.
        staff: who works where.
        month: of the history.
        felt: what acts on each pathway, by the investments' kind, each W x R; kinds may be missing.
    """
    market, deals = scenario.market, scenario.deals
    none = np.zeros((1, 1))

    def acting(kind: str) -> np.ndarray:
        return felt.get(kind, none)

    drift = market.trend_by_skill * month * staff.skill
    leads = np.exp(latent.lead_log[month] + drift + acting("campaign"))
    full = market.capacity_per_month * np.exp(acting("tool") + acting("headcount"))
    capacity = full * staff.work(month)
    skill = staff.skill + acting("training")
    return Rates(
        opened=leads * capacity / np.hypot(leads, capacity),
        win=deals.win_odds * np.exp(deals.skill_win * skill + acting("content")),
        loss=deals.loss_odds * np.exp(deals.skill_loss * skill),
        pace=np.exp(quarter_end_log(scenario, month) + acting("spif")),
        warmth=np.clip(acting("event"), -1, 1),
    )


def quarter_end_log(scenario: Scenario, month: int) -> float:
    """Return how much faster (log) deals end in a month of a fiscal quarter."""
    rush = scenario.deals.quarter_end_log
    is_last = fiscal_month(scenario, month) % _QUARTER == _QUARTER - 1
    return rush if is_last else -rush / 2
