"""Covariates that are measured with error: what share of their variance is what they stand for.

A covariate W = X + U stands for X with reliability Var(X) / Var(W). Adjusting for W as if it were
X leaves part of what X explains in the effect, and no panel alone can tell how much; whoever knows
the measurement can (a test taken twice, two managers' marks of the same people). U must be chance:
unrelated to X, to who was reached given X, and to the outcome. What is made of the outcome itself,
such as last year's sales, is not of that kind.

Fuller, Measurement Error Models (1987); Carroll, Ruppert, Stefanski and Crainiceanu, Measurement
Error in Nonlinear Models (2006), chapters 3, 4 and 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from contracts.errors import UserError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """A column that may explain unequal trends.

    Attributes:
        reliability: the share of its variance between units that is what it stands for, above 0 and
            at most 1; None where nobody has said.
    """

    name: str
    reliability: float | None = None

    @property
    def noise(self) -> float:
        """The share of its variance that is error; nothing where nobody has said."""
        return 0.0 if self.reliability is None else 1 - self.reliability


def covariates_of(
    names: Sequence[str], reliability: Mapping[str, float] | None
) -> tuple[Covariate, ...]:
    """Return the covariates with the reliability that was stated of them.

    Raises:
        UserError: if one is stated of what is no covariate, or is not above 0 and at most 1.
    """
    stated = dict(reliability or {})
    for name, value in stated.items():
        if name not in names:
            raise UserError(
                f"a reliability is stated of {name}, which is no covariate: they are {[*names]}"
            )
        if not _is_share(value):
            raise UserError(
                f"the reliability of {name} is {value}: it must be above 0 and at most 1, the "
                "share of its variance that is what it stands for"
            )
    return tuple(Covariate(name=name, reliability=stated.get(name)) for name in names)


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) <= 1


def calibrated(measured: Floats, noise: Floats, group: Whole) -> Floats:
    """Return what each unit's covariates let expect of what they stand for (n x K).

    Regression calibration within groups, so that each keeps its own mean: E(X | W) =
    m + (I - N V^-1)(W - m), with m and V the group's mean and covariance of W, and N the errors'
    covariance (Carroll and others, 2006, chapter 4). It is exact where X and U are normal within
    groups. A group in which noise is all there is to see is left at its mean.

    Args:
        measured: n x K, each of unit variance over all units.
        noise: the share of each column's variance that is error (K).
        group: the number of each unit's group (n).
    """
    told = np.empty_like(measured)
    for each in np.unique(group):
        own = measured[group == each]
        middle = own.mean(axis=0)
        spread = np.atleast_2d(np.cov(own.T, ddof=0))
        kept = np.eye(len(noise)) - np.linalg.pinv(spread) * noise
        is_told = np.linalg.eigvals(kept).real.min() > 0
        told[group == each] = middle + ((own - middle) @ kept if is_told else 0.0)
    return told
