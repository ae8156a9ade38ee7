from datetime import date

import pandas as pd
import pytest

from contracts.errors import UserError
from models.panel import Window, build, closed_months, period_of

WINDOW = Window(date(2026, 1, 1), date(2026, 7, 1))


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def bookings(*rows):
    return frame("rep_id month_on bookings_minor", *rows)


def reps(*rows):
    return frame("rep_id hired_on left_on", *rows)


def exposures(*rows):
    return frame("unit_id starts_on", *rows)


def months(panel, rep="r"):
    return [period % 12 + 1 for period in panel[panel["unit"] == rep]["period"]]


def test_a_month_without_a_booking_is_a_zero_not_a_gap():
    panel = build(
        bookings(("r", date(2026, 3, 1), 500)), reps(("r", None, None)), exposures(), WINDOW
    )
    assert list(panel["outcome"]) == [0, 0, 500, 0, 0, 0]
    assert panel["start"].eq(0).all()


@pytest.mark.parametrize(
    ("hired_on", "left_on", "expected"),
    [
        (date(2026, 2, 1), None, [2, 3, 4, 5, 6]),
        (date(2026, 2, 2), None, [3, 4, 5, 6]),
        (None, date(2026, 4, 30), [1, 2, 3, 4]),
        (None, date(2026, 4, 29), [1, 2, 3]),
        (date(2026, 3, 10), date(2026, 3, 20), []),
        (date(2027, 1, 1), None, []),
        (date(2020, 1, 1), date(2025, 12, 31), []),
    ],
)
def test_a_rep_counts_in_its_whole_months_alone(hired_on, left_on, expected):
    others = bookings(("r", date(2026, 2, 1), 1))
    panel = build(others, reps(("r", hired_on, left_on)), exposures(), WINDOW)
    assert months(panel) == expected


def test_bookings_outside_a_tenure_take_no_part():
    booked = bookings(("r", date(2026, 1, 1), 9), ("stranger", date(2026, 2, 1), 9))
    panel = build(booked, reps(("r", date(2026, 2, 1), None)), exposures(), WINDOW)
    assert panel["outcome"].sum() == 0


@pytest.mark.parametrize("starts_on", [date(2026, 3, 1), date(2026, 3, 31)])
def test_a_rep_is_reached_from_the_month_in_which_its_exposure_begins(starts_on):
    reached = exposures(("r", date(2026, 5, 1)), ("r", starts_on))
    panel = build(bookings(), reps(("r", None, None), ("s", None, None)), reached, WINDOW)
    assert set(panel[panel["unit"] == "r"]["start"]) == {period_of(date(2026, 3, 1))}
    assert set(panel[panel["unit"] == "s"]["start"]) == {0}


def test_an_exposure_of_nobody_known_is_refused():
    with pytest.raises(UserError, match="ghost"):
        build(bookings(), reps(("r", None, None)), exposures(("ghost", date(2026, 3, 1))), WINDOW)


@pytest.mark.parametrize(
    ("day", "ends_on"),
    [(date(2026, 6, 30), date(2026, 6, 1)), (date(2026, 7, 1), date(2026, 7, 1))],
)
def test_a_month_counts_once_it_is_over(day, ends_on):
    booked = bookings(("r", date(2026, 1, 1), 0), ("r", date(2026, 2, 1), 1))
    assert closed_months(booked, day) == Window(date(2026, 2, 1), ends_on)


@pytest.mark.parametrize("booked", [bookings(), bookings(("r", date(2026, 6, 1), 5))])
def test_without_a_month_that_is_over_there_is_nothing_to_judge(booked):
    with pytest.raises(UserError, match="no booking lies in a month that is over"):
        closed_months(booked, date(2026, 6, 15))


def test_periods_run_across_years():
    assert period_of(date(2027, 1, 1)) - period_of(date(2026, 12, 31)) == 1


def test_a_window_is_of_whole_months():
    with pytest.raises(UserError, match="whole months"):
        Window(date(2026, 1, 2), date(2026, 7, 1))
