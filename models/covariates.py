"""What was known of each unit before an investment first reached anybody: its covariates.

They may explain why those reached move differently from the others, and the investment cannot have
moved them: each is as of the day before the first start, the same in all of a unit's months. Few
comparison units can't tell many covariates apart from chance, so there is at most one per ten of
them, in a fixed order: what was booked before, tenure, quota, engagement.
"""

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from contracts.investments import PRIOR_BOOKINGS
from models.months import first_day, period_of

EXACT: Final = ("tenure_months", "quota")
"""Records of what happened and was agreed, not measurements of something behind them."""
_YEAR: Final = 12
_UNITS_EACH: Final = 10
_KNOWN_RATE: Final = 0.8


def as_of_start(
    frame: pd.DataFrame, months: pd.DataFrame, units: pd.DataFrame, quotas: pd.DataFrame, kind: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the panel with its covariates, and their names; none where nobody was reached.

    Args:
        frame: `unit`, `period`, `start`.
        months: `unit_kind`, `unit_id`, `month_on`, `bookings_minor`, `engagement`.
        units: `unit_id`, `begins_on`.
        quotas: `owner_id`, `period_starts_on`, `period_ends_on`, `quota_minor`.
        kind: of the panel's units.
    """
    starts = frame.groupby("unit")["start"].first()
    begun = starts[(starts > 0) & (starts <= frame["period"].max())]
    if begun.empty:
        return frame, ()
    first = int(begun.min())
    free = int(((starts == 0) | (starts > first)).sum()) // _UNITS_EACH
    known = _known(first, months[months["unit_kind"] == kind], units, quotas)
    told = {name: frame["unit"].map(values) for name, values in known}
    kept = [name for name, column in told.items() if _tells(column)][:free]
    columns = {name: told[name].fillna(told[name].median()) for name in kept}
    return frame.assign(**columns), tuple(kept)


def _known(
    first: int, months: pd.DataFrame, units: pd.DataFrame, quotas: pd.DataFrame
) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    """Yield each covariate by its name: a value a unit, in the order in which they are used."""
    period = months["month_on"].map(period_of)
    before = months[(period < first) & (period >= first - _YEAR)].groupby("unit_id")
    yield PRIOR_BOOKINGS, before["bookings_minor"].mean()
    begins = units.dropna(subset=["begins_on"]).set_index("unit_id")["begins_on"]
    yield "tenure_months", begins.map(lambda day: max(first - period_of(day), 0))
    day = first_day(first)
    due = quotas[quotas["period_starts_on"] < day].sort_values("period_starts_on")
    yield "quota", _by_month(due.groupby("owner_id").last())
    yield "prior_engagement", before["engagement"].mean()


def _by_month(quotas: pd.DataFrame) -> "pd.Series[Any]":
    spans = zip(quotas["period_starts_on"], quotas["period_ends_on"], strict=True)
    lengths = [max(period_of(ends) - period_of(starts), 1) for starts, ends in spans]
    return quotas["quota_minor"] / pd.Series(lengths, index=quotas.index, dtype=float)


def _tells(column: pd.Series) -> bool:
    """Tell whether a covariate is known of most, and differs."""
    return bool(column.notna().mean() >= _KNOWN_RATE and column.max() > column.min())
