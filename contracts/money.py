"""Money: integer minor units with a currency, and dated rates between currencies."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from contracts.errors import UserError

_MINOR_DIGITS: Final = {
    "JPY": 0,
    "KRW": 0,
    "CLP": 0,
    "ISK": 0,
    "VND": 0,
    "BHD": 3,
    "KWD": 3,
    "TND": 3,
}


def minor_digits(currency: str) -> int:
    """Return how many decimal places the currency's major unit has (ISO 4217)."""
    return _MINOR_DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in a currency's minor units.

    Attributes:
        minor: the amount in minor units (cents).
        currency: ISO 4217 code, upper case.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isupper():  # noqa: PLR2004 ISO 4217
            raise UserError(f"{self.currency!r} is not an ISO 4217 currency code such as USD")

    @classmethod
    def parse(cls, amount: str, currency: str) -> "Money":
        """Read a decimal amount of major units, such as `1234.50`.

        Raises:
            UserError: if it is not a finite number, or finer than the currency's minor unit.
        """
        try:
            minor = Decimal(amount.strip()).scaleb(minor_digits(currency))
        except ArithmeticError as error:
            raise UserError(f"{amount!r} is not an amount: write it as 1234.50") from error
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise UserError(f"{amount!r} {currency} is finer than the currency's minor unit")
        return cls(int(minor), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise UserError(
                f"{self.currency} and {other.currency} do not add up: convert one at a dated rate"
            )
        return other.minor


@dataclass(frozen=True, slots=True)
class Rate:
    """What one major unit of `currency` was worth in major units of `base` from `on` onwards."""

    currency: str
    base: str
    on: date
    rate: Decimal


class Rates:
    """A dated rate table towards one base currency.

    `spot` conversion passes the date of the deal; `constant` conversion passes one date for all.
    """

    def __init__(self, base: str, rates: list[Rate]) -> None:
        self.base = base
        self._rates = sorted((r for r in rates if r.base == base), key=lambda rate: rate.on)

    def convert(self, money: Money, on: date) -> Money:
        """Return the amount in the base currency at the latest rate known on a date.

        Rounds half to even, once.

        Raises:
            UserError: if no rate is known on or before that date.
        """
        if money.currency == self.base:
            return money
        known = [r.rate for r in self._rates if r.currency == money.currency and r.on <= on]
        if not known:
            raise UserError(
                f"no {money.currency} to {self.base} rate on or before {on}: "
                "add one to the currency rates"
            )
        minor = (money.major * known[-1]).scaleb(minor_digits(self.base))
        return Money(int(minor.to_integral_value(ROUND_HALF_EVEN)), self.base)
