"""How a return arrives over the months: slowly at first, fading later, and with people who leave.

Weights are relative to a month at full strength. What is assumed where nobody says otherwise stands
in `COURSES`: assumptions, printed with every forecast, not findings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.errors import UserError

Array = npt.NDArray[np.float64]
YEAR: Final = 12
"""Months over which every curve and every forecast counts, unless a plan says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one investment's return arrives.

    Attributes:
        ramp_months: until a month brings all it can.
        half_life_months: until a month brings half of that again; 0 where it does not fade.
        is_recurring: paid month by month, else at the start.
        attrition_rate: the share of those hired who leave within a year.
        backfill_months: how long a seat then stays empty; whoever fills it ramps anew.

    Raises:
        UserError: if a number is below 0, or the attrition is not a rate below 1.
    """

    ramp_months: float = 0.0
    half_life_months: float = 0.0
    is_recurring: bool = False
    attrition_rate: float = 0.0
    backfill_months: int = 0

    def __post_init__(self) -> None:
        months = (self.ramp_months, self.half_life_months, self.backfill_months)
        if min(months) < 0 or not 0 <= self.attrition_rate < 1:
            raise UserError(
                f"ramp, half-life and backfill are months of 0 or more, attrition a rate below 1: "
                f"{self} is not"
            )

    def weights(self, months: int) -> Array:
        """Return what each of the first months brings, 1 for a month at full strength."""
        seats = self._seats(months)
        if not self.half_life_months:
            return seats
        faded: Array = seats * 0.5 ** (np.arange(months) / self.half_life_months)
        return faded

    def total(self, months: int) -> float:
        """Return the months at full strength that the first months are worth."""
        return float(self.weights(max(months, 0)).sum())

    def _ramp(self, tenure: Array) -> Array:
        """Return the strength by months of tenure, at the middle of the month."""
        if not self.ramp_months:
            return np.ones_like(tenure)
        return np.minimum((tenure + 0.5) / self.ramp_months, 1.0)

    def _seats(self, months: int) -> Array:
        """Return the expected strength of a seat whose holder may leave and be replaced."""
        leaves = 1 - (1 - self.attrition_rate) ** (1 / YEAR)
        tenure, empty = np.zeros(months + 1), np.zeros(self.backfill_months + 1)
        tenure[0], strength = 1.0, self._ramp(np.arange(months + 1.0))
        weights = np.zeros(months)
        for month in range(months):
            weights[month] = tenure @ strength
            gone = leaves * tenure.sum()
            empty[-1] += gone
            tenure = np.concatenate([[empty[0]], (1 - leaves) * tenure[:-1]])
            empty = np.concatenate([empty[1:], [0.0]])
        return weights


COURSES: Final[Mapping[str, Course]] = {
    "training": Course(ramp_months=2, half_life_months=12),
    "content": Course(ramp_months=1, half_life_months=12),
    "tool": Course(ramp_months=2, is_recurring=True),
    "headcount": Course(ramp_months=6, is_recurring=True, attrition_rate=0.25, backfill_months=3),
    "campaign": Course(ramp_months=1, half_life_months=3),
    "event": Course(ramp_months=1, half_life_months=3),
    "spif": Course(half_life_months=1),
    "sequence": Course(ramp_months=1, half_life_months=6),
}


def course_of(kind: str) -> Course:
    """Return the course that is assumed for a kind; flat and paid at the start where unknown."""
    return COURSES.get(kind, Course())
