import numpy as np
import pytest

from models.crosssection import difference_of_means, doubly_robust
from models.effect import NotEstimable


def people(seed=1, count=1_500):
    """Skill chooses who is reached, and sells; being reached adds 2."""
    random = np.random.default_rng(seed)
    covariates = random.normal(size=(count, 3))
    reached = random.random(count) < 1 / (1 + np.exp(-covariates[:, 0]))
    outcome = 5 + 3 * covariates[:, 0] + covariates[:, 1] + 2 * reached + random.normal(size=count)
    return outcome, reached, covariates


def test_means_of_a_lot_are_the_effect_with_neymans_error():
    outcome, reached = np.array([1.0, 3.0, 0.0, 1.0]), np.array([True, True, False, False])
    found = difference_of_means(outcome, reached)
    assert found.effect == pytest.approx(1.5)
    assert found.std_error == pytest.approx(np.sqrt(2 / 2 + 0.5 / 2))


def test_who_was_chosen_by_skill_is_compared_with_the_likewise_skilled():
    outcome, reached, covariates = people()
    naive = difference_of_means(outcome, reached).effect
    found = doubly_robust(outcome, reached, covariates)
    assert naive > 3.5
    assert found.low < 2 < found.high
    assert found.effect == pytest.approx(2, abs=0.3)


def test_nobody_alike_is_refused():
    outcome, reached, covariates = people(count=400)
    with pytest.raises(NotEstimable, match="nobody alike"):
        doubly_robust(outcome, reached, covariates + 50 * reached[:, None])


def test_one_person_is_no_group():
    with pytest.raises(NotEstimable, match="two of each"):
        difference_of_means(np.ones(3), np.array([True, False, False]))
