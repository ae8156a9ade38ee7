"""The quick form of the allocation's measurement: few worlds, the same demands."""

import pytest

from bench.allocation import AIM, Learnt, best, by_year, compared, world

pytestmark = pytest.mark.slow

WORLDS = {seed: world(seed) for seed in range(1_000, 1_012)}


@pytest.fixture(scope="module")
def bests():
    return {seed: best(truth) for seed, truth in WORLDS.items()}


def test_where_much_was_learnt_little_is_left_on_the_table(bests):
    found = compared(WORLDS, bests, Learnt(12, 0.1))
    mean = found.regret.mean()
    assert mean["ours"] <= AIM
    assert mean["ours"] <= 0.5 * mean["pro-rata"]
    assert mean["ours"] < min(mean["greedy on mean"], mean["equal split"])
    assert (found.regret >= -1e-3).all(axis=None)  # nobody beats the oracle, to its grid
    assert found.broken == 0


def test_where_little_was_learnt_it_is_still_half_of_pro_rata_s(bests):
    mean = compared(WORLDS, bests, Learnt(2, 0.4)).regret.mean()
    assert mean["ours"] <= 0.5 * mean["pro-rata"]


def test_judging_what_was_allocated_brings_it_nearer(bests):
    regret = by_year(WORLDS, bests, 3)
    assert regret[-1] < 0.8 * regret[0]
