import numpy as np
import pandas as pd
import pytest

from models.effect import NotEstimable
from models.synthetic import simplex_weights, synthetic_control, synthetic_did


def panel(*, effect=0.0, others=12, start=15, periods=24, seed=1):
    """One treated region that is a mixture of the first three others, with noise."""
    random = np.random.default_rng(seed)
    walks = 100 + random.normal(0, 3, (others, periods)).cumsum(axis=1)
    treated = walks[:3].T @ np.array([0.5, 0.3, 0.2])[:others] + random.normal(0, 0.3, periods)
    treated[np.arange(1, periods + 1) >= start] += effect
    outcome = np.vstack([treated, walks])
    return pd.DataFrame(
        {
            "unit": np.repeat([f"region-{each:02}" for each in range(others + 1)], periods),
            "period": np.tile(np.arange(1, periods + 1), others + 1),
            "outcome": outcome.ravel(),
            "start": np.repeat([start, *[0] * others], periods),
        }
    )


def test_a_mixture_is_found_again_and_with_it_the_effect():
    found = synthetic_control(panel(effect=20.0))
    assert found.effect == pytest.approx(20, abs=1.5)
    assert list(found.weights)[:3] == ["region-01", "region-02", "region-03"]
    assert sum(found.weights.values()) == pytest.approx(1, abs=1e-3)
    assert found.p_value == pytest.approx(1 / 13)
    assert synthetic_did(panel(effect=20.0)) == pytest.approx(20, abs=4)


def test_without_an_effect_the_treated_stands_out_no_more_often_than_others_do():
    p_values = [synthetic_control(panel(seed=seed)).p_value for seed in range(40)]
    # at most 10 % of 40 at the 10 % level, if it is one of many: 9 or more come once in 60 runs
    assert sum(p <= 0.1 for p in p_values) <= 8


def test_weights_are_never_negative_and_sum_to_one():
    random = np.random.default_rng(3)
    weights = simplex_weights(random.normal(size=(8, 20)), random.normal(size=8))
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"others": 2}, "2 others"),
        ({"start": 3}, "2 periods before"),
        ({"start": 0}, "0 different starts"),
    ],
)
def test_too_little_to_mix_from_is_refused(change, said):
    with pytest.raises(NotEstimable, match=said):
        synthetic_control(panel(**({"others": 12} | change)))
