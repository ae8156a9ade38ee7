"""The laws of the engagement score, on the view that serves the live page and the batch alike."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.company import Company
from contracts.crm_rows import AccountRow
from contracts.rows import ActivityRow, EngagementScoreRow, MatchRow, Row
from contracts.wire import Event
from transforms.rows import to_rows
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
IDS = UUID("5b0c6c3e-6f2a-4e0e-9a4e-0d8c7a3a1c55")
KIM, JO = "kim@ourco.example", "jo@acme.example"
SCORES = "SELECT * FROM live.engagement(as_of = %(as_of)s, weights_version = 'v1')"
ACCOUNTS = ("acme", "globex")


class Score(NamedTuple):
    score: float
    points: dict[str, float]
    activity_count: int
    last_activity_at: datetime | None


@pytest.fixture(autouse=True)
def accounts(writer: Writer) -> None:
    writer.write([account(name) for name in ACCOUNTS])


def account(name: str) -> AccountRow:
    return AccountRow(account_id=name, name=name.title(), source="crm", knowable_at=long_ago())


def long_ago() -> datetime:
    return NOW - timedelta(days=2_000)


def activity(key: object, *, days_ago: float = 1, **changes: Any) -> ActivityRow:
    """Return a mail from Jo of Acme to Kim, unless changed."""
    happened = NOW - timedelta(days=days_ago)
    row = ActivityRow(
        activity_id=uuid5(IDS, str(key)),
        channel="email",
        direction="inbound",
        event_time=happened,
        time_quality="stated",
        knowable_at=happened + timedelta(seconds=30),
        received_at=happened + timedelta(minutes=1),
        source="test",
        message_id="",
        thread_id="",
        subject="",
        body="",
        duration_seconds=0,
        is_automatic=False,
        participant_address=(JO, KIM),
        participant_name=("Jo", "Kim"),
        participant_role=("from", "to"),
        participant_is_ours=(False, True),
    )
    return replace(row, **changes)


def outbound(key: object, **changes: Any) -> ActivityRow:
    told = {"direction": "outbound", "participant_role": ("to", "from"), **changes}
    return activity(key, **told)


def call(key: object, seconds: int, **changes: Any) -> ActivityRow:
    told = {
        "channel": "call",
        "duration_seconds": seconds,
        "participant_role": ("callee", "caller"),
        **changes,
    }
    return outbound(key, **told)


def match(
    row: ActivityRow, account_id: str = "acme", by: str = "rule", seconds: int = 0
) -> MatchRow:
    return MatchRow(
        activity_id=row.activity_id,
        decided_by=by,
        matched_at=NOW + timedelta(seconds=seconds),
        account_id=account_id,
        contact_id="",
        rule="domain" if by == "rule" else "person",
        reason="test",
        candidate_account_id=(account_id,),
        rule_version=1,
        crm_version=long_ago(),
    )


def of_acme(*rows: ActivityRow) -> list[Row]:
    return [*rows, *map(match, rows)]


def scores(reader: Reader, as_of: datetime = NOW) -> dict[str, Score]:
    found = reader.rows(EngagementScoreRow, SCORES, {"as_of": as_of})
    return {
        row.account_id: Score(
            row.score,
            dict(zip(row.component, row.points, strict=True)),
            row.activity_count,
            row.last_activity_at,
        )
        for row in found
    }


def acme(reader: Reader, as_of: datetime = NOW) -> Score:
    return scores(reader, as_of)["acme"]


def assert_same(left: Score, right: Score) -> None:
    """Two scores are the same number, within 1e-9, for the same reasons."""
    assert left.score == pytest.approx(right.score, abs=1e-9)
    assert left.points == pytest.approx(right.points, abs=1e-9)
    assert left[2:] == right[2:]


# The formula, written a second time


def by_formula(reader: Reader, rows: Iterable[ActivityRow], as_of: datetime) -> dict[str, float]:
    """Return the points of each component, as docs/glossary.md defines them."""
    weights = reader.frame("SELECT * FROM ml.engagement_weight FINAL WHERE weights_version = 'v1'")
    masses: dict[str, list[tuple[float, datetime]]] = defaultdict(list)
    people: dict[str, datetime] = {}
    for row in filter(lambda row: counts(row, as_of), rows):
        component, mass = initial_mass(row)
        masses[component].append((mass, row.event_time))
        for person in took_part(row):
            people[person] = max(people.get(person, row.event_time), row.event_time)
    masses["breadth"] = [(1.0, latest) for latest in people.values()]
    points: dict[str, float] = {}
    for weight in weights.to_dict("records"):
        half_life = timedelta(days=weight["half_life_days"])
        aged = [mass * 2 ** -((as_of - at) / half_life) for mass, at in masses[weight["component"]]]
        if aged:
            earned = -math.expm1(-sum(aged) / weight["saturation"])
            points[weight["component"]] = weight["weight"] * earned
    return points


def counts(row: ActivityRow, as_of: datetime) -> bool:
    return (
        row.knowable_at <= as_of
        and as_of - timedelta(days=365) < row.event_time <= as_of
        and row.time_quality != "heard"
        and not row.is_automatic
        and row.direction in ("inbound", "outbound")
    )


def initial_mass(row: ActivityRow) -> tuple[str, float]:
    if row.channel == "call":
        return "call", min(row.duration_seconds / 600, 3)
    if row.channel == "meeting":
        return "meeting", min(row.duration_seconds / 1800, 2)
    return f"email_{row.direction}", 1.0


def took_part(row: ActivityRow) -> list[str]:
    least = {"call": 60, "meeting": 1}.get(row.channel)
    spoke = least is not None and row.duration_seconds >= least
    people = zip(
        row.participant_address, row.participant_role, row.participant_is_ours, strict=True
    )
    return [who for who, role, ours in people if not ours and (role == "from" or spoke)]


@st.composite
def activities(draw: st.DrawFn) -> ActivityRow:
    number = draw(st.integers(0, 10**6))
    days_ago = draw(st.floats(-30, 400) | st.sampled_from([0.0, 365.0]))
    late = draw(st.sampled_from([timedelta(), timedelta(seconds=30), timedelta(days=20)]))
    people = draw(st.lists(st.sampled_from([KIM, JO, "ed@acme.example", "al@acme.example"])))
    happened = NOW - timedelta(days=days_ago)
    return activity(
        number,
        channel=draw(st.sampled_from(["email", "call", "meeting"])),
        direction=draw(st.sampled_from(["inbound", "outbound", "internal", "unknown"])),
        event_time=happened,
        knowable_at=happened + late,
        time_quality=draw(st.sampled_from(["stated", "relayed", "heard"])),
        is_automatic=draw(st.sampled_from([False, False, True])),
        duration_seconds=draw(st.sampled_from([0, 15, 59, 60, 600, 5_000])),
        participant_address=tuple(people),
        participant_name=tuple(people),
        participant_role=tuple(draw(st.sampled_from(["from", "to", "cc"])) for _ in people),
        participant_is_ours=tuple(person == KIM for person in people),
    )


many = st.lists(activities(), max_size=40, unique_by=lambda row: row.activity_id)
on_one_warehouse = hypothesis_settings(
    max_examples=7,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


class OneMore:
    """An account that nobody else has, so that examples do not see each other's rows."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._name, self._writer, self._reader = str(uuid4()), writer, reader
        writer.write([account(self._name)])

    def hears(self, rows: Sequence[ActivityRow], seconds: int = 0) -> list[ActivityRow]:
        """Write activities of this account, under ids of their own."""
        own = [replace(row, activity_id=uuid5(row.activity_id, self._name)) for row in rows]
        self._writer.write([*own, *(match(row, self._name, seconds=seconds) for row in own)])
        return own

    def score(self, as_of: datetime = NOW) -> Score:
        return scores(self._reader, as_of)[self._name]


