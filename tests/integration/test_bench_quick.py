"""The quick form of `make bench`: few events, our path, and the limit where its environment is."""

from collections.abc import Iterator

import pytest

from bench.throughput.contenders import LIMIT, ON_KAFKA, ON_SQLITE, missing
from bench.throughput.race import Race, race
from tests.services import need

pytestmark = [pytest.mark.kafka, pytest.mark.stack]

EVENTS = 3_000


@pytest.fixture(scope="module")
def course(kafka_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    with race(tmp_path_factory.mktemp("bench"), EVENTS) as course:
        yield course


@pytest.mark.parametrize(
    ("contender", "events_a_message"), [(ON_KAFKA, 1), (ON_KAFKA, 100), (ON_SQLITE, 1)]
)
def test_our_path_stores_every_event_of_the_bench_exactly_once(course, contender, events_a_message):
    run = course.run(contender, events_a_message)
    assert 0 < run.cpu_seconds < 30
    assert run.peak_bytes < 1_000_000_000


def test_the_limit_stores_every_event_of_the_bench_exactly_once(course):
    why = missing()
    need(not why, why)
    assert course.run(LIMIT, 1).cpu_seconds > 0


def test_a_contender_that_stores_too_little_has_no_figure(course):
    table = "bench.too_little"
    course.judge.make(table)
    with pytest.raises(AssertionError, match="too_little"):
        course.judge.check(table)
