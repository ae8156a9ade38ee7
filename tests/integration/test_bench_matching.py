"""A small simulated company, matched beside its sealed answer: the bench's quick form."""

import pytest

from bench.matching import figures_of, judge
from simulator.scenario import Scenario

pytestmark = pytest.mark.slow


def test_accounts_are_right_where_they_are_named_and_what_is_certain_is_right():
    judged = judge(Scenario(), seed=7, reps=4, months=4).again
    values = {figure.metric: figure.value for figure in figures_of("quick", judged)}
    assert values["quick: account: precision"] >= 0.99
    assert values["quick: account: recall"] >= 0.95
    assert values["quick: account: certain and wrong"] == 0
    assert values["quick: account: certain"] > 500
    assert values["quick: opportunity: precision"] >= 0.9