@on_one_warehouse
@given(many)
def test_the_score_is_the_sum_of_its_reasons_and_they_are_what_the_formula_says(
    writer: Writer, reader: Reader, rows: list[ActivityRow]
) -> None:
    one = OneMore(writer, reader)
    one.hears(rows)
    found = one.score()
    assert found.score == pytest.approx(sum(found.points.values()), abs=1e-12)
    assert found.points == pytest.approx(by_formula(reader, rows, NOW), abs=1e-9)
    assert 0 <= found.score < 100
    counted = [row.event_time for row in rows if counts(row, NOW)]
    assert found.activity_count == len(counted)
    assert found.last_activity_at == max(counted, default=None)


@on_one_warehouse
@given(many, many)
def test_nothing_knowable_after_as_of_changes_the_score(
    writer: Writer, reader: Reader, rows: list[ActivityRow], others: list[ActivityRow]
) -> None:
    one = OneMore(writer, reader)
    then = NOW - timedelta(days=10)
    one.hears(rows)
    before = one.score(then)
    known = {row.activity_id for row in rows}
    soonest = then + timedelta(microseconds=1)
    later = [replace(row, knowable_at=max(row.knowable_at, soonest)) for row in others]
    one.hears([row for row in later if row.activity_id not in known])
    assert_same(one.score(then), before)


