"""Why a number is what it is: one shape that scores, forecasts and returns share.

An explanation is a sum. Whoever makes one splits the number into contributions with a label in a
reader's words, and for each may add how it came about and the SQL that gives it. What does not sum
to its number can't be made.
"""

from collections.abc import Iterable
from math import fsum, isfinite
from typing import Final, Self

import msgspec

SUMS_WITHIN: Final = 1e-9
"""The greatest gap between a number and its contributions, as a share of the largest of them."""


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a number.

    Attributes:
        label: what the part is, in a reader's words.
        value: in the unit of the whole; below zero where it takes away.
        note: how it came about, such as `1,200 EUR x 96 rep-months x 80%`.
        sql: a statement that gives it; empty where there is none.
    """

    label: str
    value: float
    note: str = ""
    sql: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A number, and what it is made of.

    Attributes:
        subject: what the number is of, such as `Net return of INV-01`.
        unit: of the number and of every contribution: `points`, a currency's code for its minor
            units, or `rate`.
        sql: a statement that gives the number itself; empty where there is none.

    Raises:
        ValueError: if the contributions do not sum to the number.
    """

    subject: str
    number: float
    unit: str
    contributions: tuple[Contribution, ...]
    sql: str = ""

    def __post_init__(self) -> None:
        if not self.adds_up:
            total = fsum(part.value for part in self.contributions)
            raise ValueError(f"{self.subject} is {self.number!r}, its contributions {total!r}")

    @classmethod
    def of(
        cls, subject: str, unit: str, contributions: Iterable[Contribution], sql: str = ""
    ) -> Self:
        """Return the explanation of the number that the contributions sum to."""
        parts = tuple(contributions)
        number = fsum(part.value for part in parts)
        return cls(subject=subject, number=number, unit=unit, contributions=parts, sql=sql)

    @property
    def adds_up(self) -> bool:
        """Whether the contributions sum to the number."""
        values = [self.number, *(part.value for part in self.contributions)]
        if not all(map(isfinite, values)):
            return False
        gap = abs(self.number - fsum(values[1:]))
        return gap <= SUMS_WITHIN * max(map(abs, values))

    @property
    def ranked(self) -> tuple[Contribution, ...]:
        """The contributions, the weightiest first."""
        return tuple(sorted(self.contributions, key=lambda part: (-abs(part.value), part.label)))

    def times(self, factor: float, subject: str, unit: str) -> Self:
        """Return the same explanation, each part times a factor: say of cost."""
        parts = (
            msgspec.structs.replace(part, value=part.value * factor) for part in self.contributions
        )
        return type(self).of(subject, unit, parts, self.sql)
