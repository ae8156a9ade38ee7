"""The live page's counters say what the views say of the same rows, however messy these are."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from pydantic import SecretStr

from contracts.rows import ActivityRow, MatchRow
from dashboard import queries
from tests.integration.test_engagement_view import ACCOUNTS, NOW, account, activity, match
from warehouse.connection import connect
from warehouse.erase import Eraser
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

PARAMS = {"now": queries.moment(NOW), "today": queries.moment(NOW.replace(hour=0, minute=0))}
AS_THE_VIEWS_HAVE_IT = """
    SELECT
        countIf(event_time >= %(today)s) AS today,
        countIf(event_time > %(now)s - INTERVAL 1 HOUR) AS last_hour,
        countIf(event_time >= %(today)s - INTERVAL 7 DAY
            AND event_time <= %(now)s - INTERVAL 7 DAY) AS week_before,
        uniqExactIf(account_id,
            account_id != '' AND event_time > %(now)s - INTERVAL 7 DAY) AS engaged,
        (SELECT count() FROM live.account) AS accounts,
        countIf(direction != 'internal' AND NOT is_automatic) AS outside,
        countIf(direction != 'internal' AND NOT is_automatic AND account_id = '') AS unmatched
    FROM live.activity
    WHERE event_time > %(now)s - INTERVAL 30 DAY AND event_time <= %(now)s
