"""The fiscal calendar in the company's own time zone."""

from datetime import UTC, date, datetime

import pytest

from contracts.fiscal import FiscalCalendar, Period


def test_periods_are_named_after_the_year_in_which_the_fiscal_year_ends():
    february = FiscalCalendar(first_month=2)
    assert february.year(date(2026, 2, 1)) == Period("FY2027", date(2026, 2, 1), date(2027, 2, 1))
    assert february.year(date(2026, 1, 31)).name == "FY2026"
    assert february.quarter(date(2026, 2, 1)).name == "FY2027-Q1"
    assert february.quarter(date(2027, 1, 31)).name == "FY2027-Q4"
    assert FiscalCalendar().year(date(2026, 12, 31)).name == "FY2026"
    assert FiscalCalendar().quarter(date(2026, 12, 31)).name == "FY2026-Q4"


def test_a_period_has_its_first_day_and_not_its_last():
    month = FiscalCalendar().month(date(2026, 2, 14))
    assert month == Period("2026-02", date(2026, 2, 1), date(2026, 3, 1))
    assert date(2026, 2, 1) in month
    assert date(2026, 2, 28) in month
    assert date(2026, 3, 1) not in month


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), date(2026, 12, 31)),
        ("Asia/Tokyo", datetime(2026, 12, 31, 15, tzinfo=UTC), date(2027, 1, 1)),
        ("Asia/Tokyo", datetime(2026, 12, 31, 14, 59, tzinfo=UTC), date(2026, 12, 31)),
        ("America/Los_Angeles", datetime(2027, 1, 1, 7, 59, tzinfo=UTC), date(2026, 12, 31)),
        ("America/Los_Angeles", datetime(2027, 1, 1, 8, tzinfo=UTC), date(2027, 1, 1)),
        ("Pacific/Kiritimati", datetime(2026, 12, 31, 10, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_moment_belongs_to_the_day_that_it_has_in_the_company(zone, moment, day):
    assert FiscalCalendar(time_zone=zone).day(moment) == day


@pytest.mark.parametrize(
    ("zone", "day", "starts_at"),
    [
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        # The clocks went from midnight to one: the day began at one.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        # They went from one back to midnight: the day began at the first of the two.
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_day_begins_when_the_clocks_of_the_company_say_so(zone, day, starts_at):
    assert FiscalCalendar(time_zone=zone).start_of(day) == starts_at


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_year_starts_in_one_of_twelve_months(month):
    with pytest.raises(ValueError, match=f"first_month is {month}, not a month from 1 to 12"):
        FiscalCalendar(first_month=month)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(KeyError, match="Mars/Phobos"):
        FiscalCalendar(time_zone="Mars/Phobos")
