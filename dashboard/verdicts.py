"""A judgement as the pages show it: what its verdict is called, its shape and its colour."""

from datetime import date
from typing import Final, NamedTuple

from contracts.investment_rows import InvestmentJudgementRow
from contracts.investments import OUTCOMES
from dashboard.format import UNKNOWN, known, money, number


class Judgement(InvestmentJudgementRow, frozen=True, kw_only=True):
    """An investment's newest judgement, with what was invested in and what was asked.

    Attributes:
        attributed_bookings_minor: what last-touch attribution would credit: no return.
    """

    name: str
    kind: str
    question: str
    registered_on: date | None
    attributed_bookings_minor: int
    attributed_deals: int

    @property
    def is_money(self) -> bool:
        """Whether the outcome is an amount of money."""
        return OUTCOMES[self.outcome].is_money

    @property
    def of_what(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome].label

    def told(self, value: float | None, *, signed: bool = False) -> str:
        """Return an amount of the outcome, in its own unit."""
        if self.is_money:
            return money(value, self.currency, signed=signed)
        return number(value or 0.0, 3, signed=signed) if known(value) else UNKNOWN

    def between(self, low: float | None, high: float | None) -> str:
        """Return an interval of the outcome; empty where there is none."""
        return f"{self.told(low)} to {self.told(high)}" if known(low) and known(high) else ""


class Verdict(NamedTuple):
    """How one verdict is told.

    Attributes:
        glyph: its shape as a character, before the label.
        shape: the same shape in charts.
    """

    label: str
    glyph: str
    shape: str
    colour: str


VERDICTS: Final = {
    "pays_off": Verdict("Pays off", "\N{BLACK UP-POINTING TRIANGLE}", "triangle-up", "#0b6e8c"),
    "does_not_pay_off": Verdict(
        "Does not pay off", "\N{BLACK DOWN-POINTING TRIANGLE}", "triangle-down", "#a23b12"
    ),
    "cannot_tell": Verdict("Cannot tell", "\N{BLACK DIAMOND}", "diamond", "#5b4b8a"),
    "not_identified": Verdict("Not identified", "\N{BLACK SQUARE}", "square", "#46505c"),
}
