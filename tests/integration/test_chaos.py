"""The quick form of `make chaos`: everything that can be killed is, once, and nothing is lost."""

import pytest

from bench.chaos.trial import Trial

pytestmark = [pytest.mark.stack, pytest.mark.slow]

KILLS = {"kill worker": 1, "kill warehouse": 1, "kill sender": 1}


def run(tmp_path, log, plan):
    trial = Trial(log=log, plan=plan, mails=2_000, rate=150, mean_gap_seconds=2, seed=1)
    reckoned = trial.run(tmp_path / log, print)
    assert reckoned.sent > 2_000
    assert reckoned.dead_lettered >= 3, "one mail in a thousand is poison"
    assert reckoned.is_clean, reckoned


def test_nothing_is_lost_on_the_local_log(tmp_path):
    run(tmp_path, "sqlite", KILLS | {"write half": 1})


@pytest.mark.kafka
@pytest.mark.parametrize(
    "plan",
    [
        KILLS | {"kill broker": 1},
        {"pause worker": 1, "stop worker": 1, "kill worker": 1, "restart broker": 1},
    ],
    ids=["kills", "rebalances"],
)
def test_nothing_is_lost_by_three_workers_on_kafka(tmp_path, plan, kafka_is_here):
    run(tmp_path, "kafka", plan)
