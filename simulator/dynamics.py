"""What a deal does in a month: how its engagement moves, and how likely it is won or lost.

A deal's state is (fit, age, engagement): fit stays, age is `first month` or `later`, engagement is
a Markov chain on a grid of five levels (Rouwenhorst's approximation of an AR(1), in Kopecky & Suen,
Review of Economic Dynamics 13, 2010). A month ends it with

    P(won) = w / (1 + w + l),  P(lost) = l / (1 + w + l),
    w = pace * win_odds * exp(skill_win * skill + fit_win * fit + engagement_win * engagement + ...)

and l alike: a multinomial logit of competing risks. As states are few and deals come as a Poisson
process, the wins of a month are Poisson given the latent paths, with a mean that a matrix gives
exactly: the panel form (`stock.py`) needs no deals, the other forms (`pipeline.py`) follow each.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from simulator.scenario import Deals, Engagement, Scenario

FITS: Final = np.array([-1.0, 1.0])
AGES: Final = 2
LEVELS: Final = 5
STATES: Final = len(FITS) * AGES * LEVELS


@dataclass(frozen=True)
class Rates:
    """The rates of one month, by world and seat; each broadcasts to W x R.

    Attributes:
        opened: deals that are opened.
        win, loss: odds, before a deal's own fit, age and engagement.
        pace: a factor on both.
        warmth: the chance that an open deal warms by one step; below 0, that it cools.
    """

    opened: np.ndarray
    win: np.ndarray
    loss: np.ndarray
    pace: np.ndarray
    warmth: np.ndarray


@dataclass(frozen=True)
class Dynamics:
    """The constants of the states, flat in the order (fit, age, engagement).

    Attributes:
        levels: the grid of engagement, in sd.
        at_first: the chances of the levels of a new deal.
        moves: engagement's monthly transition matrix (rows sum to 1).
        win, loss: what fit, age and engagement multiply odds by, by state.
        opening: the chances of the states of a new deal.
    """

    levels: np.ndarray
    at_first: np.ndarray
    moves: np.ndarray
    win: np.ndarray
    loss: np.ndarray
    opening: np.ndarray


@lru_cache(maxsize=64)
def _dynamics(deals: Deals, engagement: Engagement) -> Dynamics:
    levels, moves = rouwenhorst(LEVELS, engagement.persistence)
    at_first = _at_first(levels, engagement.at_first)
    pace = np.array([deals.first_month_pace, 1.0])
    opening = np.zeros((len(FITS), AGES, LEVELS))
    opening[:, 0, :] = at_first / len(FITS)
    return Dynamics(
        levels=levels,
        at_first=at_first,
        moves=moves,
        win=_factors(deals.fit_win, deals.engagement_win, pace, levels),
        loss=_factors(deals.fit_loss, deals.engagement_loss, pace, levels),
        opening=opening.ravel(),
    )


def dynamics_of(scenario: Scenario) -> Dynamics:
    """Return the constants of a scenario's deals."""
    return _dynamics(scenario.deals, scenario.engagement)


def rouwenhorst(count: int, persistence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid and a transition matrix with mean 0, sd 1 and this autocorrelation, exactly."""
    p = (1 + persistence) / 2
    moves = np.array([[p, 1 - p], [1 - p, p]])
    for size in range(3, count + 1):
        wide = np.zeros((size, size))
        for (down, across), weight in {(0, 0): p, (0, 1): 1 - p, (1, 0): 1 - p, (1, 1): p}.items():
            wide[down : size - 1 + down, across : size - 1 + across] += weight * moves
        wide[1:-1] /= 2
        moves = wide
    edge = np.sqrt(count - 1)
    return np.linspace(-edge, edge, count), moves


def warmed(share: np.ndarray, warmth: np.ndarray) -> np.ndarray:
    """Return the distribution over levels (last axis) after some have moved by one step.

    Args:
        share: of the deals, by level.
        warmth: the chance of a step up, below 0 of a step down; broadcast against `share[..., 0]`.
    """
    up, down = np.maximum(warmth, 0)[..., None], np.maximum(-warmth, 0)[..., None]
    moved = share * (1 - up - down)
    moved[..., 1:] += up * share[..., :-1]
    moved[..., -1:] += up * share[..., -1:]
    moved[..., :-1] += down * share[..., 1:]
    moved[..., :1] += down * share[..., :1]
    return np.asarray(moved)


def _at_first(levels: np.ndarray, mean: float) -> np.ndarray:
    """Return the binomial chances of the levels, as the stationary ones are, but with this mean."""
    count = len(levels) - 1
    chance = np.clip(0.5 + mean / (2 * levels[-1]), 0.01, 0.99)
    ways = np.array([1.0, 4.0, 6.0, 4.0, 1.0])
    step = np.arange(count + 1)
    return np.asarray(ways * chance**step * (1 - chance) ** (count - step))


def _factors(fit: float, engagement: float, pace: np.ndarray, levels: np.ndarray) -> np.ndarray:
    own = np.exp(fit * FITS)[:, None, None] * np.exp(engagement * levels)
    return np.asarray((own * pace[None, :, None]).ravel())
