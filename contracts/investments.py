"""The words of sales investments: what kinds there are, what they move, and whom they reach."""

from collections.abc import Iterable
from typing import Final, NamedTuple

KINDS: Final = (
    "training",
    "content",
    "tool",
    "headcount",
    "campaign",
    "event",
    "spif",
    "sequence",
)
LASTING: Final = frozenset({"training", "content", "event"})
"""What these leave behind stays: an exposure's end is not the end of the effect."""
UNIT_KINDS: Final = ("rep", "team", "region", "territory", "account")
"""Whom an investment may reach. A team or region is judged by its reps."""

REP_HOURS: Final = "rep_hours"
MANAGER_HOURS: Final = "manager_hours"
PRIOR_BOOKINGS: Final = "prior_bookings"
COVARIATES: Final = (PRIOR_BOOKINGS, "tenure_months", "quota", "prior_engagement")
"""What is known of each unit before an investment begins, in the order in which it is used."""

COST_KINDS: Final = ("licence", REP_HOURS, MANAGER_HOURS, "payout", "fee", "content", "travel")
"""The usual kinds of cost; a company may have its own. Hours count at what they cost."""


class Outcome(NamedTuple):
    """Something that an investment should move, by unit and month.

    Attributes:
        label: in a reader's words.
        is_money: whether it is an amount in minor units of the base currency.
        is_earned: whether a margin of it is earned, so that a return in money can be told: of
            pipeline, nobody knows yet how much will be won.
        is_total: whether a month in which nothing happened is a zero; else it is unknown.
        lower_is_better: whether the investment should bring it down.
    """

    label: str
    is_money: bool = False
    is_earned: bool = False
    is_total: bool = True
    lower_is_better: bool = False


OUTCOMES: Final = {
    "bookings": Outcome("bookings", is_money=True, is_earned=True),
    "margin": Outcome("gross margin", is_money=True, is_earned=True),
    "pipeline_created": Outcome("pipeline created", is_money=True),
    "win_rate": Outcome("win rate", is_total=False),
    "cycle_days": Outcome("days from creation to won", is_total=False, lower_is_better=True),
    "engagement": Outcome("mails from buyers, calls and meetings"),
}
"""What an investment may be registered to move, by the name in the warehouse."""


def reliability_of(stated: Iterable[str]) -> dict[str, float]:
    """Return how reliable covariates are, of lines such as `prior_engagement=0.7`.

    It is the share of a covariate's variance between units that is what it stands for: 1 where it
    is exact, else above 0.

    Raises:
        ValueError: if a line is not of that form, names no covariate, or says that the year before
            was measured with error: those are the outcome's own ups and downs, not chance that a
            correction could allow for.
    """
    told = {}
    for line in stated:
        name, _, share = (part.strip() for part in line.partition("="))
        if name not in COVARIATES:
            raise ValueError(f"{name!r} is no covariate: it is one of {', '.join(COVARIATES)}")
        try:
            told[name] = float(share)
        except ValueError:
            raise ValueError(f"{line!r} states no reliability: write {name}=0.8") from None
        if not 0 < told[name] <= 1:
            raise ValueError(f"the reliability of {name} is {share}: above 0 and at most 1")
        if name == PRIOR_BOOKINGS and told[name] < 1:
            raise ValueError(
                f"{name} are made of what is judged, and their luck is the outcome's: only 1, to "
                "take them as they are, can be stated of them"
            )
    return told
