"""Money: integer minor units with a currency, and dated rates between currencies."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from contracts.errors import UserError

_MINOR_DIGITS: Final = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip
_MOST_MINOR: Final = 2**63 - 1
"""What a column of the warehouse holds."""


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
            UserError: if it is not a finite number, finer than the currency's minor unit, or more
                than 2^63 of them.
        """
        try:
            major = Decimal(amount.strip())
            minor = major.scaleb(minor_digits(currency))
        except ArithmeticError as error:
            raise UserError(f"{amount!r} is not an amount: write it as 1234.50") from error
        whole = minor.is_finite() and minor == minor.to_integral_value()
        if not whole or (major and not minor):  # 1e-999 underflows
            raise UserError(f"{amount!r} {currency} is finer than the currency's minor unit")
        if abs(minor) > _MOST_MINOR:
            raise UserError(f"{amount!r} {currency} is more than can be kept")
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

        Exact, then rounded half to even, once.

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
        scale = Fraction(10) ** (minor_digits(self.base) - minor_digits(money.currency))
        return Money(round(money.minor * Fraction(known[-1]) * scale), self.base)
