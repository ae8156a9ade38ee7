"""The words of talk: its kinds, and one mail, call or meeting."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import pandas as pd

DEAL, ACCOUNT, PARTNER, INTERNAL, BULK, AWAY, BOUNCE, CALL, MEETING = KINDS = (
    "deal", "account", "partner", "internal", "bulk", "away", "bounce", "call", "meeting",
)  # fmt: skip
AUTOMATIC: Final = (BULK, AWAY, BOUNCE)


class Said(NamedTuple):
    """A mail, call or meeting; -1 where there is none.

    Attributes:
        number: its own.
        at: UTC, to the second.
        step: 0 for a thread's first mail; `parent`: the number of the mail that it answers.
        person, colleague: reps; `contact`, `copied`: contacts.
        level: of engagement, its place in the grid; for bulk mail, which newsletter.
        from_other: whether they write from their second address.
        with_partner: whether a partner has a copy: the one of PARTNERS whose turn the thread is.
    """

    number: int
    kind: str
    at: datetime
    thread: int
    step: int
    parent: int
    by_us: bool
    person: int
    account: int
    contact: int
    copied: int
    colleague: int
    deal: int
    level: int
    seconds: int
    from_other: bool
    with_partner: bool
    is_connected: bool
    is_recorded: bool


def each_said(said: pd.DataFrame) -> Iterator[Said]:
    """Yield the rows of a frame of `Talk.month`."""
    at = [moment.replace(tzinfo=UTC) for moment in said["at"].dt.to_pydatetime()]
    columns = (said[name].tolist() if name != "at" else at for name in Said._fields)
    yield from map(Said, *columns)
