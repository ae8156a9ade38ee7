"""A person is found in what the match agent is told, also where a mail only speaks of them."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.company import Company
from contracts.topics import ACTIVITIES
from contracts.wire import Recorded, RecordedBatch, encode
from ingest.log_traces import LogTraces
from local.log.store import Draft, Log, Place

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WHO = "jo@acme.com"


@pytest.mark.parametrize(
    "told",
    [{"outside": (WHO,)}, {"subject": f"Fwd: {WHO}"}, {"opening": f"Please ask {WHO} instead."}],
)
def test_only_the_activity_that_tells_of_a_person_goes_from_its_batch(tmp_path, told):
    log = Log(tmp_path / "log.db", partitions=1)
    log.create(ACTIVITIES.name, 1)
    batch = RecordedBatch(
        activities=(
            Recorded(activity_id=UUID(int=1), event_time=NOW, **({"outside": ()} | told)),
            Recorded(activity_id=UUID(int=2), event_time=NOW, outside=("al@acme.com",)),
        )
    )
    log.append([Draft(ACTIVITIES.name, None, encode(batch))])
    traces = LogTraces(log, re.compile(re.escape(WHO)), Company())
    assert traces.count() == 1
    place = Place(ACTIVITIES.name, 0)
    log.commit("readers", {place: 1})
    assert traces.take_out() == 1
    (kept,) = log.read(place, 0, 10)
    assert kept.value == encode(RecordedBatch(activities=batch.activities[1:]))
