"""The laws of money."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Money, Rate, Rates, minor_digits

minors = st.integers(-(2**63 - 1), 2**63 - 1)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])
dollars = st.builds(Money, minors, st.just("USD"))
values = st.decimals(Decimal("0.00000001"), Decimal(10**10), places=8)
days = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@given(minors, currencies)
def test_an_amount_that_is_written_and_read_is_the_same(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(str(money.major), currency) == money
    assert Money.parse(f"{money.major:f}", currency) == money


@given(dollars, dollars, dollars)
def test_addition_is_that_of_whole_numbers(a, b, c):
    nothing = Money(0, "USD")
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + nothing == a
    assert a - a == a + -a == nothing
    assert a - b == -(b - a)


@given(minors, currencies, values, days)
def test_a_conversion_is_off_by_half_a_minor_unit_at_most(minor, currency, value, day):
    table = Rates("GBP", [Rate(currency, "GBP", day, value)])
    converted = table.convert(Money(minor, currency), day)
    exact = Fraction(minor) * Fraction(value) * Fraction(10) ** (2 - minor_digits(currency))
    assert abs(converted.minor - exact) <= Fraction(1, 2)
    assert converted.currency == "GBP"
    assert table.convert(Money(-minor, currency), day) == -converted


@given(dollars, days)
def test_money_in_the_base_currency_stays_what_it_is(money, day):
    assert Rates("USD", []).convert(money, day) == money


@given(
    minors, st.lists(st.tuples(days, values), min_size=1, unique_by=lambda dated: dated[0]), days
)
def test_the_order_in_which_rates_are_told_makes_no_difference(minor, dated, day):
    told = [Rate("EUR", "USD", on, value) for on, value in [(date(1900, 1, 1), 1), *dated]]
    money = Money(minor, "EUR")
    converted = Rates("USD", told).convert(money, day)
    assert Rates("USD", told[::-1]).convert(money, day) == converted
    counts = max((rate for rate in told if rate.on <= day), key=lambda rate: rate.on)
    assert converted == Rates("USD", [counts]).convert(money, day)
