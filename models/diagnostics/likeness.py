"""Whether those reached are like those compared: in what they sold before, and in covariates."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy import special, stats

from models.comparison import Comparison
from models.diagnostics.before import Drift
from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.effect import NotEstimable
from models.grid import Flags, Floats
from models.imputation import Mean, fit, mean_gain
from models.score import rooted, t_test

FAR: Final = 0.25
"""Standard deviations apart from which a comparison leans on its model (Imbens and Rubin, Causal
Inference for Statistics, Social, and Biomedical Sciences, 2015, chapter 14)."""
_RELIABLE: Final = 0.8
"""Of a covariate of which nobody has said more: a good test of skill; many are worse."""
_NINE_OF_TEN: Final = 1.28
_MATERIAL: Final = 0.05
_OF_ERROR: Final = 0.1
"""A bias of a tenth of the standard error leaves a 95 % interval at 94.9 %."""
_BEYOND: Final = 0.25
_ANSWERED: Final = 3.0
_FEWEST: Final = 3


def chosen(found: Comparison) -> tuple[float, float, float]:
    """Return how far above the others those reached were before, beyond what covariates explain.

    In standard deviations, as a share of what the others sold, and its p-value. Both the distance
    and the test are of normal scores: levels are skewed, and one great territory would drown the
    rest. Who had left when the first were reached is left out: a leaver could not be chosen, and
    sold less.
    """
    grid = found.model.grid
    first = grid.start.min()
    early = found.model.untreated & (np.arange(len(grid.periods)) < first)
    there = early.any(axis=1) & grid.seen[:, first:].any(axis=1)
    early, reached, sold = early[there], grid.reached[there], grid.outcome[there]
    if min(int(reached.sum()), int((~reached).sum())) < _FEWEST:
        return 0.0, 0.0, 1.0
    level = _level(rooted(sold), early)
    scores = special.ndtri((stats.rankdata(level) - 0.5) / len(level))
    design = np.column_stack([grid.features[there], reached])
    noise = np.array([*grid.noise, 0.0])
    inverse = np.linalg.pinv(design.T @ design - len(level) * np.diag(noise))
    told = inverse @ design.T @ scores
    left = scores - design @ told
    gap = float(told[-1])
    influence = (design * left[:, None] + noise * told) @ inverse[-1]
    _, p_value = t_test(gap, influence, found.freedom, grid.cluster[there])
    usual = float(sold[~reached][early[~reached]].mean())
    above = _level(sold, early)
    share = (above[reached].mean() - above[~reached].mean()) / max(usual, 1e-9)
    return gap, float(share), p_value


def _level(value: Floats, early: Flags) -> Floats:
    """Return how far each unit's early months lay above the mean of all in the same months (n)."""
    usual = (value * early).sum(axis=0) / np.maximum(early.sum(axis=0), 1)
    return np.asarray(((value - usual) * early).sum(axis=1) / early.sum(axis=1))


def selection(found: Comparison, drift: Drift) -> Suspicion:
    """Test that those reached sold as much as the others before, beyond what covariates explain.

    A level drops out of the comparison, yet it says that people were chosen; and where levels
    differ, so may growth (Roth and Sant'Anna, Econometrica 91, 2023: parallel trends of unlike
    groups hang on the scale they are drawn in). Where the months before rule out that unlike growth
    makes up a third of the effect, half of what would be left, they have answered the question.

    Where they have not, the sign must stand at the end of the interval that is nearest to nothing,
    against a drift in either direction: those reached may have fallen behind before by chance, and
    an effect is no sturdier for it.
    """
    apart, share, p_value = chosen(found)
    more = "more" if apart > 0 else "less"
    amount = "far" if abs(share) > 1 else f"{abs(share):.0%}"
    has_covariates = found.model.grid.features.shape[1] > 1
    beyond = "beyond what the covariates explain" if has_covariates else "and nothing here says why"
    effect = found.estimate
    least = max(effect.low, -effect.high, 0.0)
    is_sturdy = drift.survived_by(least) > 1
    survived = drift.survived_by(effect.effect)
    is_answered = survived > _ANSWERED
    return suspicion(
        "selection",
        apart,
        p_value if abs(apart) > FAR and not is_answered else 1.0,
        weight=1.5,
        loud="warn" if is_sturdy else "refuse",
        quiet=(
            "Those reached were unlike the others in level before, and did not grow unlike them: "
            f"at most {1 / survived:.0%} of the effect could be such growth."
            if is_answered and abs(apart) > FAR
            else "Before anybody was reached, those to be reached sold about as much as the others."
        ),
        alarm=(
            f"Those reached sold {amount} {more} than the others before anybody was "
            f"reached, {beyond} (p = {p_value:.3f}): they were chosen, and whoever is unlike in "
            "level may be unlike in growth."
            + (
                ""
                if is_sturdy
                else " So little drift as these months can't rule out would do it all."
            )
        ),
    )


