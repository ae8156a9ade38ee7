"""The sealed answer: what each investment really did to each unit in each month.

Only scorers in `bench/` open it. Money is in minor units.
"""

from typing import Any

import numpy as np
import pandas as pd

from simulator.company import History
from simulator.panel import costs, minor, unit_months


def potential_outcomes(history: History) -> pd.DataFrame:
    """Return a row for each investment, unit and month.

    Columns: `investment_id`, `unit`, `period`, `is_reached`, `strength` (in the pathway's unit),
    `outcome` (as it was), `without` (Y(0): had the investment never been made), `everyone` (Y(1):
    had it reached all at its first start), and the expectation of each given the latent paths,
    `outcome_mean`, `without_mean`, `everyone_mean`. All three share every draw.
    """
    months, reps = history.person.shape
    base = unit_months(history)[["unit", "period"]]
    tables = []
    for k, programme in enumerate(history.scenario.investments):
        reached = np.arange(months)[:, None] >= history.start[k][history.person]
        worlds = {"outcome": 0, "without": 1 + 2 * k, "everyone": 2 + 2 * k}
        table = base.assign(
            investment_id=pd.Categorical([programme.id] * (months * reps)),
            is_reached=reached.ravel(),
            strength=history.strength[k].ravel(),
        )
        for name, world in worlds.items():
            table[name] = minor(history, history.amount[:, world]).ravel()
            table[f"{name}_mean"] = minor(history, history.mean[:, world]).ravel()
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else base.iloc[:0]


def investment_truth(history: History) -> list[dict[str, Any]]:
    """Return what is true of each investment as a whole.

    `effect`: the expected gain of a reached unit-month (the ATT, in minor units); `gain`: of all
    units, reached or not, over the history, so that spillover, pull-forward and anticipation are in
    it; `roi`: (gain x margin - cost) / cost.
    """
    outcomes, paid = potential_outcomes(history), costs(history)
    return [
        _truth(
            programme.id,
            outcomes[outcomes["investment_id"] == programme.id],
            int(paid.loc[paid["investment_id"] == programme.id, "cost_minor"].sum()),
            programme.gross_margin_rate,
        )
        | {"kind": programme.kind}
        for programme in history.scenario.investments
    ]


def units(history: History) -> pd.DataFrame:
    """Return the latent truth of each rep: `unit`, `seat`, `skill`, `skill_proxy`."""
    names = unit_months(history)["unit"].cat.categories
    return pd.DataFrame(
        {"unit": names, "seat": history.seat, "skill": history.skill, "skill_proxy": history.proxy}
    )


def _truth(name: str, cells: pd.DataFrame, cost: int, margin_rate: float) -> dict[str, Any]:
    gain = cells["outcome_mean"] - cells["without_mean"]
    reached = cells["is_reached"].to_numpy(dtype=bool)
    total = int(gain.sum())
    return {
        "investment_id": name,
        "effect": float(gain[reached].mean()) if reached.any() else 0.0,
        "reached_unit_months": int(reached.sum()),
        "gain": total,
        "cost": cost,
        "roi": (total * margin_rate - cost) / cost if cost else None,
    }