@on_one_warehouse
@given(many)
def test_replays_further_copies_and_matching_again_change_no_score(
    writer: Writer, reader: Reader, rows: list[ActivityRow]
) -> None:
    one = OneMore(writer, reader)
    one.hears(rows)
    before = one.score()
    one.hears(rows[::-1])
    one.hears([replace(row, source="other", received_at=NOW) for row in rows], seconds=60)
    assert_same(one.score(), before)


def test_what_batch_stores_is_what_the_view_says(writer: Writer, reader: Reader) -> None:
    writer.write(of_acme(*(activity(n, days_ago=n * 1.37) for n in range(20)), call(20, 725)))
    seen = reader.rows(EngagementScoreRow, SCORES, {"as_of": NOW})
    writer.write(seen)
    stored = reader.rows(
        EngagementScoreRow, "SELECT * FROM ml.engagement_score FINAL ORDER BY account_id"
    )
    assert stored == sorted(seen, key=lambda row: row.account_id)
    assert [row.account_id for row in stored] == list(ACCOUNTS)
    mismatched = "SELECT count() FROM ml.engagement_score WHERE score != arraySum(points)"
    assert reader.value(mismatched) == 0


def test_an_account_without_activity_scores_nothing(reader: Reader) -> None:
    assert scores(reader) == {name: Score(0, {}, 0, None) for name in ACCOUNTS}


def test_an_activity_that_belongs_to_nobody_counts_for_nobody(
    writer: Writer, reader: Reader
) -> None:
    unmatched, undecided = activity(1), activity(2)
    writer.write([unmatched, undecided, match(undecided, account_id="")])
    assert {found.score for found in scores(reader).values()} == {0}


def test_a_choice_of_a_person_wins_over_every_later_rule(writer: Writer, reader: Reader) -> None:
    mail = activity(1)
    writer.write([mail, match(mail, "globex", by="kim"), match(mail, "acme", seconds=3_600)])
    found = scores(reader)
    assert found["globex"].score > 0
    assert found["acme"].score == 0
    writer.write([match(mail, "acme", by="lena", seconds=60)])
    assert scores(reader)["acme"].score > 0, "of two choices, the newer one wins"


def test_the_newest_decision_of_the_rules_wins(writer: Writer, reader: Reader) -> None:
    mail = activity(1)
    writer.write([mail, match(mail, "acme"), match(mail, "globex", seconds=60)])
    found = scores(reader)
    assert (found["acme"].score, found["globex"].activity_count) == (0, 1)