def overlap(found: Comparison) -> Diagnostic:
    """Say whether the compared have covariates like those of the reached."""
    features = found.model.grid.features[:, 1:]
    reached = np.asarray(found.cells.any(axis=1))
    compared = np.asarray(found.model.untreated.any(axis=1) & ~reached)
    beyond = max(_outside(column, reached, compared) for column in features.T)
    return Diagnostic(
        name="overlap",
        verdict="warn" if beyond > _BEYOND else "pass",
        statistic=beyond,
        words=(
            f"{beyond:.0%} of those reached lie beyond all but a few of the compared in a "
            "covariate: what they would have sold is carried over from people unlike them."
            if beyond > _BEYOND
            else "Those reached have counterparts among the compared in every covariate."
        ),
    )


def resting_on(found: Comparison) -> Diagnostic:
    """Say how much of the effect rests on covariates being exact, of which nobody has said so.

    It is what correcting for a reliability of 80 % would take away. Counted is the most that this
    may be in nine cases of ten: how the untreated moved by a covariate is itself an estimate.
    """
    grid, effect = found.model.grid, found.gain
    unsaid = [each.name for each in grid.covariates if each.reliability is None]
    if not unsaid:
        words = "How reliable each covariate is was stated, and is allowed for."
        return Diagnostic(name="proxy", verdict="pass", words=words)
    names = " and ".join(unsaid)
    try:
        left = _left_of(found, _RELIABLE)
    except NotEstimable:
        words = (
            f"Nobody has said how reliable {names} is, and were it {_RELIABLE:.0%}, nothing could "
            "be told: state its reliability, the share of its differences that is real."
        )
        return Diagnostic(name="proxy", verdict="warn", words=words)
    most = abs(left.value) + _NINE_OF_TEN * left.std_error()
    is_much = most > max(_MATERIAL * abs(effect.value), _OF_ERROR * effect.std_error())
    share = most / max(abs(effect.value), 1e-300)
    return Diagnostic(
        name="proxy",
        verdict="warn" if is_much else "pass",
        statistic=share,
        words=(
            f"The effect leans on {names}, and nobody has said how well that is measured. Were "
            f"{_RELIABLE:.0%} of its differences real and the rest chance, an amount of up to "
            f"{share:.0%} of the effect would come from who was chosen, not from the investment. "
            "State its reliability, and it is allowed for: 1 if it is exact, else how well two "
            "measurements of the same people agree (their correlation)."
            if is_much
            else f"Were {names} only {_RELIABLE:.0%} reliable, at most {share:.0%} of the effect "
            "would be due to that: it does not lean on it."
        ),
    )


def _left_of(found: Comparison, reliability: float) -> Mean:
    """Return what of the effect would go if covariates of which nothing is said had this."""
    grid, model = found.model.grid, found.model
    lowered = tuple(
        replace(each, reliability=reliability) if each.reliability is None else each
        for each in grid.covariates
    )
    again = fit(replace(grid, covariates=lowered), proportional=False, untreated=model.untreated)
    less = mean_gain(again, found.cells)
    return Mean(
        value=found.gain.value - less.value,
        influence=found.gain.influence - less.influence,
        cells=less.cells,
    )


def _outside(column: Floats, reached: Flags, compared: Flags) -> float:
    """Return the share of the reached outside of all but the compared's outermost 2 %."""
    low, high = np.quantile(column[compared], [0.01, 0.99])
    return float(((column[reached] < low) | (column[reached] > high)).mean())
