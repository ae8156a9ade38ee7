"""People who go from one account to another: who is where in which month."""

from dataclasses import dataclass

import numpy as np

from simulator.programmes import NEVER


@dataclass(frozen=True)
class Moves:
    """Where people are, by contact; who moves is one contact before and another one after.

    Attributes:
        since, until: months in which the contact is at its account, half-open.
        person: the contact that somebody is first; its own number for all but those who came.
    """

    since: np.ndarray
    until: np.ndarray
    person: np.ndarray

    @property
    def gone(self) -> dict[int, int]:
        """The contacts who leave, each with the contact that they are after."""
        came = np.flatnonzero(self.person != np.arange(self.person.size))
        return dict(zip(self.person[came].tolist(), came.tolist(), strict=True))

    def away(self, contact: np.ndarray, month: int) -> np.ndarray:
        """Tell which of these contacts are not at their account in a month."""
        return np.asarray((month < self.since[contact]) | (month >= self.until[contact]))


def draw_moves(
    rng: np.random.Generator, first_contact: np.ndarray, months: int, share: float
) -> Moves:
    """Draw this share of all contacts to move within the history; one at most of an account.

    Args:
        rng: of the dirt.
        first_contact: the number of each account's first contact, and one more at the end.
        months: of the history; nobody moves in its first.
        share: of the contacts.
    """
    accounts, contacts = len(first_contact) - 1, int(first_contact[-1])
    since, until = np.zeros(contacts, int), np.full(contacts, NEVER)
    person = np.arange(contacts)
    count = min(round(share * contacts), accounts // 2) if months > 1 else 0
    chosen = rng.permutation(accounts)[: 2 * count]
    place = rng.integers(0, np.diff(first_contact)[chosen])
    from_, to = (first_contact[chosen] + place).reshape(2, -1)
    until[from_] = since[to] = rng.integers(1, max(months, 2), count)
    person[to] = from_
    return Moves(since, until, person)
