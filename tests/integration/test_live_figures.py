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


def test_freshness_counts_the_last_hour_and_knows_the_newest_of_any(
    warehouse_url: SecretStr, reader: Reader, writer: Writer
) -> None:
    nothing = reader.frame(queries.FRESHNESS).iloc[0]
    assert nothing["stored"] == 0
    assert nothing[["newest_at", "p50_seconds", "p99_seconds"]].isna().all()
    client = connect(warehouse_url)
    stored = (
        "INSERT INTO raw.activity (activity_id, received_at, ingested_at) "
        "SELECT generateUUIDv4(number), at - toIntervalSecond(%(delay)s), at "
        "FROM (SELECT number, now64(6) - toIntervalMinute(%(ago)s) AS at FROM numbers(3))"
    )
    client.execute(stored, {"delay": 500, "ago": 61})
    old = reader.frame(queries.FRESHNESS).iloc[0]
    assert old["stored"] == 0
    assert abs(old["looked_at"] - old["newest_at"] - timedelta(minutes=61)) < timedelta(minutes=1)
    client.execute(stored, {"delay": 2, "ago": 10})
    new = reader.frame(queries.FRESHNESS).iloc[0]
    assert (new["stored"], new["p50_seconds"], new["p99_seconds"]) == (3, 2, 2)
    assert new["newest_at"] > old["newest_at"]
