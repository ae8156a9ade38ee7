"""What past judgements say of each kind: a point a judgement, all over the same twelve months.

A judgement is to date: of a training two months old it holds two months' margin. The point holds
what twelve months bring, by the course that is assumed for its kind (models.timing); the part that
nobody has seen yet adds to its error.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from models.timing import YEAR, Course, course_of

MONEY_OUTCOMES: Final = ("bookings", "margin")
"""Outcomes whose effect is money; a margin needs no rate."""
_POINT: Final = ("investment_id", "kind", "units", "spend", "margin", "std_error")
_UNSEEN: Final = 0.3
"""The standard deviation of the unseen months' margin, as a share of it."""
_HIRED: Final = (0.5, 0.25)
"""The share of an average rep's margin that one more rep adds, and its standard deviation: the
rest is taken from colleagues. An assumption, wide on purpose, until a hiring has been judged."""


class Experience(NamedTuple):
    """What can be learnt from, and what can't, with the reason.

    Attributes:
        points: `investment_id`, `kind`, `units` (whom it reached), and of twelve months `spend`,
            `margin`, `std_error`.
        left_out: `investment_id`, `kind`, `reason`.
    """

    points: pd.DataFrame
    left_out: pd.DataFrame


def experience(judgements: pd.DataFrame) -> Experience:
    """Return the points of the judgements that hold an effect on money.

    Args:
        judgements: `investment_id`, `kind`, `outcome`, `effect` and `std_error` per unit and
            month (NaN where there is none), `treated_units`, `treated_unit_months`,
            `gross_margin_rate`, `cost_minor`.
    """
    reasons = [_reason(row) for row in judgements.to_dict("records")]
    told = judgements.assign(reason=reasons)
    points = [_point(row) for row in told[told["reason"] == ""].to_dict("records")]
    return Experience(
        points=pd.DataFrame(points, columns=list(_POINT)),
        left_out=told.loc[told["reason"] != "", ["investment_id", "kind", "reason"]],
    )


def hiring_point(
    monthly_margin: float, std_error: float, unit_spend: float, course: Course
) -> dict[str, object]:
    """Return what a year of one more rep is believed to bring, before any hiring was judged.

    margin = margin of an average rep-month x months at full strength x the share that is new.

    Args:
        monthly_margin: of a rep and month, the mean over all reps.
        std_error: of that mean.
        unit_spend: what a seat costs in twelve months.
        course: ramp, attrition and backfill.
    """
    share, doubt = _HIRED
    months = course.total(YEAR)
    return {
        "investment_id": "capacity of an average rep",
        "kind": "headcount",
        "units": 1.0,
        "spend": unit_spend,
        "margin": monthly_margin * months * share,
        "std_error": months * float(np.hypot(std_error * share, monthly_margin * doubt)),
        "is_assumed": True,
    }


_NUMBERS: Final = (
    "effect",
    "std_error",
    "cost_minor",
    "treated_unit_months",
    "treated_units",
    "gross_margin_rate",
)


def _reason(row: Mapping[Hashable, Any]) -> str:
    """Return why a judgement teaches nothing about money; empty where it does."""
    if row["outcome"] not in MONEY_OUTCOMES:
        return f"it moves {row['outcome']}, which has no price"
    if any(pd.isna(row[name]) for name in _NUMBERS):
        return "it has no estimate"
    if not all(row[name] > 0 for name in _NUMBERS[1:]):
        return "it has no cost, no error, or nobody was reached"
    return ""


def _point(row: Mapping[Hashable, Any]) -> tuple[object, ...]:
    effect, error, cost, unit_months, units, rate = (float(row[name]) for name in _NUMBERS)
    course = course_of(row["kind"])
    span = unit_months / units
    months = max(round(span), 1)
    strength = course.total(months) / months
    yearly = units * course.total(YEAR) / strength * (1 if row["outcome"] == "margin" else rate)
    unseen = max(1 - course.total(months) / course.total(YEAR), 0)
    margin = effect * yearly
    return (
        row["investment_id"],
        row["kind"],
        units,
        cost * YEAR / span if course.is_recurring else cost,
        margin,
        float(np.hypot(error * yearly, _UNSEEN * unseen * margin)),
    )