def test_conversations_score_far_above_the_same_number_of_attempts(
    writer: Writer, reader: Reader
) -> None:
    """Ten one-way touches against ten of a real conversation."""
    attempts = [call(f"short {n}", 20) for n in range(5)]
    attempts += [outbound(f"pitch {n}") for n in range(5)]
    talks = [call(f"long {n}", 1_500) for n in range(3)]
    talks += [call(f"callback {n}", 600, direction="inbound") for n in range(2)]
    talks += [activity(f"reply {n}") for n in range(3)] + [outbound(f"ours {n}") for n in range(2)]
    writer.write([*attempts, *talks, *map(match, attempts)])
    writer.write([match(row, "globex") for row in talks])
    found = scores(reader)
    assert found["acme"].activity_count == found["globex"].activity_count == 10
    assert found["acme"].score < 7
    assert found["globex"].score > 40


def test_one_way_volume_never_earns_more_than_its_six_points(
    writer: Writer, reader: Reader
) -> None:
    writer.write(of_acme(*(outbound(n, days_ago=n / 100) for n in range(1, 500))))
    found = acme(reader)
    assert list(found.points) == ["email_outbound"]
    assert 5.9 < found.score <= 6


def test_copying_the_buyer_on_our_own_mail_earns_no_more_than_writing_to_them(
    writer: Writer, reader: Reader
) -> None:
    text = (
        "From: kim@ourco.example\nTo: ravi@ourco.example\nCc: jo@acme.example, al@acme.example\n"
        "Date: Mon, 23 Nov 2026 09:00:00 +0000\nMessage-ID: <{}@ourco.example>\n"
        "Subject: Notes {}\n\nFor our eyes, really."
    )
    heard = [
        Event(
            kind="mail",
            source="test",
            external_id=str(n),
            observer="kim",
            ingest_run="r",
            received_at=NOW,
            payload=text.format(f"internal-note-{n}", n).encode(),
        )
        for n in range(50)
    ]
    rows = [
        row for event in heard for row in to_rows(event, Company(own_domains=("ourco.example",)))
    ]
    mails = [row for row in rows if isinstance(row, ActivityRow)]
    writer.write([*rows, *map(match, mails)])
    found = acme(reader)
    assert len(mails) == 50
    assert list(found.points) == ["email_outbound"]
    assert found.score <= 6


@pytest.mark.parametrize(
    "change",
    [
        {"is_automatic": True},
        {"time_quality": "heard"},
        {"direction": "internal"},
        {"direction": "unknown"},
        {"event_time": NOW - timedelta(days=366)},
    ],
    ids=str,
)
def test_what_is_automatic_untimed_internal_or_old_counts_nothing(
    writer: Writer, reader: Reader, change: dict[str, Any]
) -> None:
    writer.write(of_acme(activity(1, **change)))
    assert acme(reader).score == 0


def test_without_a_new_activity_a_score_only_falls(writer: Writer, reader: Reader) -> None:
    writer.write(of_acme(*(activity(n, days_ago=n + 1) for n in range(10)), call(11, 900)))
    week = [acme(reader, NOW + timedelta(days=days)).score for days in (0, 1, 3, 7)]
    assert week == sorted(week, reverse=True)
    assert week[-1] < week[0]


def test_a_person_counts_once_however_often_they_write(writer: Writer, reader: Reader) -> None:
    writer.write(of_acme(activity(1, days_ago=1)))
    once = acme(reader).points["breadth"]
    writer.write(of_acme(*(activity(n, days_ago=n) for n in range(2, 9))))
    assert acme(reader).points["breadth"] == pytest.approx(once, abs=1e-9)
    ed = ("ed@acme.example", KIM)
    writer.write(of_acme(activity(9, participant_address=ed)))
    assert acme(reader).points["breadth"] > once


def test_a_fraction_of_a_second_of_as_of_counts(writer: Writer, reader: Reader) -> None:
    mail = activity(1, event_time=NOW, knowable_at=NOW)
    writer.write(of_acme(mail))
    assert acme(reader, NOW - timedelta(microseconds=1)).activity_count == 0
    assert acme(reader, NOW).activity_count == 1
