"""The words of sales investments: what kinds there are, what they move, and whom they reach."""

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
