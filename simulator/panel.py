"""What a panel shows to anybody: who booked what in which month, and who was reached when."""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from contracts.money import minor_digits
from simulator.company import History
from simulator.programmes import NEVER

_YEAR: Final = 12


def month_on(history: History, month: int) -> date:
    """Return the first day of a month of the history, which may lie before it."""
    first = history.scenario.first_month
    count = first.year * _YEAR + first.month - 1 + month
    return date(count // _YEAR, count % _YEAR + 1, 1)


def unit_names(history: History) -> list[str]:
    """Return the id of each person, in order of coming."""
    return [f"REP-{number + 1:05}" for number in range(len(history.seat))]


def minor(history: History, amount: np.ndarray) -> np.ndarray:
    """Return amounts of major units in minor units."""
    digits = minor_digits(history.scenario.deals.currency)
    return np.asarray(np.rint(amount * 10**digits).astype("int64"))


def unit_months(history: History) -> pd.DataFrame:
    """Return the open panel: a row for each rep and month in which they were there.

    Columns: `unit`, `period` (calendar months, numbered as `models.panel` does), `outcome` (booked,
    in minor units), `team`, `region`, `tenure_months`, `skill_proxy`.
    """
    person = history.person.ravel()
    months, reps = history.person.shape
    team = history.latent.team
    first = history.scenario.first_month
    period = first.year * _YEAR + first.month - 1 + np.arange(months)
    return pd.DataFrame(
        {
            "unit": pd.Categorical.from_codes(person, pd.Index(unit_names(history))),
            "period": period.repeat(reps),
            "outcome": minor(history, history.amount[:, 0]).ravel(),
            "team": team.ravel(),
            "region": history.latent.region[team].ravel(),
            "tenure_months": (np.arange(months)[:, None] - history.hired[history.person]).ravel(),
            "skill_proxy": history.proxy[person],
        }
    )


def exposures(history: History) -> pd.DataFrame:
    """Return who was reached: `investment_id`, `unit`, `starts_on`, `stops_on`, `dose`.

    `stops_on` is None while it lasts; an exposure ends when its rep leaves.
    """
    names = unit_names(history)
    rows = [
        (
            programme.id,
            names[person],
            month_on(history, int(history.start[k, person])),
            _end(history, min(int(history.stop[k, person]), int(history.left[person]))),
            float(history.dose[k, person]),
        )
        for k, programme in enumerate(history.scenario.investments)
        for person in np.flatnonzero(_reached(history, k)).tolist()
    ]
    columns = ["investment_id", "unit", "starts_on", "stops_on", "dose"]
    return pd.DataFrame(rows, columns=columns)


def costs(history: History) -> pd.DataFrame:
    """Return what investments cost in each month: `investment_id`, `month_on`, `cost_minor`."""
    rows = []
    for k, programme in enumerate(history.scenario.investments):
        start, stop = history.start[k], np.minimum(history.stop[k], history.left)
        for month in range(history.months):
            began = int(((start == month) & _reached(history, k)).sum())
            under = int(((start <= month) & (month < stop)).sum())
            cost = began * programme.cost_once + under * programme.cost_per_month
            if cost:
                paid = int(minor(history, np.array(cost)))
                rows.append((programme.id, month_on(history, month), paid))
    return pd.DataFrame(rows, columns=["investment_id", "month_on", "cost_minor"])


def judged_panel(history: History, programme_id: str) -> pd.DataFrame:
    """Return the panel of one investment, as `models.incremental.judge` takes it.

    `unit`, `period`, `outcome`, `start` (0 for never) and the covariate `skill_proxy`.
    """
    k = [each.id for each in history.scenario.investments].index(programme_id)
    panel = unit_months(history)
    first = int(panel["period"].iloc[0])
    start = np.where(_reached(history, k), history.start[k] + first, 0)
    columns = ["unit", "period", "outcome", "start", "skill_proxy"]
    return panel.assign(start=start[history.person.ravel()])[columns]


def _reached(history: History, k: int) -> np.ndarray:
    """Tell who of all persons was reached within the history, while they were there."""
    start = history.start[k]
    return np.asarray((start < history.months) & (start < history.left))


def _end(history: History, month: int) -> date | None:
    return month_on(history, month) if month < NEVER else None
