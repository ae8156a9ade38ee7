"""No before and after: people compared once, by lot or by what is known of them.

- `difference_of_means`: where a lot was drawn, plain means are the effect (Neyman, 1923);
- `doubly_robust`: where people were chosen by what is known of them. Outcomes and the chance to be
  reached are both predicted, on halves of the data that they are not used on (cross-fitting), and
  either may be wrong (AIPW; Robins, Rotnitzky and Zhao, JASA 89, 1994; Chernozhukov et al.,
  Econometrics Journal 21, 2018).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import special

from models.effect import NotEstimable

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

TRIM: Final = (0.1, 0.9)
"""Kept are those whose chance to be reached lies between: the rule of thumb of Crump, Hotz, Imbens
and Mitnik (Biometrika 96, 2009), fixed before any answer is looked at."""
_CONFIDENCE: Final = 0.95
_FOLDS: Final = 5
_REPEATS: Final = 11
_FEWEST: Final = 10


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """An effect on those reached, with its 95 % interval.

    Attributes:
        kept_treated, kept_others: how many it rests on, after trimming.
    """

    effect: float
    std_error: float
    low: float
    high: float
    kept_treated: int
    kept_others: int


def difference_of_means(outcome: Floats, reached: Flags) -> Contrast:
    """Return the difference of means of a lot, with the error that allows unequal spreads (n).

    Raises:
        NotEstimable: if either group has fewer than two.
    """
    told, others = np.asarray(outcome, float)[reached], np.asarray(outcome, float)[~reached]
    if min(len(told), len(others)) < 2:  # noqa: PLR2004 a spread takes two
        raise NotEstimable(f"{len(told)} reached and {len(others)} others: it takes two of each.")
    error = np.sqrt(told.var(ddof=1) / len(told) + others.var(ddof=1) / len(others))
    return _contrast(float(told.mean() - others.mean()), float(error), reached)


def doubly_robust(
    outcome: Floats,
    reached: Flags,
    covariates: Floats,
    *,
    trim: tuple[float, float] = TRIM,
    seed: int = 0,
) -> Contrast:
    """Return the effect on those reached (ATT), by cross-fitted AIPW with logistic and linear fits.

    The median over several splits, so that none decides; its error has their spread in it.

    Args:
        outcome: of each person (n).
        reached: who was reached (n).
        covariates: what was known before (n x k).
        trim: chances to be reached between which people are kept; fix it before you look.
        seed: of the splits.

    Raises:
        NotEstimable: if too few are left after trimming.
    """
    y, x = np.asarray(outcome, float), np.asarray(covariates, float)
    chance = _chances(x, reached, np.random.default_rng(seed))
    kept = (chance >= trim[0]) & (chance <= trim[1])
    if min(int((reached & kept).sum()), int((~reached & kept).sum())) < _FEWEST:
        raise NotEstimable(
            f"{int((reached & kept).sum())} reached and {int((~reached & kept).sum())} others have "
            f"a chance between {trim[0]} and {trim[1]} to be reached: nobody alike to compare with."
        )
    y, x, told = y[kept], x[kept], reached[kept]
    splits = [
        _split(y, told, x, np.random.default_rng(seed + 1 + each)) for each in range(_REPEATS)
    ]
    effects, errors = (np.array(each) for each in zip(*splits, strict=True))
    effect = float(np.median(effects))
    error = float(np.sqrt(np.median(errors**2 + (effects - effect) ** 2)))
    return _contrast(effect, error, told)


def _split(y: Floats, told: Flags, x: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Return the effect on the reached and its error of one split into folds."""
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415 slow to import

    chance, without = np.empty(len(y)), np.empty(len(y))
    for fold in _folds(told, rng):
        rest = ~fold
        chance[fold] = _fitted(x[rest], told[rest]).predict_proba(_rich(x[fold], x[rest]))[:, 1]
        free = rest & ~told
        ridge = RidgeCV(np.logspace(-2, 3, 11)).fit(_rich(x[free], x[rest]), y[free])
        without[fold] = ridge.predict(_rich(x[fold], x[rest]))
    chance = np.clip(chance, 0.01, 0.99)
    share = told.mean()
    weight = np.where(told, 1.0, -chance / (1 - chance))
    gain = weight * (y - without) / share
    effect = float(gain.mean())
    influence = gain - told * effect / share
    return effect, float(influence.std(ddof=1) / np.sqrt(len(y)))


def _chances(x: Floats, reached: Flags, rng: np.random.Generator) -> Floats:
    chance = np.empty(len(x))
    for fold in _folds(reached, rng):
        model = _fitted(x[~fold], reached[~fold])
        chance[fold] = model.predict_proba(_rich(x[fold], x[~fold]))[:, 1]
    return chance


def _fitted(x: Floats, told: Flags) -> Any:  # noqa: ANN401 untyped library
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 slow to import

    return LogisticRegression(max_iter=5_000).fit(_rich(x, x), told)


def _rich(x: Floats, base: Floats) -> Floats:
    """Return covariates standardised as the base is, with their squares."""
    spread = base.std(axis=0)
    z = (x - base.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.hstack([z, np.clip(z, -5, 5) ** 2])


def _folds(told: Flags, rng: np.random.Generator) -> list[Flags]:
    """Return folds with as many of the reached in each."""
    number = np.empty(len(told), int)
    for group in (told, ~told):
        place = rng.permutation(np.flatnonzero(group))
        number[place] = np.arange(len(place)) % _FOLDS
    return [number == fold for fold in range(_FOLDS)]


def _contrast(effect: float, error: float, told: Flags) -> Contrast:
    reach = float(special.ndtri((1 + _CONFIDENCE) / 2)) * error
    return Contrast(
        effect=effect,
        std_error=error,
        low=effect - reach,
        high=effect + reach,
        kept_treated=int(told.sum()),
        kept_others=int((~told).sum()),
    )
