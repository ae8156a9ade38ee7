"""The score is the same number whether its facts were built never, just now, or since changed."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import SecretStr

from contracts.crm_rows import AccountRow
from contracts.rows import ActivityRow
from tests.integration.test_engagement_view import (
    ACCOUNTS,
    JO,
    KIM,
    NOW,
    activity,
    call,
    match,
    outbound,
    scores,
)
from tests.integration.test_engagement_view import by_formula as points_of
from tests.warehouse_tables import empty
from warehouse.connection import connect
from warehouse.engagement import build, distrust
from warehouse.erase import Eraser, Person
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

AT_ONCE = timedelta()
BEGUN = datetime(2020, 1, 1, tzinfo=UTC)
ED = "ed@acme.example"
FACTS = "SELECT count() FROM live.engagement_fact FINAL"
UNBUILT = "SELECT uniqExact(activity_id) FROM live.engagement_unbuilt"
EVIDENCE = """
    SELECT account_id, component, activity_id, person, event_time, mass
    FROM live.engagement_evidence(as_of = %(as_of)s, weights_version = 'v1')
    ORDER BY ALL
"""
CHANGE = """
    SELECT account_id, score, earlier_score
    FROM live.engagement_change(as_of = %(as_of)s, before = %(before)s, weights_version = 'v1')
