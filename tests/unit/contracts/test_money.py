"""Money: minor units, currencies that do not mix, and dated rates."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.errors import UserError
from contracts.money import Money, Rate, Rates, minor_digits

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


def rates(*dated: tuple[str, date, str], base: str = "USD") -> Rates:
    return Rates(base, [Rate(currency, base, on, Decimal(rate)) for currency, on, rate in dated])


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1234.50", "USD", 123450),
        (" 0.01 ", "EUR", 1),
        ("-0.5", "USD", -50),
        ("1e3", "USD", 100000),
        ("12.500", "USD", 1250),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("92233720368547758.07", "USD", 2**63 - 1),
    ],
)
def test_an_amount_is_read_in_the_minor_units_of_its_currency(amount, currency, minor):
    assert Money.parse(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("1,234.50", "USD", "'1,234.50' is not an amount: write it as 1234.50"),
        ("ten", "USD", "'ten' is not an amount"),
        ("", "USD", "'' is not an amount"),
        ("0.001", "USD", "'0.001' USD is finer than the currency's minor unit"),
        ("0.5", "JPY", "'0.5' JPY is finer"),
        ("1e-1000000010", "USD", "finer"),
        ("NaN", "USD", "'NaN'"),
        ("-Infinity", "USD", "'-Infinity'"),
        ("92233720368547758.08", "USD", "is more than can be kept"),
        ("1e999999999", "USD", "'1e999999999' is not an amount"),
        ("1", "usd", "'usd' is not an ISO 4217 currency code such as USD"),
        ("1", "DOLLAR", "'DOLLAR' is not an ISO 4217 currency code"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_to_write(amount, currency, says):
    with pytest.raises(UserError) as error:
        Money.parse(amount, currency)
    assert says in str(error.value)


def test_currencies_do_not_add_up():
    with pytest.raises(UserError, match="EUR and USD do not add up: convert one at a dated rate"):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(UserError, match="do not add up"):
        Money(1, "EUR") - Money(1, "USD")


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("XOF", 0), ("JOD", 3), ("UYW", 4), ("EUR", 2)]
)
def test_a_currency_has_the_decimal_places_that_iso_4217_gives_it(currency, digits):
    assert minor_digits(currency) == digits


def test_the_latest_rate_on_or_before_the_day_counts():
    table = rates(("EUR", FEBRUARY, "1.20"), ("EUR", JANUARY, "1.10"), ("GBP", FEBRUARY, "9"))
    amount = Money(10_000, "EUR")
    assert table.convert(amount, JANUARY) == Money(11_000, "USD")
    assert table.convert(amount, date(2026, 1, 31)) == Money(11_000, "USD")
    assert table.convert(amount, FEBRUARY) == Money(12_000, "USD")
    assert table.convert(amount, MARCH) == Money(12_000, "USD")


def test_without_a_rate_on_or_before_the_day_there_is_no_guess():
    table = rates(("EUR", FEBRUARY, "1.20"))
    with pytest.raises(UserError, match="no EUR to USD rate on or before 2026-01-01: add one"):
        table.convert(Money(1, "EUR"), JANUARY)
    with pytest.raises(UserError, match="no GBP to USD rate"):
        table.convert(Money(1, "GBP"), MARCH)


def test_rates_towards_another_base_do_not_count():
    table = Rates("USD", [Rate("EUR", "GBP", JANUARY, Decimal("0.9"))])
    with pytest.raises(UserError, match="no EUR to USD rate"):
        table.convert(Money(1, "EUR"), MARCH)


@pytest.mark.parametrize(
    ("minor", "currency", "rate", "base", "converted"),
    [
        (1_000, "JPY", "0.0065", "USD", 650),
        (650, "USD", "153.8461", "JPY", 1_000),
        (1_234, "KWD", "3.25", "USD", 401),
        (5, "EUR", "0.5", "USD", 2),
        (15, "EUR", "0.5", "USD", 8),
        (-5, "EUR", "0.5", "USD", -2),
        (2**62, "EUR", "1.00000001", "USD", 4_611_686_064_544_248_088),
    ],
)
def test_a_conversion_is_exact_and_rounds_half_to_even_once(minor, currency, rate, base, converted):
    table = rates((currency, JANUARY, rate), base=base)
    assert table.convert(Money(minor, currency), MARCH) == Money(converted, base)
