"""The laws of the fiscal calendar."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.fiscal import FiscalCalendar

ONE_DAY = timedelta(days=1)
ZONES = [
    "UTC", "America/Los_Angeles", "America/Sao_Paulo", "America/Havana", "Europe/Berlin",
    "Africa/Cairo", "Asia/Tokyo", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati",
]  # fmt: skip
calendars = st.builds(FiscalCalendar, st.integers(1, 12), st.sampled_from(ZONES))
days = st.dates(date(1902, 1, 1), date(2298, 1, 1))
moments = st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 bounds


@given(calendars, days)
def test_every_day_is_in_exactly_one_month_quarter_and_year(calendar, day):
    for period_of in (calendar.month, calendar.quarter, calendar.year):
        period = period_of(day)
        assert day in period
        assert period_of(period.starts_on) == period
        assert period_of(period.ends_on - ONE_DAY) == period
        assert period_of(period.ends_on).starts_on == period.ends_on
        assert period_of(period.ends_on).name != period.name


@given(calendars, days)
def test_quarters_tile_the_year_and_months_the_quarter(calendar, day):
    year = calendar.year(day)
    assert tiled(year, calendar.quarter) == [f"{year.name}-Q{n}" for n in (1, 2, 3, 4)]
    assert len(tiled(calendar.quarter(day), calendar.month)) == 3
    assert year.starts_on.month == calendar.first_month
    assert year.name == f"FY{(year.ends_on - ONE_DAY).year}"


def tiled(whole, part_of):
    """Return the names of the parts that follow one another through the whole."""
    names, day = [], whole.starts_on
    while day < whole.ends_on:
        part = part_of(day)
        assert part.starts_on == day
        names.append(part.name)
        day = part.ends_on
    assert day == whole.ends_on
    return names


@given(calendars, moments)
def test_a_moment_lies_between_the_start_of_its_day_and_that_of_the_next(calendar, moment):
    day = calendar.day(moment)
    assert calendar.start_of(day) <= moment < calendar.start_of(day + ONE_DAY)
    assert calendar.day(calendar.start_of(day)) == day
