"""What others would claim of the same panel: the comparisons that the judge is held beside.

All in minor units per reached unit and month.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

_COLLINEAR: Final = 1e-9


@dataclass(frozen=True)
class Claim:
    """An estimate, with its 95 % interval where the method has one."""

    effect: float
    low: float = float("nan")
    high: float = float("nan")


def claims(panel: pd.DataFrame) -> dict[str, Claim]:
    """Return what each rival claims of a panel of unit, period, outcome and start."""
    reached = panel["start"] > 0
    after = reached & (panel["period"] >= panel["start"])
    late = panel["period"] >= panel.loc[reached, "start"].min()
    outcome = panel["outcome"].astype(float)
    return {
        "before and after": Claim(outcome[after].mean() - outcome[reached & ~after].mean()),
        "reached and not": Claim(outcome[after].mean() - outcome[late & ~reached].mean()),
        "two-way fixed effects": two_way_fixed_effects(panel, after),
        "last touch": Claim(outcome[after].mean()),
    }


def two_way_fixed_effects(panel: pd.DataFrame, after: pd.Series) -> Claim:
    """Regress the outcome on unit, period and being reached; errors are clustered by unit.

    Units are swept out by their means and periods by least squares (Frisch-Waugh-Lovell), so an
    unbalanced panel is exact. Where everybody was reached at once there is no claim.
    """
    unit = pd.factorize(panel["unit"])[0]
    period = pd.get_dummies(panel["period"], dtype=float).to_numpy()
    columns = np.column_stack([panel["outcome"], after.astype(float), period])
    swept = columns - (_sums(columns, unit) / np.bincount(unit)[:, None])[unit]
    outcome, reached = _without(swept[:, :2], swept[:, 2:]).T
    if reached @ reached < _COLLINEAR * len(reached):
        return Claim(float("nan"))
    effect = float(reached @ outcome / (reached @ reached))
    scores = _sums((reached * (outcome - effect * reached))[:, None], unit)
    reach = 1.96 * float(np.sqrt((scores**2).sum())) / float(reached @ reached)
    return Claim(effect, effect - reach, effect + reach)


def _sums(columns: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.column_stack([np.bincount(unit, column) for column in columns.T])


def _without(columns: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return what the others leave of the columns."""
    return np.asarray(columns - others @ np.linalg.lstsq(others, columns, rcond=None)[0])
