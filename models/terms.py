"""What an investment cost and what its outcome is worth."""

from dataclasses import dataclass
from math import isfinite

from contracts.errors import UserError
from contracts.money import minor_digits


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the investment cost up to the panel's last month, and what a booking is worth.

    Attributes:
        cost_minor: in the same minor units as the panel's outcome; None or 0 where it is not on
            record: then the effect is told, and the return is not.
        gross_margin_rate: of the outcome; at most 1, and 1 where the outcome is a margin already.
            Below 0 where every sale loses money.
        outcome: what the panel's outcome is, in a reader's words.

    Raises:
        UserError: if the cost is below nothing or no number, or the margin rate is 0 or not a
            number up to 1.
    """

    cost_minor: int | None
    gross_margin_rate: float
    currency: str = "USD"
    outcome: str = "bookings"

    def __post_init__(self) -> None:
        if self.cost_minor is not None and not isfinite(self.cost_minor):
            raise UserError(f"the cost is {self.cost_minor}: it must be a number, or None")
        if self.cost_minor is not None and self.cost_minor < 0:
            raise UserError(
                f"the cost is {money(self.cost_minor, self.currency)}: it can't be below nothing"
            )
        rate = self.gross_margin_rate
        if not (isfinite(rate) and rate <= 1 and rate):
            raise UserError(f"the gross margin rate is {rate}: it must be a number up to 1, not 0")


def money(minor: float, currency: str) -> str:
    """Return an amount of minor units for a sentence, in whole major units: `1,834 USD`."""
    return f"{minor / 10 ** minor_digits(currency):,.0f} {currency}"
