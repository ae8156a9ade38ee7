"""Chance that repeats itself: one tree of generators from the seed, a branch for each concern.

What one concern draws never shifts what another draws: the panel, the activities and the messages
of one seed share people, territories, markets and roll-outs.
"""

from dataclasses import dataclass

import numpy as np

VERSION = "simulator/5"
"""Changes whenever the same scenario and seed would give another company."""


@dataclass(frozen=True)
class Chance:
    """A generator for each concern; new ones are appended, so that the others stay as they are."""

    people: np.random.Generator
    market: np.random.Generator
    staffing: np.random.Generator
    adoption: np.random.Generator
    outcome: np.random.Generator
    directory: np.random.Generator
    talk: np.random.Generator
    dirt: np.random.Generator
    text: np.random.Generator
    panel: np.random.Generator
    timeline: np.random.Generator
    naming: np.random.Generator
    roles: np.random.Generator
    leads: np.random.Generator
    places: np.random.Generator


def chance_of(seed: int) -> Chance:
    """Return the generators of a seed."""
    names = Chance.__dataclass_fields__
    children = np.random.SeedSequence(seed).spawn(len(names))
    return Chance(*(np.random.Generator(np.random.PCG64(child)) for child in children))


def ar1(
    rng: np.random.Generator, shape: tuple[int, ...], sd: float, persistence: float
) -> np.ndarray:
    """Draw stationary AR(1) paths along the first axis, each with this sd."""
    noise = rng.normal(0.0, sd, shape)
    noise[1:] *= np.sqrt(1 - persistence**2)
    for step in range(1, shape[0]):
        noise[step] += persistence * noise[step - 1]
    return noise
