"""A judgement as the pages show it: what its verdict is called, its shape and its colour."""

from typing import Final, NamedTuple

from contracts.investment_rows import InvestmentJudgementRow


class Judgement(InvestmentJudgementRow, frozen=True, kw_only=True):
    """An investment's newest judgement, with what was invested in and what was asked."""

    name: str
    kind: str
    question: str


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
