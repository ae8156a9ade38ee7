"""What decides between several accounts that a rule found: one tiebreaker after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from contracts.matching import Tiebreaker
from contracts.wire import Recorded
from transforms.directory import Directory

Fits = Callable[[Recorded, Directory, Sequence[str]], list[str]]

SAYS: Final[Mapping[Tiebreaker, str]] = {
    "owner": "its owner takes part",
    "open_deal": "it has an open deal",
    "parent_account": "it is above the others",
}


def broken(
    recorded: Recorded, directory: Directory, accounts: Sequence[str]
) -> tuple[list[str], list[Tiebreaker]]:
    """Return the accounts that are left, and the tiebreakers that spoke.

    A tiebreaker that none of the accounts fits, or all of them, says nothing.
    """
    left, spoke = list(accounts), []
    for tiebreaker in directory.rules.tiebreakers:
        fit = _FITS[tiebreaker](recorded, directory, left) if len(left) > 1 else []
        if 0 < len(fit) < len(left):
            left = fit
            spoke.append(tiebreaker)
    return left, spoke


def _owned(recorded: Recorded, directory: Directory, accounts: Sequence[str]) -> list[str]:
    ours, at = set(recorded.ours), recorded.event_time
    return [one for one in accounts if directory.owner(one, at) in ours]


def _with_an_open_deal(
    recorded: Recorded, directory: Directory, accounts: Sequence[str]
) -> list[str]:
    at = recorded.event_time
    return [one for one in accounts if any(deal.is_open(at) for deal in directory.deals(one))]


def _above(_: Recorded, directory: Directory, accounts: Sequence[str]) -> list[str]:
    """Return the account that is the parent of all others."""
    return [
        one
        for one in accounts
        if all(directory.parent(other) == one for other in accounts if other != one)
    ]


_FITS: Final[Mapping[Tiebreaker, Fits]] = {
    "owner": _owned,
    "open_deal": _with_an_open_deal,
    "parent_account": _above,
}
