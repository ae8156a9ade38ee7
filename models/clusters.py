"""Whose luck counts as one: each unit's own, or its team's where teams were reached as a whole.

What a team shares in good and bad times evens out where reached and others work in the same teams.
Where teams were reached as a whole it is in the effect, and errors must be by team: at the level at
which it was decided who is reached (Abadie, Athey, Imbens and Wooldridge, Quarterly Journal of
Economics 138, 2023).
"""

from typing import Any, Final

import numpy as np
import pandas as pd

Labels = np.ndarray[Any, Any]
_Whole = np.ndarray[Any, np.dtype[np.int64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]

FEWEST: Final = 5
"""Teams on either side without which errors by team would be a guess."""
_WHOLE: Final = 0.9


def main_team(seen: _Flags, team: Labels) -> _Whole:
    """Return the number of the team in which each unit was seen most often (n)."""
    codes = numbered(seen, team)
    row, column = np.nonzero(codes >= 0)
    shape = len(seen), int(codes.max()) + 1
    counts = np.bincount(row * shape[1] + codes[row, column], minlength=shape[0] * shape[1])
    return np.asarray(counts.reshape(shape).argmax(axis=1))


def numbered(seen: _Flags, team: Labels) -> _Whole:
    """Return the number of each cell's team, as they first come; -1 where nobody was (n x T)."""
    codes = np.full(seen.shape, -1)
    codes[seen] = pd.factorize(team[seen], use_na_sentinel=False)[0]
    return codes


def is_by_team(start: _Whole, home: _Whole, periods: int) -> bool:
    """Tell whether teams were reached as a whole.

    That is, nine in ten of those reached, and of the others, start with most of their team.

    Args:
        start: of each unit, at least `periods` where it is never reached (n).
        home: the number of its team (n).
        periods: of the panel.
    """
    pairs, count = np.unique(np.column_stack([home, start]), axis=0, return_counts=True)
    order = np.argsort(count, kind="stable")
    usual = np.zeros(int(home.max()) + 1, int)
    usual[pairs[order, 0]] = pairs[order, 1]
    with_team = start == usual[home]
    groups = [with_team[start < periods], with_team[start >= periods]]
    shared = bool((np.bincount(home) > 1).any())
    return shared and all(group.mean() >= _WHOLE for group in groups if len(group))


def sides(start: _Whole, cluster: _Whole, periods: int) -> tuple[int, int]:
    """Return how many clusters were reached, and how many never or later than the first (n)."""
    reached, later = start < periods, start > start.min()
    return len(np.unique(cluster[reached])), len(np.unique(cluster[later]))
