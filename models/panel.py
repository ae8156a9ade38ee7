"""The panel of one investment: what each rep booked each month, and since when it was reached.

- A month counts once it is over on the company's calendar; the first is the first with a booking.
- A rep counts in the months in which it was there from the first day to the last, so that a month
  of arriving or leaving is not taken for a bad one. Within them, no booking is a zero.
- A rep is reached from the month in which its exposure begins, be it on the last day of it. To
  start with the first full month instead would leave a month that is partly reached as the very
  one that every effect is measured against.
- Once reached, always reached: what an exposure leaves behind after it stops belongs to it.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from contracts.errors import UserError
from contracts.fiscal import FiscalCalendar

_MONTHS = 12


@dataclass(frozen=True)
class Window:
    """Whole months, half-open: `starts_on` and `ends_on` are first days of months."""

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.starts_on.day != 1 or self.ends_on.day != 1:
            raise UserError(f"{self.starts_on} to {self.ends_on} is not a run of whole months")

    @property
    def periods(self) -> range:
        """The months, as `period_of` numbers them."""
        return range(period_of(self.starts_on), period_of(self.ends_on))


def period_of(day: date) -> int:
    """Return the number of a day's month: one more for each month, across years."""
    return day.year * _MONTHS + day.month - 1


def closed_months(bookings: pd.DataFrame, as_of_day: date) -> Window:
    """Return the months that were over on a day of the company, from the first booking on.

    Args:
        bookings: with `month_on` and `bookings_minor`.
        as_of_day: the company's day at the moment of judging.

    Raises:
        UserError: if no booking lies in a month that is over.
    """
    ends_on = FiscalCalendar().month(as_of_day).starts_on
    booked = bookings.loc[bookings["bookings_minor"] != 0, "month_on"]
    first = booked.min() if len(booked) else ends_on
    if first >= ends_on:
        raise UserError(
            f"no booking lies in a month that is over on {as_of_day}: import the won opportunities "
            "of at least a year"
        )
    return Window(first, ends_on)


def build(
    bookings: pd.DataFrame, reps: pd.DataFrame, exposures: pd.DataFrame, window: Window
) -> pd.DataFrame:
    """Return the panel that models.incremental judges: unit, period, outcome, start.

    Args:
        bookings: `rep_id`, `month_on` (the month's first day), `bookings_minor`; a row a month at
            most. Bookings of people who are not reps, or outside their months, take no part.
        reps: `rep_id`, `hired_on`, `left_on`; None where unknown, which means always there.
        exposures: of the one investment: `unit_id`, `starts_on`. The first of a rep counts.
        window: the months to look at.

    Raises:
        UserError: if an exposure names somebody who is not a rep.
    """
    _refuse_strangers(exposures, reps)
    booked = bookings.assign(period=_periods(bookings["month_on"]))
    panel = _present(reps, window).merge(
        booked[["rep_id", "period", "bookings_minor"]], how="left", on=["rep_id", "period"]
    )
    starts = _periods(exposures["starts_on"]).groupby(exposures["unit_id"]).min()
    return pd.DataFrame(
        {
            "unit": panel["rep_id"],
            "period": panel["period"],
            "outcome": panel["bookings_minor"].fillna(0).astype("int64"),
            "start": panel["rep_id"].map(starts).fillna(0).astype("int64"),
        }
    )


def _present(reps: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return a row for each rep and each whole month of its tenure within the window."""
    hired = _days(reps["hired_on"], date.min)
    left = _days(reps["left_on"], date.max)
    rows = [
        (rep_id, period)
        for rep_id, hired_on, left_on in zip(reps["rep_id"], hired, left, strict=True)
        for period in _whole_months(hired_on, left_on, window)
    ]
    return pd.DataFrame(rows, columns=["rep_id", "period"])


def _whole_months(hired_on: date, left_on: date, window: Window) -> range:
    """Return the months of the window that lie within the tenure from first day to last."""
    first = period_of(hired_on) + (hired_on.day > 1)
    leaves_on = left_on + timedelta(days=1) if left_on < date.max else left_on
    stop = min(period_of(leaves_on), window.periods.stop)
    return range(max(first, window.periods.start), max(stop, first, window.periods.start))


def _periods(days: pd.Series) -> pd.Series:
    return days.map(period_of).astype("int64")


def _days(column: pd.Series, unknown: date) -> list[date]:
    return [unknown if pd.isna(day) else day for day in column]


def _refuse_strangers(exposures: pd.DataFrame, reps: pd.DataFrame) -> None:
    strangers = sorted(set(exposures["unit_id"]) - set(reps["rep_id"]))
    if strangers:
        raise UserError(
            f"the exposure names {', '.join(strangers[:3])}, not among the {len(reps)} reps: "
            "import those reps, or correct the exposure"
        )
