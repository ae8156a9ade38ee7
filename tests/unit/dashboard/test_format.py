from datetime import UTC, datetime
from math import nan
from zoneinfo import ZoneInfo

import pytest

from dashboard import format as written

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (182_449.7, "EUR", "€1,824"),
        (-77_480, "EUR", "\N{MINUS SIGN}€775"),
        (1_250, "USD", "$12.50"),
        (9_999, "USD", "$99.99"),
        (10_000, "USD", "$100"),
        (123_456, "JPY", "¥123,456"),
        (94_000, "CHF", "CHF 940"),
        (12_345, "KWD", "KWD 12.345"),
        (-0.2, "EUR", "€0.00"),
        (None, "EUR", "not known"),
        (nan, "EUR", "not known"),
    ],
)
def test_money_is_read_from_minor_units(minor, currency, text):
    assert written.money(minor, currency) == text


def test_a_signed_amount_carries_its_sign_before_the_currency():
    assert written.money(182_450, "EUR", signed=True) == "+€1,824"
    assert written.money(-1_250, "CHF", signed=True) == "\N{MINUS SIGN}CHF 12.50"
    assert written.money(0, "EUR", signed=True) == "€0.00"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.84, "84%"),
        (4.1086, "411%"),
        (0.0559, "5.6%"),
        (0.0996, "10%"),
        (0, "0%"),
        (0.0001, "<0.1%"),
        (-0.24, "\N{MINUS SIGN}24%"),
        (None, "not known"),
    ],
)
def test_a_percentage_has_the_digits_that_its_size_bears(rate, text):
    assert written.percent(rate) == text


def test_an_interval_that_is_not_known_is_never_half_shown():
    assert written.money_between(None, 100, "EUR") == ""
    assert written.percent_between(0.1, nan) == ""
    assert written.money_between(-77_480, 267_480, "EUR") == "\N{MINUS SIGN}€775 to €2,675"
    assert written.percent_between(-0.12, 1.86) == "\N{MINUS SIGN}12% to +186%"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.41, "p = 0.41"), (0.012, "p = 0.012"), (0.0004, "p < 0.001"), (None, "p not known")],
)
def test_a_p_value_is_never_zero(value, text):
    assert written.p_value(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (2 * 3600 + 300, "2 h 5 min"),
        (4 * 86_400 + 3 * 3_600, "4 d 3 h"),
        (-3, "0 s"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(seconds, text):
    assert written.age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0734, "73 ms"),
        (0.9996, "1.0 s"),
        (1.44, "1.4 s"),
        (59.96, "1 min"),
        (75, "1 min 15 s"),
        (nan, "not known"),
    ],
)
def test_a_duration_keeps_milliseconds_only_below_a_second(seconds, text):
    assert written.duration(seconds) == text


def test_a_moment_is_told_in_the_company_s_time_zone():
    at = datetime(2026, 11, 23, 23, 30, 5, tzinfo=UTC)
    assert written.moment(at, BERLIN) == "24 Nov 2026, 00:30"
    assert written.clock(at, datetime(2026, 11, 24, 8, tzinfo=UTC), BERLIN) == "00:30:05"
    assert written.clock(at, datetime(2026, 11, 25, 8, tzinfo=UTC), BERLIN) == "24 Nov 00:30"
    assert written.clock(at, datetime(2027, 11, 24, 8, tzinfo=UTC), BERLIN) == "24 Nov 2026, 00:30"


def test_one_thing_is_not_many():
    assert written.plural(1, "activity") == "1 activity"
    assert written.plural(1_204, "activity") == "1,204 activities"
    assert written.plural(0, "rep-month") == "0 rep-months"
