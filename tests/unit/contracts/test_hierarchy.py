"""Who belonged where on a day."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.crm_rows import AssignmentRow
from contracts.errors import UserError
from contracts.hierarchy import parent_on

JANUARY, APRIL, JULY = date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)


def assigned(parent, starts, ends=None, *, kind="team", child="kim"):
    return AssignmentRow(
        child_id=child,
        parent_kind=kind,
        parent_id=parent,
        effective_from=starts,
        effective_to=ends,
        source="crm",
        knowable_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


HISTORY = [
    assigned("east", JANUARY, APRIL),
    assigned("west", APRIL),
    assigned("lee", JANUARY, kind="manager"),
    assigned("south", JANUARY, child="ravi"),
]


def test_as_it_was_and_as_it_is_now_are_asked_of_the_same_assignments():
    assert parent_on(HISTORY, "kim", "team", date(2026, 3, 31)) == "east"
    assert parent_on(HISTORY, "kim", "team", JULY) == "west"


def test_an_assignment_has_its_first_day_and_not_its_last():
    assert parent_on(HISTORY, "kim", "team", JANUARY) == "east"
    assert parent_on(HISTORY, "kim", "team", APRIL) == "west"


def test_kinds_and_children_are_told_apart():
    assert parent_on(HISTORY, "kim", "manager", JULY) == "lee"
    assert parent_on(HISTORY, "ravi", "team", JULY) == "south"
    assert parent_on(HISTORY, "ravi", "manager", JULY) is None
    assert parent_on(HISTORY, "nobody", "team", JULY) is None


def test_before_the_first_assignment_there_is_no_parent():
    assert parent_on(HISTORY, "kim", "team", date(2025, 12, 31)) is None
    assert parent_on([], "kim", "team", JULY) is None


def test_overlapping_assignments_are_refused_on_the_days_that_they_share():
    overlapping = [*HISTORY, assigned("north", date(2026, 6, 1), JULY)]
    assert parent_on(overlapping, "kim", "team", date(2026, 5, 31)) == "west"
    with pytest.raises(
        UserError, match=r"kim has 2 parents of kind team on 2026-06-30 \(north, west\)"
    ):
        parent_on(overlapping, "kim", "team", date(2026, 6, 30))
    assert parent_on(overlapping, "kim", "team", JULY) == "west"


def test_the_same_assignment_told_twice_is_no_conflict():
    assert parent_on(HISTORY * 2, "kim", "team", JULY) == "west"


def test_an_assignment_that_was_deleted_does_not_count():
    deleted = replace(assigned("north", JANUARY), is_deleted=True)
    assert parent_on([deleted], "kim", "team", JULY) is None
    assert parent_on([*HISTORY, deleted], "kim", "team", JULY) == "west"


@given(st.lists(st.dates(), min_size=2, max_size=9, unique=True), st.dates(), st.randoms())
def test_of_assignments_that_follow_one_another_each_day_has_the_one_that_covers_it(
    dates, day, random
):
    bounds = sorted(dates)
    spans = list(pairwise(bounds))
    history = [assigned(f"team {n}", *span) for n, span in enumerate(spans)]
    random.shuffle(history)
    covering = [f"team {n}" for n, (starts, ends) in enumerate(spans) if starts <= day < ends]
    assert parent_on(history, "kim", "team", day) == next(iter(covering), None)
