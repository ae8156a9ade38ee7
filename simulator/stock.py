"""The fast engine: bookings without deals, exact in distribution.

Deals are opened as a Poisson process, and each goes its own way given the latent paths. So the wins
of a seat and month are Poisson, and their mean follows from the expected number of open deals in
each state (the marking theorem; Kingman, Poisson Processes, 1993). The test
`test_panel_and_deals_agree_in_distribution` holds this against the deals that `pipeline.py` follows
one by one.

In every world the same draws decide: of the wins of the richest world, each is kept in another with
the ratio of the means.
"""

import numpy as np

from simulator.chance import Chance
from simulator.company import Bookings
from simulator.dynamics import AGES, FITS, LEVELS, STATES, Rates, dynamics_of, warmed
from simulator.latent import Latent
from simulator.pricing import Pricing
from simulator.scenario import Scenario

_MONTHS_BEFORE = 12


class Stock:
    """The expected open deals by world, seat and state (W x R x S), moved month by month.

    It has one world until a month's rates tell several apart.
    """

    def __init__(self, scenario: Scenario, reps: int) -> None:
        self._dynamics = dynamics_of(scenario)
        self._open = np.zeros((1, reps, STATES))
        self._is_warmed = any(each.kind == "event" for each in scenario.investments)
        self._step = _aged_and_moved(self._dynamics.moves)

    def warm_up(self, rates: Rates) -> np.ndarray:
        """Let months like the first pass before it; return the deals it finds open (R x S)."""
        for _ in range(_MONTHS_BEFORE):
            self.wins(rates)
        self._open = self._open[:1]
        return np.asarray(self._open[0])

    def wins(self, rates: Rates) -> np.ndarray:
        """Live through a month; return its expected wins, by world and seat."""
        states = self._dynamics
        here = self._open + rates.opened[..., None] * states.opening
        win = (rates.pace * rates.win)[..., None] * states.win
        odds = win + (rates.pace * rates.loss)[..., None] * states.loss
        odds += 1.0
        stay = here / odds
        self._open = self._moved(stay, rates)
        return np.asarray(np.einsum("wrs,wrs->wr", stay, win))

    def _moved(self, stay: np.ndarray, rates: Rates) -> np.ndarray:
        by_fit = stay.reshape(-1, AGES * LEVELS) @ self._step
        if self._is_warmed:
            by_level = by_fit.reshape(*stay.shape[:2], len(FITS) * AGES, LEVELS)
            by_fit = warmed(by_level, rates.warmth[..., None])
        return np.asarray(by_fit.reshape(-1, *stay.shape[1:]))


class StockEngine:
    """Draws bookings from the expected wins of the stock."""

    def __init__(self, scenario: Scenario, latent: Latent, chance: Chance) -> None:
        self._stock = Stock(scenario, latent.dose.size)
        self._pricing = Pricing(scenario, latent)
        self._rng = chance.panel

    def live(self, month: int, rates: Rates) -> Bookings:
        """Live through a month."""
        if month == 0:
            self._stock.warm_up(rates)
        wins = self._stock.wins(rates)
        return Bookings(self._amounts(wins), wins * self._pricing.mean)

    def _amounts(self, mean: np.ndarray) -> np.ndarray:
        """Draw the amounts won, by world and seat."""
        worlds, reps = mean.shape
        most = mean.max(axis=0)
        seat = np.repeat(np.arange(reps), self._rng.poisson(most))
        amount = self._pricing.draw(self._rng, seat)
        mark = self._rng.random(seat.size)
        if worlds == 1:
            return np.bincount(seat, amount, reps)[None]
        kept = (mark * most[seat] < mean[:, seat]) * amount
        cell = seat + reps * np.arange(worlds)[:, None]
        return np.bincount(cell.ravel(), kept.ravel(), worlds * reps).reshape(mean.shape)


def _aged_and_moved(moves: np.ndarray) -> np.ndarray:
    """Return the transition matrix over (age, engagement): every deal grows older."""
    older = np.zeros((AGES, AGES))
    older[:, AGES - 1] = 1
    return np.kron(older, moves)
