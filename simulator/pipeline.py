"""The slow engine: every deal by itself, month by month, in every world with the same draws."""

from dataclasses import dataclass, fields

import numpy as np

from simulator.chance import Chance
from simulator.company import Bookings
from simulator.dynamics import AGES, FITS, LEVELS, Rates, dynamics_of
from simulator.latent import Latent
from simulator.pricing import Pricing
from simulator.scenario import Scenario
from simulator.stock import Stock

OPEN, WON, LOST = 0, 1, 2


@dataclass(frozen=True)
class Deals:
    """The deals of the company as it was, in order of opening (D).

    Attributes:
        seat, account: where it belongs; accounts are numbered within their seat.
        product: its place in the scenario's products.
        amount: in major units.
        fit: 0 poor, 1 good.
        opened, closed: months; `opened` is -1 for what the history finds open, `closed` while a
            deal is open.
        outcome: OPEN, WON or LOST.
    """

    seat: np.ndarray
    account: np.ndarray
    product: np.ndarray
    amount: np.ndarray
    fit: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True)
class DealMonths:
    """A row for each month in which a deal was open as the month began, or opened in it.

    Attributes:
        deal, month: which.
        level: of engagement, its place in the grid.
        win, loss: the true chances that it is won or lost within the month.
    """

    deal: np.ndarray
    month: np.ndarray
    level: np.ndarray
    win: np.ndarray
    loss: np.ndarray


@dataclass
class _Open:
    """The deals that are open in some world (n); `alive` and `level` are W x n."""

    number: np.ndarray
    seat: np.ndarray
    amount: np.ndarray
    fit: np.ndarray
    opened: np.ndarray
    alive: np.ndarray
    level: np.ndarray

    def where(self, kept: np.ndarray) -> "_Open":
        return _Open(*(getattr(self, each.name)[..., kept] for each in fields(self)))

    def joined(self, new: "_Open") -> "_Open":
        parts = ((getattr(self, each.name), getattr(new, each.name)) for each in fields(self))
        return _Open(*(np.concatenate(pair, axis=-1) for pair in parts))


