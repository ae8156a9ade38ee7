"""What the untreated would show of something that the model has no word for: score tests.

A regressor (a drift of those reached, a dip just before, the share of reached team mates) is added
to a fitted model, in one step from the fit: exact for the additive form, a score test for the
proportional one, in which the coefficient is on the logarithmic scale.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from models.grid import Floats, Whole
from models.imputation import Fit, clustered_error

_LEAST = 0.05


@dataclass(frozen=True, kw_only=True)
class Added:
    """The coefficient of an added regressor.

    Attributes:
        influence: of each cluster on it, at its first unit (n).
        cleared: the regressor in all cells, freed of what the model explains already (n x T).
    """

    coefficient: float
    influence: Floats
    cleared: Floats


def t_test(
    value: float, influence: Floats, freedom: int, cluster: Whole | None = None
) -> tuple[float, float]:
    """Return Student's t of a value and its two-sided p-value; 0 and 1 where it tells nothing.

    Errors are by unit, or by cluster.
    """
    error = clustered_error(influence, cluster)
    statistic = value / error if error > 0 else 0.0
    return statistic, float(2 * special.stdtr(max(freedom, 1), -abs(statistic)))


def added(model: Fit, regressor: Floats) -> Added:
    """Add a regressor (n x T) to a model of the untreated."""
    features = model.grid.features
    centred = regressor - (model.share * regressor).sum(axis=1, keepdims=True)
    path = model.steps((model.weight * centred).T @ features)
    explained = features @ path.T
    explained -= (model.share * explained).sum(axis=1, keepdims=True)
    cleared = centred - explained
    own = (model.weight * cleared**2).sum(axis=1) - model.noise(path, path)
    told = float(own.sum())
    if told <= 1e-9 * float((model.weight * regressor**2).sum()):
        return Added(coefficient=0.0, influence=np.zeros(len(features)), cleared=cleared)
    scores = model.grid.summed(
        (model.residual * cleared).sum(axis=1) - model.noise(path, model.theta)
    )
    coefficient = float(scores.sum() / told)
    own = model.grid.summed(own)
    # each cluster against what the others say of it, as the jackknife has it: few units carry much
    influence = (scores - coefficient * own) / np.maximum(told - own, _LEAST * told)
    return Added(coefficient=coefficient, influence=influence, cleared=cleared)


def rooted(outcome: Floats) -> Floats:
    """Return the square roots of outcomes, with their signs.

    A sum of so many deals a month has a variance in proportion to its mean; its root varies about
    alike at every level (Bartlett, Biometrics 3, 1947), and hangs less on a few great deals.
    """
    return np.asarray(np.sign(outcome) * np.sqrt(np.abs(outcome)))