"""
DAYS_AGO = (-1, 0, 0.01, 0.2, 0.6, 3, 6.99, 7, 7.2, 7.52, 8, 29.99, 30, 40)


def asked(reader: Reader, sql: str) -> dict[str, int]:
    found = reader.frame(sql, PARAMS).iloc[0]
    return {str(name): int(number) for name, number in found.items()}


def heard(random: Random, keys: Sequence[int]) -> list[ActivityRow]:
    return [
        activity(
            key,
            days_ago=random.choice(DAYS_AGO),
            direction=random.choice(["inbound", "outbound", "internal"]),
            is_automatic=random.random() < 0.2,
        )
        for key in keys
    ]


def decided(random: Random, keys: Sequence[int]) -> list[MatchRow]:
    """Return decisions, some of them of activities that were never heard."""
    return [
        match(
            activity(key),
            random.choice([*(f"account-{number}" for number in range(30)), "", "", ""]),
            random.choice(["rule", "rule", "jo", "kim"]),
            random.choice([0, 60]),
        )
        for key in keys
    ]


@pytest.mark.parametrize("seed", range(4))
def test_rows_heard_again_moved_decided_anew_and_erased_are_counted_as_the_views_do(
    warehouse_url: SecretStr, reader: Reader, writer: Writer, seed: int
) -> None:
    random = Random(seed)
    writer.write([account(name) for name in ACCOUNTS])
    connect(warehouse_url).execute("SYSTEM STOP MERGES")
    try:
        for _ in range(6):
            writer.write(heard(random, random.sample(range(400), 150)))
            writer.write(decided(random, random.choices(range(450), k=150)))
            assert asked(reader, queries.FIGURES) == asked(reader, AS_THE_VIEWS_HAVE_IT)
        stored_again = "SELECT count() - uniqExact(activity_id) FROM raw.activity"
        assert reader.value(stored_again) > 0
    finally:
        connect(warehouse_url).execute("SYSTEM START MERGES")
    before = asked(reader, queries.FIGURES)
    eraser = Eraser(warehouse_url)
    eraser.remove([activity(key).activity_id for key in range(0, 400, 5)], "test")
    eraser.close()
    found = asked(reader, queries.FIGURES)
    assert found == asked(reader, AS_THE_VIEWS_HAVE_IT)
    assert 0 < found["outside"] < before["outside"]
    assert 0 < found["unmatched"] < found["outside"]
    assert min(found.values()) > 0


def test_a_choice_outlasts_the_rule_and_a_decision_written_again_replaces_itself(
    reader: Reader, writer: Writer
) -> None:
    row = activity(1)
    writer.write([row, match(row, "acme", by="kim"), match(row, "globex", seconds=60)])
    assert asked(reader, queries.FIGURES)["unmatched"] == 0
    writer.write([match(row, "", by="kim")])
    assert asked(reader, queries.FIGURES)["unmatched"] == 1
    assert asked(reader, queries.FIGURES)["engaged"] == 0


def test_an_empty_warehouse_has_no_figures(reader: Reader) -> None:
    assert set(asked(reader, queries.FIGURES).values()) == {0}


def test_freshness_is_of_what_came_live_in_the_last_hour(
    warehouse_url: SecretStr, reader: Reader, writer: Writer
) -> None:
    nothing = reader.frame(queries.FRESHNESS).iloc[0]
    assert (nothing["live"], nothing["brought_in"]) == (0, 0)
    assert nothing[["newest_at", "p50_seconds", "p99_seconds"]].isna().all()
    stored = Stored(warehouse_url)
    stored(delay=500, ago=61)
    old = reader.frame(queries.FRESHNESS).iloc[0]
    assert old["live"] == 0
    assert abs(old["looked_at"] - old["newest_at"] - timedelta(minutes=61)) < timedelta(minutes=1)
    stored(delay=2, ago=10)
    stored(delay=900, ago=5, is_live=False, count=40)
    stored(delay=700, ago=3, disposition="excluded")
    new = reader.frame(queries.FRESHNESS).iloc[0]
    assert (new["live"], new["brought_in"]) == (3, 40)
    assert (new["p50_seconds"], new["p99_seconds"]) == (2, 2)
    assert new["newest_at"] > old["newest_at"]


def test_an_activity_that_came_live_and_was_brought_in_as_well_is_told_as_both(
    warehouse_url: SecretStr, reader: Reader, writer: Writer
) -> None:
    stored = Stored(warehouse_url)
    stored(delay=2, ago=10, activity=1)
    stored(delay=4, ago=9, activity=1)
    stored(delay=900, ago=8, activity=1, is_live=False)
    seen = reader.frame(queries.FRESHNESS).iloc[0]
    assert (seen["live"], seen["brought_in"]) == (3, 3)
    assert (seen["p50_seconds"], seen["p99_seconds"]) == (4, 4)


class Stored:
    """Stores copies of activities, a few at a time, each under a name of its own."""

    def __init__(self, warehouse_url: SecretStr) -> None:
        self._client = connect(warehouse_url)
        self._times = 0

    def __call__(
        self,
        *,
        delay: int,
        ago: int,
        is_live: bool = True,
        disposition: str = "activity",
        count: int = 3,
        activity: int | None = None,
    ) -> None:
        """Store copies that were heard `delay` seconds before that, `ago` minutes ago."""
        self._times += 1
        told = {
            "delay": delay, "ago": ago, "is_live": is_live, "disposition": disposition,
            "count": count, "times": self._times,
            "activity": self._times if activity is None else activity + 1_000,
        }  # fmt: skip
        for insert in (_ACTIVITIES, _SIGHTINGS):
            self._client.execute(insert, told)


_ACTIVITIES = """
    INSERT INTO raw.activity (activity_id, received_at, ingested_at)
    SELECT reinterpretAsUUID(sipHash128(%(activity)s, number)), at - toIntervalSecond(%(delay)s), at
    FROM (SELECT number, now64(6) - toIntervalMinute(%(ago)s) AS at FROM numbers(%(count)s))
"""
_SIGHTINGS = """
    INSERT INTO raw.sighting (
        source, external_id, disposition, activity_id, received_at, is_live, ingested_at)
    SELECT
        'test', toString(%(times)s) || '/' || toString(number), %(disposition)s,
        reinterpretAsUUID(sipHash128(%(activity)s, number)),
        at - toIntervalSecond(%(delay)s), %(is_live)s, at
    FROM (SELECT number, now64(6) - toIntervalMinute(%(ago)s) AS at FROM numbers(%(count)s))
"""
