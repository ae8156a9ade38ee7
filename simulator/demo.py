"""The demo's company: which one it is on a given day."""

from datetime import date, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.scenario_file import read_scenario

REPS: Final = 40
MONTHS: Final = 24
"""Whole months of history; the month that has begun comes on top."""

MAIL_MONTHS: Final = 6
SEED: Final = 1


def demo_order(now: datetime) -> Order:
    """Return the demo's company as it is at this moment: two years, and the month so far.

    The CRM has all of it, mail and calls the newest `MAIL_MONTHS`, the month so far included.
    """
    scenario = read_scenario(Path(__file__).parent / "demo.toml")
    months = MONTHS + 1
    return Order(ending(scenario, now, months), REPS, months, SEED, now, MAIL_MONTHS)


def ending(scenario: Scenario, now: datetime, months: int) -> Scenario:
    """Return the scenario with a history whose last month is the one that `now` lies in."""
    first = now.year * 12 + now.month - months
    return replace(scenario, first_month=date(first // 12, first % 12 + 1, 1))
