"""Calendar months as whole numbers, one apart across years: the periods of a panel."""

from dataclasses import dataclass
from datetime import date, timedelta

from contracts.errors import UserError

_YEAR = 12


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
    return day.year * _YEAR + day.month - 1


def first_day(period: int) -> date:
    """Return the first day of a period."""
    return date(period // _YEAR, period % _YEAR + 1, 1)


def last_day(period: int) -> date:
    """Return the last day of a period."""
    return first_day(period + 1) - timedelta(days=1)
