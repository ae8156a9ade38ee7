"""The company's fiscal calendar, in its own time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open run of days: `starts_on` belongs to it, `ends_on` does not."""

    name: str
    starts_on: date
    ends_on: date

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day < self.ends_on


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """Fiscal years and quarters of whole months.

    Attributes:
        first_month: the month (1 to 12) in which a fiscal year starts. A fiscal year is named
            after the calendar year in which it ends.
        time_zone: IANA name; a moment belongs to the day that it has there.
    """

    first_month: int = 1
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if not 1 <= self.first_month <= 12:  # noqa: PLR2004 months of a year
            raise ValueError(f"first_month is {self.first_month}, not a month from 1 to 12")
        ZoneInfo(self.time_zone)

    def day(self, moment: datetime) -> date:
        """Return the company's calendar day of a moment."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()

    def start_of(self, day: date) -> datetime:
        """Return the moment, in UTC, at which a company day begins."""
        return datetime.combine(day, time(), ZoneInfo(self.time_zone)).astimezone(UTC)

    def month(self, day: date) -> Period:
        """Return the calendar month of a day."""
        first = day.replace(day=1)
        return Period(f"{first:%Y-%m}", first, _add_months(first, 1))

    def quarter(self, day: date) -> Period:
        """Return the fiscal quarter of a day, named such as `FY2027-Q1`."""
        passed = (day.month - self.first_month) % 12
        starts_on = _add_months(day.replace(day=1), -(passed % 3))
        return Period(
            f"{self.year(day).name}-Q{passed // 3 + 1}", starts_on, _add_months(starts_on, 3)
        )

    def year(self, day: date) -> Period:
        """Return the fiscal year of a day, named such as `FY2027`."""
        passed = (day.month - self.first_month) % 12
        starts_on = _add_months(day.replace(day=1), -passed)
        ends_on = _add_months(starts_on, 12)
        return Period(f"FY{_add_months(ends_on, -1).year}", starts_on, ends_on)


def _add_months(first: date, count: int) -> date:
    months = first.year * 12 + first.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)
