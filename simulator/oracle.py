"""What only the truth can tell: the chance that an open deal is won in the end."""

import numpy as np

from simulator.company import History
from simulator.dynamics import AGES, FITS, LEVELS, STATES, Rates, dynamics_of, warmed
from simulator.pipeline import DealMonths, Deals

_HORIZON_MONTHS = 60


def win_probabilities(history: History, deals: Deals, months: DealMonths) -> np.ndarray:
    """Return the true chance that each deal-month's deal is won, in that month or ever after.

    It is what the generator would bet, knowing the deal's fit and engagement as the month begins
    and the seat's rates in this month and those to come; after the history, its last year repeats.
    """
    by_month = _backward(history)
    age = np.minimum(months.month - deals.opened[months.deal], AGES - 1)
    state = (deals.fit[months.deal] * AGES + age) * LEVELS + months.level
    return np.asarray(by_month[months.month, deals.seat[months.deal], state])


def _backward(history: History) -> np.ndarray:
    """Return the chance of a win in the end by month, seat and state (T x R x S)."""
    reps = history.person.shape[1]
    later = np.zeros((reps, STATES))
    for ahead in range(_HORIZON_MONTHS, 0, -1):
        last_year = history.months - 12 + (ahead - 1) % 12
        later = _month_before(history, history.rates[max(last_year, 0)], later)
    chances = np.empty((history.months, reps, STATES))
    for month in range(history.months - 1, -1, -1):
        later = chances[month] = _month_before(history, history.rates[month], later)
    return chances


def _month_before(history: History, rates: Rates, later: np.ndarray) -> np.ndarray:
    """Return the chances as a month begins, from those as the next one begins (R x S)."""
    states = dynamics_of(history.scenario)
    win = (rates.pace * rates.win)[0][..., None] * states.win
    loss = (rates.pace * rates.loss)[0][..., None] * states.loss
    warmth = np.broadcast_to(rates.warmth[0], len(later))
    moves = warmed(np.broadcast_to(states.moves, (len(later), LEVELS, LEVELS)), warmth[:, None])
    older = later.reshape(-1, len(FITS), AGES, LEVELS)[:, :, AGES - 1]
    stays = np.einsum("rde,rfe->rfd", moves, older)[:, :, None].repeat(AGES, axis=2)
    return np.asarray((win + stays.reshape(later.shape)) / (1 + win + loss))
