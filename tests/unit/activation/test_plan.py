"""The write-back's rules, on any sequence of runs and of people's edits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX, write_back
from contracts.clock import ManualClock

CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
SCORE = f"{OWN_PREFIX}engagement_score"
FIELDS = ("website", "phone", SCORE)
VALUES = st.sampled_from(["", "a", "b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.dictionaries(st.sampled_from(FIELDS), st.sampled_from("abc"))),
        st.tuples(st.just("person"), st.tuples(st.sampled_from(FIELDS), VALUES)),
    ),
    max_size=12,
)


class Shelf:
    """A CRM in memory with one record, whose people may interfere between our read and write."""

    name = "shelf"

    def __init__(self) -> None:
        self.values = dict.fromkeys(FIELDS, "")
        self.version = 0
        self.interfere: list[tuple[str, str]] = []
        self.writes = 0

    def edit(self, field: str, value: str) -> None:
        self.values[field] = value
        self.version += 1

    def fillable(self, object_type: str) -> frozenset[str]:
        return frozenset({"website", "phone"})

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        record = Record(str(self.version), {field: self.values[field] for field in fields})
        if self.interfere:
            self.edit(*self.interfere.pop(0))
        return {"A": record} if "A" in ids else {}

    def write(self, object_type: str, changes: Sequence[Change]) -> Mapping[str, Answer]:
        answers = {}
        for change in changes:
            fits = change.version == str(self.version)
            if fits:
                self.writes += 1
                for field, value in change.values.items():
                    self.edit(field, value)
            answers[change.object_id] = Answer(Outcome.WRITTEN if fits else Outcome.CONFLICT)
        return answers


def _run(shelf: Shelf, desired: Mapping[str, Mapping[str, str]], run_id: UUID | None = None):
    batches = write_back(shelf, "account", desired, run_id=run_id or uuid4(), clock=CLOCK)
    return [row for batch in batches for row in batch]


@given(STEPS)
def test_a_field_that_a_person_filled_in_never_changes_by_our_hand(steps):
    shelf = Shelf()
    by_people: dict[str, str] = {}
    for who, what in steps:
        if who == "person":
            field, value = what
            shelf.edit(field, value)
            by_people[field] = value
        else:
            _run(shelf, {"A": what})
            for field, value in by_people.items():
                if value and not field.startswith(OWN_PREFIX):
                    assert shelf.values[field] == value


@given(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from("abc")))
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
    for who, what in steps:
        if who == "person":
            shelf.edit(*what)
            continue
        before = dict(shelf.values)
        for row in _run(shelf, {"A": what}):
            assert row.old_value == before[row.field]
            held = row.new_value if row.outcome == "written" else before[row.field]
            assert shelf.values[row.field] == held


def test_an_edit_between_our_read_and_our_write_wins():
    shelf = Shelf()
    shelf.interfere = [("website", "theirs")]
    (row,) = _run(shelf, {"A": {"website": "ours"}})
    assert (shelf.values["website"], row.outcome) == ("theirs", "kept")


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


def test_after_a_crash_before_the_ledger_the_next_run_notes_the_value_and_writes_nothing():
    shelf = Shelf()
    next(write_back(shelf, "account", {"A": {SCORE: "42"}}, run_id=uuid4(), clock=CLOCK))
    (row,) = _run(shelf, {"A": {SCORE: "42"}})
    assert (row.outcome, shelf.writes) == ("unchanged", 1)