class Pipeline:
    """Follows every deal; after the last month it tells of all of them."""

    def __init__(self, scenario: Scenario, latent: Latent, chance: Chance) -> None:
        self._worlds = 1 + 2 * len(scenario.investments)
        self._dynamics = dynamics_of(scenario)
        self._moves = self._dynamics.moves.cumsum(axis=1)
        self._pricing = Pricing(scenario, latent)
        self._stock = Stock(scenario, latent.dose.size)
        self._rng = chance.outcome
        self._count = 0
        self._static: list[tuple[np.ndarray, ...]] = []
        self._open: _Open
        self._months: list[tuple[np.ndarray, ...]] = []
        self._ends: list[tuple[np.ndarray, ...]] = []

    def live(self, month: int, rates: Rates) -> Bookings:
        """Live through a month."""
        if month == 0:
            self._open = self._found(self._stock.warm_up(rates))
        self._open = self._open.joined(self._new(month, rates.opened))
        won, lost = self._ended(month, rates)
        amount = self._by_seat(won * self._open.amount, rates.opened.shape[1])
        self._open.alive = self._open.alive & ~won & ~lost
        self._open = self._open.where(np.flatnonzero(self._open.alive.any(axis=0)))
        self._move(rates)
        return Bookings(amount, self._stock.wins(rates) * self._pricing.mean)

    @property
    def deals(self) -> Deals:
        """All deals of the company as it was."""
        table = [np.concatenate(column) for column in zip(*self._static, strict=True)]
        seat, account, product, amount, fit, opened, is_real = table
        closed, outcome = np.full(seat.size, -1), np.zeros(seat.size, int)
        for deal, month, end in self._ends:
            closed[deal], outcome[deal] = month, end
        kept = (seat, account, product, amount, fit, opened, closed, outcome)
        return Deals(*(column[is_real] for column in kept))

    @property
    def deal_months(self) -> DealMonths:
        """The true state of every deal in every month; deals are numbered as in `deals`."""
        is_real = np.concatenate([each[-1] for each in self._static])
        number = is_real.cumsum() - 1
        deal, *rest = (np.concatenate(column) for column in zip(*self._months, strict=True))
        return DealMonths(number[deal], *rest)

    def _found(self, stock: np.ndarray) -> _Open:
        """Draw the deals that are open as the history begins: Poisson, as all of the stock is."""
        count = self._rng.poisson(stock)
        seat, state = (
            each.repeat(count.ravel()) for each in np.indices(stock.shape).reshape(2, -1)
        )
        everywhere = np.ones((self._worlds, seat.size), bool)
        return self._noted(seat, state // (AGES * LEVELS), -1, everywhere, state % LEVELS)

    def _new(self, month: int, opened: np.ndarray) -> _Open:
        """Draw the deals that are opened in a month, in some world."""
        rng, most = self._rng, opened.max(axis=0)
        seat = np.repeat(np.arange(most.size), rng.poisson(most))
        fit = rng.integers(0, len(FITS), seat.size)
        level = np.searchsorted(self._dynamics.at_first.cumsum(), rng.random(seat.size))
        alive = rng.random(seat.size) * most[seat] < opened[:, seat]
        return self._noted(seat, fit, month, alive, np.minimum(level, LEVELS - 1))

    def _noted(
        self, seat: np.ndarray, fit: np.ndarray, month: int, alive: np.ndarray, level: np.ndarray
    ) -> _Open:
        """Number deals, draw what they are worth, and keep what never changes of them."""
        rng, count = self._rng, seat.size
        account, product = self._pricing.accounts(rng, seat), self._pricing.products(rng, count)
        amount = self._pricing.amounts(rng, seat, account, product)
        when = np.full(count, month)
        self._static.append((seat, account, product, amount, fit, when, alive[0]))
        number = self._count + np.arange(count)
        self._count += count
        worlds = (np.broadcast_to(each, (self._worlds, count)) for each in (alive, level))
        return _Open(number, seat, amount, fit, when, *worlds)

    def _ended(self, month: int, rates: Rates) -> tuple[np.ndarray, np.ndarray]:
        """Draw which deals are won and lost, by world; note the truth of the real one."""
        deals, shape = self._open, (self._worlds, len(rates.opened[0]))
        age = np.minimum(month - deals.opened, AGES - 1)
        state = (deals.fit * AGES + age) * LEVELS + deals.level
        win = np.broadcast_to(rates.pace * rates.win, shape)[:, deals.seat]
        loss = np.broadcast_to(rates.pace * rates.loss, shape)[:, deals.seat]
        win, loss = win * self._dynamics.win[state], loss * self._dynamics.loss[state]
        odds = 1 + win + loss
        chance = self._rng.random(deals.seat.size)
        won = deals.alive & (chance < win / odds)
        lost = deals.alive & (chance > 1 - loss / odds)
        self._note(month, won[0], lost[0], (win / odds)[0], (loss / odds)[0])
        return won, lost

    def _note(
        self, month: int, won: np.ndarray, lost: np.ndarray, win: np.ndarray, loss: np.ndarray
    ) -> None:
        deals, real = self._open, self._open.alive[0]
        months = np.full(int(real.sum()), month)
        self._months.append(
            (deals.number[real], months, deals.level[0, real], win[real], loss[real])
        )
        for ended, outcome in ((won, WON), (lost, LOST)):
            self._ends.append((deals.number[ended], np.array(month), np.array(outcome)))

    def _move(self, rates: Rates) -> None:
        """Let engagement move, up or down, then be warmed by events."""
        deals, rng = self._open, self._rng
        draw = rng.random(deals.seat.size)
        level = (draw[:, None] > self._moves[deals.level]).sum(axis=-1)
        warmth = np.broadcast_to(rates.warmth, (len(rates.warmth), len(rates.opened[0])))
        warmth = warmth[:, deals.seat]
        is_warmed = rng.random(deals.seat.size) < np.abs(warmth)
        level = level + np.where(is_warmed, np.sign(warmth), 0).astype(int)
        deals.level = np.clip(level, 0, LEVELS - 1)

    def _by_seat(self, amount: np.ndarray, reps: int) -> np.ndarray:
        return np.array([np.bincount(self._open.seat, each, reps) for each in amount])
