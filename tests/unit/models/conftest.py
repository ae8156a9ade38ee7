"""Panels whose truth is known: lumpy bookings of reps, with a planted effect."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

Panels = Callable[..., pd.DataFrame]
PERIODS = 18


def lumpy(
    seed: int = 1,
    *,
    effect: float = 0,
    reached: int = 12,
    others: int = 12,
    starts: Sequence[int] = (10, 12, 14),
    drift: float = 0,
) -> pd.DataFrame:
    """Bookings of reps of different skill through a common season: a few deals a month.

    Those reached gain `effect` from their start on; `drift` is their extra growth a month from the
    first month, which is not the investment's.
    """
    random = np.random.default_rng(seed)
    units = reached + others
    start = np.zeros(units, dtype=int)
    start[:reached] = np.resize(starts, reached)
    period = np.arange(1, PERIODS + 1)
    season = 1 + 0.3 * np.sin(period)
    skill = random.gamma(9, 1 / 9, units)
    growth = 1 + drift * (start > 0)[:, None] * period
    rate = 4 * skill[:, None] * season * growth
    deals = random.poisson(rate)
    amount = np.array([[random.lognormal(11, 0.5, n).sum() for n in row] for row in deals])
    amount += effect * ((start > 0)[:, None] & (period >= start[:, None]))
    return pd.DataFrame(
        {
            "unit": np.repeat([f"rep-{unit:02}" for unit in range(units)], PERIODS),
            "period": np.tile(period, units),
            "outcome": amount.ravel(),
            "start": np.repeat(start, PERIODS),
        }
    )


@pytest.fixture(scope="session")
def lumpy_panel() -> Panels:
    return lumpy