"""


@pytest.fixture(autouse=True)
def accounts(writer: Writer) -> None:
    open_accounts(writer)


def open_accounts(writer: Writer) -> None:
    writer.write(
        [
            AccountRow(account_id=name, name=name.title(), source="crm", knowable_at=BEGUN)
            for name in ACCOUNTS
        ]
    )


def points(reader: Reader, as_of: datetime = NOW) -> dict[str, dict[str, float]]:
    return {name: found.points for name, found in scores(reader, as_of).items()}


# Whatever happens, in whatever order

POOL = [
    activity(1),
    activity(2, days_ago=9, participant_address=(ED, KIM)),
    outbound(3, days_ago=40),
    call(4, 1_500, days_ago=2),
    activity(5, days_ago=364.9),
    activity(6, days_ago=0.5, channel="meeting", duration_seconds=3_600),
]
STEPS = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from(POOL)),
    st.tuples(
        st.just("hear"),
        st.sampled_from(POOL).flatmap(
            lambda row: st.sampled_from(
                [
                    replace(row, is_automatic=True),
                    replace(row, time_quality="heard"),
                    replace(row, duration_seconds=30),
                    replace(row, event_time=row.event_time - timedelta(days=3)),
                    replace(row, knowable_at=NOW + timedelta(days=1)),
                    replace(row, participant_address=("al@acme.example", KIM)),
                ]
            )
        ),
    ),
    st.tuples(
        st.just("match"),
        st.tuples(
            st.sampled_from(POOL),
            st.sampled_from([*ACCOUNTS, ""]),
            st.sampled_from(["rule", "kim"]),
            st.integers(0, 3),
        ),
    ),
    st.tuples(st.just("build"), st.sampled_from([AT_ONCE, timedelta(minutes=10)])),
    st.tuples(st.just("remove"), st.sampled_from(POOL)),
    st.tuples(st.just("distrust"), st.none()),
)


@hypothesis_settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_the_score_is_what_the_formula_says_of_what_raw_holds(
    warehouse_url: SecretStr, writer: Writer, reader: Reader, steps: list[tuple[str, Any]]
) -> None:
    empty(warehouse_url)
    open_accounts(writer)
    heard: dict[UUID, ActivityRow] = {}
    decided: dict[UUID, dict[tuple[str, int], str]] = {}
    for verb, what in steps:
        if verb == "hear":
            writer.write([what])
            heard[what.activity_id] = what
        elif verb == "match":
            row, account_id, by, seconds = what
            writer.write([match(row, account_id, by, seconds)])
            decided.setdefault(row.activity_id, {})[by, seconds] = account_id
        elif verb == "build":
            build(warehouse_url, what, page=2)
        elif verb == "remove":
            eraser = Eraser(warehouse_url)
            eraser.remove([what.activity_id], "test")
            eraser.close()
            heard.pop(what.activity_id, None)
            decided.pop(what.activity_id, None)
        else:
            distrust(warehouse_url)
    current = {
        key: max(told.items(), key=lambda choice: (choice[0][0] != "rule", choice[0][1]))[1]
        for key, told in decided.items()
    }
    for as_of in (NOW, NOW - timedelta(days=5)):
        found = points(reader, as_of)
        for name in ACCOUNTS:
            own = [row for key, row in heard.items() if current.get(key) == name]
            assert found[name] == pytest.approx(points_of(reader, own, as_of), abs=1e-9)


# What is relied on


def test_what_was_built_is_read_and_not_worked_out_again(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    rows = [activity(n) for n in range(5)]
    writer.write([*rows, *map(match, rows)])
    before = points(reader)
    assert reader.value(UNBUILT) == 5
    assert build(warehouse_url, AT_ONCE) == 5
    assert (reader.value(UNBUILT), reader.value(FACTS)) == (0, 5)
    connect(warehouse_url).execute("TRUNCATE TABLE raw.activity")
    after = points(reader)
    assert after["acme"] == pytest.approx(before["acme"], abs=1e-9)


def test_a_row_that_may_still_be_on_its_way_is_not_relied_on(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    writer.write([activity(1), match(activity(1))])
    build(warehouse_url)
    assert (reader.value(FACTS), reader.value(UNBUILT)) == (1, 1)


def test_a_building_that_began_before_the_facts_were_distrusted_restores_no_trust(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    writer.write([activity(1), match(activity(1))])
    began = reader.frame("SELECT now64(6, 'UTC') AS at")["at"][0].to_pydatetime()
    distrust(warehouse_url)
    connect(warehouse_url).execute(
        "INSERT INTO live.engagement_build SELECT toDateTime64(%(at)s, 6, 'UTC'), now64(6, 'UTC')",
        {"at": f"{began:%Y-%m-%d %H:%M:%S.%f}"},
    )
    assert reader.value(UNBUILT) == 1
    build(warehouse_url, AT_ONCE)
    assert reader.value(UNBUILT) == 0


def test_facts_of_what_raw_no_longer_holds_go_with_the_next_building(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    """As where a building wrote what it had read before an erasure."""
    rows = [activity(n) for n in range(3)]
    writer.write([*rows, *map(match, rows)])
    build(warehouse_url, AT_ONCE)
    connect(warehouse_url).execute("TRUNCATE TABLE raw.activity")
    distrust(warehouse_url)
    assert scores(reader)["acme"].score == 0
    build(warehouse_url, AT_ONCE)
    assert reader.value("SELECT count() FROM live.engagement_fact") == 0
    assert scores(reader)["acme"].score == 0


def test_an_erased_person_leaves_the_facts_and_the_score_stays_what_raw_says(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    shared = activity(1, channel="meeting", duration_seconds=1_800,
                      participant_address=(JO, ED, KIM), participant_name=("Jo", "Ed", "Kim"),
                      participant_role=("from", "to", "to"),
                      participant_is_ours=(False, False, True))  # fmt: skip
    alone = activity(2)
    writer.write([shared, alone, match(shared), match(alone)])
    build(warehouse_url, AT_ONCE)
    eraser = Eraser(warehouse_url)
    person = Person(r"(^|\W)jo@acme\.example(\W|$)", "erased-1", {})
    assert eraser.count(person)["live.engagement_fact"] == 2
    eraser.sweep(person, "test")
    assert not eraser.count(person)
    eraser.close()
    told = points(reader)["acme"]
    assert told.keys() == {"meeting", "breadth"}
    build(warehouse_url, AT_ONCE)
    assert points(reader)["acme"] == pytest.approx(told, abs=1e-9)
    people = "SELECT arraySort(groupUniqArrayArray(took_part)) FROM live.engagement_fact FINAL"
    assert reader.value(people) == [ED, "erased-1"]


# The views over them


@pytest.mark.parametrize("is_built", [False, True], ids=["recounted", "built"])
def test_the_evidence_of_an_account_sums_to_its_points(
    warehouse_url: SecretStr, writer: Writer, reader: Reader, is_built: bool
) -> None:
    rows = [*POOL, activity(7, participant_address=("", KIM))]
    writer.write([*rows, *map(match, rows)])
    if is_built:
        build(warehouse_url, AT_ONCE)
    frame = reader.frame(EVIDENCE, {"as_of": NOW})
    assert len(frame) == len(rows) + len({JO, ED, ""})
    weights = reader.frame("SELECT * FROM ml.engagement_weight FINAL WHERE weights_version = 'v1'")
    weights = weights.set_index("component")
    mass = frame.groupby("component")["mass"].sum()
    earned = -weights["weight"] * (-mass / weights["saturation"]).map(math.expm1)
    assert points(reader)["acme"] == pytest.approx(earned.dropna().to_dict(), abs=1e-9)


def test_a_change_is_the_difference_of_two_scores(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    """Also of what was heard late, and of what a year ended in between."""
    late = activity(8, days_ago=12, knowable_at=NOW - timedelta(days=1))
    leaving = outbound(9, days_ago=368)
    rows = [*POOL, late, leaving]
    writer.write([*rows, *map(match, rows[:-2]), match(late), match(leaving, "globex")])
    build(warehouse_url, AT_ONCE)
    before = NOW - timedelta(days=7)
    frame = reader.frame(CHANGE, {"as_of": NOW, "before": before}).set_index("account_id")
    for name, found in scores(reader, NOW).items():
        assert frame["score"][name] == pytest.approx(found.score, abs=1e-9)
    for name, found in scores(reader, before).items():
        assert frame["earlier_score"][name] == pytest.approx(found.score, abs=1e-9)
    assert frame["earlier_score"]["globex"] > 0 == frame["score"]["globex"]


def test_the_facts_of_one_account_alone_are_read(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    client = connect(warehouse_url)
    client.execute(
        "INSERT INTO live.engagement_fact SELECT 'A' || toString(number % 50), generateUUIDv4(), "
        "now64(6), now64(6), 'call', 1, [], 0, now64(6) FROM numbers(1000000)"
    )
    client.execute("INSERT INTO live.engagement_build SELECT now64(6), now64(6)")
    asked = "EXPLAIN ESTIMATE SELECT * FROM live.engagement(as_of = %(as_of)s, "
    asked += "weights_version = 'v1') WHERE account_id = 'A7'"
    frame = reader.frame(asked, {"as_of": NOW}).set_index("table")
    assert frame["rows"]["engagement_fact"] < 100_000
