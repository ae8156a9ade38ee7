"""The write-back's rules, on any sequence of runs and of people's edits."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX, Noted, write_back
from contracts.clock import ManualClock
from contracts.errors import Retryable
from contracts.rows import CrmWriteRow

CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
SCORE = f"{OWN_PREFIX}engagement_score"
FIELDS = ("website", "phone", SCORE)
EDITS = st.tuples(st.sampled_from(FIELDS), st.sampled_from(["", "a", "b"]))
WANTED = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from("abc"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("person"), EDITS, st.none()),
        # a run, and the edits that people make between its reads and its writes
        st.tuples(st.just("run"), WANTED, st.lists(EDITS, max_size=3)),
    ),
    max_size=12,
)


class Shelf:
    """A CRM in memory, whose people may interfere between our read and our write."""

    name = "shelf"

    def __init__(self, *ids: str) -> None:
        self.held = {object_id: dict.fromkeys(FIELDS, "") for object_id in ids or ("A",)}
        self.version = dict.fromkeys(self.held, 0)
        self.interfere: list[tuple[str, str]] = []
        self.refuses: set[str] = set()
        self.away_at = ""
        self.writes = 0

    @property
    def values(self) -> dict[str, str]:
        return self.held["A"]

    def edit(self, field: str, value: str, object_id: str = "A") -> None:
        self.held[object_id][field] = value
        self.version[object_id] += 1

    def fillable(self, object_type: str) -> frozenset[str]:
        return frozenset({"website", "phone"})

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        read = {
            i: Record(str(self.version[i]), {f: v for f, v in self.held[i].items() if f in fields})
            for i in ids
            if i in self.held
        }
        if self.interfere:
            self.edit(*self.interfere.pop(0))
        return read

    def write(self, object_type: str, changes: Sequence[Change]) -> Iterator[tuple[str, Answer]]:
        for change in changes:
            if change.object_id == self.away_at:
                raise Retryable("the shelf is away")
            yield change.object_id, self._write(change)

    def _write(self, change: Change) -> Answer:
        if change.object_id in self.refuses:
            return Answer(Outcome.FAILED, "the shelf refuses")
        if change.version != str(self.version[change.object_id]):
            return Answer(Outcome.CONFLICT)
        self.writes += 1
        for field, value in change.values.items():
            self.edit(field, value, change.object_id)
        return Answer(Outcome.WRITTEN)


def _run(
    shelf: Shelf,
    desired: Mapping[str, Mapping[str, str]],
    run_id: UUID | None = None,
    noted: Noted | None = None,
) -> list[CrmWriteRow]:
    run_id = run_id or uuid4()
    batches = write_back(shelf, "account", desired, run_id=run_id, clock=CLOCK, noted=noted or {})
    return [row for batch in batches for row in batch]


@given(STEPS)
def test_a_field_that_a_person_filled_in_never_changes_by_our_hand(steps):
    shelf = Shelf()
    by_people: dict[str, str] = {}
    for who, what, meanwhile in steps:
        if who == "person":
            shelf.edit(*what)
            by_people |= [what]
            continue
        shelf.interfere = list(meanwhile)
        _run(shelf, {"A": what})
        by_people |= meanwhile[: len(meanwhile) - len(shelf.interfere)]
        for field, value in by_people.items():
            if value and not field.startswith(OWN_PREFIX):
                assert shelf.values[field] == value


@given(WANTED)
def test_a_second_run_writes_nothing(desired):
    shelf = Shelf()
    _run(shelf, {"A": desired})
    before = shelf.writes
    again = _run(shelf, {"A": desired})
    assert shelf.writes == before
    assert {row.outcome for row in again} <= {"unchanged"}


@given(STEPS)
def test_the_ledger_says_what_the_crm_held_and_holds(steps):
    shelf = Shelf()
    for who, what, _ in steps:
        if who == "person":
            shelf.edit(*what)
            continue
        before = dict(shelf.values)
        rows = _run(shelf, {"A": what})
        assert {row.field for row in rows} == set(what)
        assert {row.field: row.old_value for row in rows} == {f: before[f] for f in what}
        written = {row.field: row.new_value for row in rows if row.outcome == "written"}
        assert shelf.values == before | written


@given(STEPS)
def test_an_own_field_that_is_no_longer_what_was_noted_is_told(steps):
    shelf = Shelf()
    ledger: dict[tuple[str, str], str] = {}
    for who, what, _ in steps:
        if who == "person":
            shelf.edit(*what)
            continue
        held = shelf.values[SCORE]
        rows = {row.field: row for row in _run(shelf, {"A": what}, noted=ledger)}
        if SCORE in rows:
            edited = ledger.get(("A", SCORE), held) != held
            assert ("no longer what we last noted" in rows[SCORE].detail) == edited
            ledger["A", SCORE] = rows[SCORE].new_value


@given(STEPS)
def test_a_field_that_we_filled_and_a_person_emptied_stays_empty(steps):
    shelf = Shelf()
    ledger: dict[tuple[str, str], str] = {}
    emptied: set[str] = set()
    for who, what, _ in steps:
        if who == "person":
            field, value = what
            is_ours = ledger.get(("A", field)) and not field.startswith(OWN_PREFIX)
            emptied = emptied | {field} if is_ours and not value else emptied - {field}
            shelf.edit(field, value)
            continue
        for row in _run(shelf, {"A": what}, noted=ledger):
            if row.outcome in ("written", "unchanged"):
                ledger["A", row.field] = row.new_value
        assert all(shelf.values[field] == "" for field in emptied)


def test_our_number_that_the_crm_shows_in_its_own_way_is_no_edit_and_not_written_again():
    shelf = Shelf()
    shelf.edit(SCORE, "42.00")
    (row,) = _run(shelf, {"A": {SCORE: "42"}}, noted={("A", SCORE): "42"})
    assert (row.outcome, row.detail, shelf.writes) == ("unchanged", "", 0)


def test_an_edit_between_our_read_and_our_write_wins():
    shelf = Shelf()
    shelf.interfere = [("website", "theirs")]
    (row,) = _run(shelf, {"A": {"website": "ours"}})
    assert (shelf.values["website"], row.outcome) == ("theirs", "kept")


def test_an_edit_of_another_field_only_makes_us_look_again():
    shelf = Shelf()
    shelf.interfere = [("phone", "1")]
    (row,) = _run(shelf, {"A": {"website": "ours"}})
    assert (shelf.values["website"], row.outcome) == ("ours", "written")


def test_a_record_that_changes_all_the_time_is_left_alone():
    shelf = Shelf()
    shelf.interfere = [("phone", "1"), ("phone", "2"), ("phone", "3")]
    (row,) = _run(shelf, {"A": {"website": "ours"}})
    assert (shelf.values["website"], row.outcome) == ("", "kept")


def test_an_own_field_is_set_even_over_an_edit():
    shelf = Shelf()
    shelf.edit(SCORE, "a person's")
    (row,) = _run(shelf, {"A": {SCORE: "42"}})
    assert (row.outcome, row.old_value, shelf.values[SCORE]) == ("written", "a person's", "42")


def test_an_unknown_record_is_failed_and_never_made():
    shelf = Shelf()
    (row,) = _run(shelf, {"nobody": {SCORE: "42"}})
    assert row.outcome == "failed"
    assert "no such record" in row.detail
    assert shelf.writes == 0
    assert "nobody" not in shelf.held


def test_a_field_that_the_crm_does_not_show_is_not_taken_for_empty():
    shelf = Shelf()
    (row,) = _run(shelf, {"A": {"fax": "1"}})
    assert (row.outcome, shelf.writes) == ("failed", 0)
    assert "no such field" in row.detail


def test_a_record_that_fails_does_not_stop_the_others():
    shelf = Shelf("A", "B", "C")
    shelf.refuses = {"B"}
    rows = _run(shelf, {i: {SCORE: "42"} for i in "ABC"})
    assert [(row.object_id, row.outcome) for row in rows] == [
        ("A", "written"),
        ("B", "failed"),
        ("C", "written"),
    ]
    assert rows[1].detail == "the shelf refuses"


def test_what_was_written_before_the_crm_went_away_is_in_the_ledger_and_nothing_else():
    shelf = Shelf("A", "B", "C")
    shelf.away_at = "B"
    batches = write_back(
        shelf, "account", {i: {SCORE: "42"} for i in "ABC"}, run_id=uuid4(), clock=CLOCK
    )
    assert [(row.object_id, row.outcome) for row in next(batches)] == [("A", "written")]
    with pytest.raises(Retryable):
        next(batches)


def test_after_a_crash_before_the_ledger_the_next_run_notes_the_value_and_writes_nothing():
    shelf = Shelf()
    next(write_back(shelf, "account", {"A": {SCORE: "42"}}, run_id=uuid4(), clock=CLOCK))
    (row,) = _run(shelf, {"A": {SCORE: "42"}})
    assert (row.outcome, row.new_value, shelf.writes) == ("unchanged", "42", 1)


def test_a_run_that_is_taken_up_again_replaces_none_of_its_rows():
    shelf = Shelf()
    run_id = uuid4()
    (first,) = _run(shelf, {"A": {SCORE: "42"}}, run_id)
    CLOCK.advance(timedelta(seconds=1))
    (second,) = _run(shelf, {"A": {SCORE: "42"}}, run_id)
    assert (first.outcome, second.outcome) == ("written", "unchanged")
    assert first.write_id != second.write_id
