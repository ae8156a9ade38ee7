from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from contracts.crm_rows import AssignmentRow, ExposureRow, InvestmentRow
from contracts.errors import UserError
from models.months import Window, first_day, last_day, period_of
from models.panel import Company, build, closed_months

WINDOW = Window(date(2026, 1, 1), date(2026, 7, 1))
KNOWN: dict[str, Any] = {"source": "crm", "knowable_at": datetime(2026, 7, 1, tzinfo=UTC)}
COACHING = InvestmentRow(
    investment_id="I", kind="training", name="Coaching", gross_margin_rate=0.8, **KNOWN
)
TOOL = replace(COACHING, kind="tool")
MARCH, MAY = date(2026, 3, 1), date(2026, 5, 1)


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def month(unit_id, month_on, bookings=0, kind="rep", **more):
    zeros = {
        "margin_told_minor": 0,
        "bookings_without_margin_minor": bookings,
        "pipeline_created_minor": 0,
        "win_rate": None,
        "cycle_days": None,
        "engagement": 0,
    }
    key = {"unit_kind": kind, "unit_id": unit_id, "month_on": month_on}
    return key | {"bookings_minor": bookings} | zeros | more


def exposed(unit_id, starts_on, stops_on=None, kind="rep", investment_id="I", dose=1.0):
    return ExposureRow(
        investment_id=investment_id,
        unit_kind=kind,
        unit_id=unit_id,
        starts_on=starts_on,
        stops_on=stops_on,
        dose=dose,
        **KNOWN,
    )


def assigned(child, parent, since, until=None, kind="team"):
    return AssignmentRow(
        child_id=child,
        parent_kind=kind,
        parent_id=parent,
        effective_from=since,
        effective_to=until,
        **KNOWN,
    )


def company(*months, units=("r", "s"), exposures=(), assignments=(), quotas=(), kind="rep"):
    people = [unit if isinstance(unit, tuple) else (unit, None, None) for unit in units]
    named = [(kind, *person) for person in people]
    return Company(
        months=pd.DataFrame(list(months) or [month("nobody", date(2026, 1, 1))]),
        units=frame("unit_kind unit_id begins_on ends_on", *named),
        exposures=exposures,
        assignments=assignments,
        quotas=frame("owner_id period_starts_on period_ends_on quota_minor", *quotas),
    )


def built(of, investment=COACHING):
    return build(investment, of, WINDOW)


def of_unit(panel, column, unit="r"):
    return panel.frame[panel.frame["unit"] == unit][column].tolist()


def months(panel, unit="r"):
    return [period % 12 + 1 for period in of_unit(panel, "period", unit)]


def test_a_month_without_a_booking_is_a_zero_not_a_gap():
    panel = built(company(month("r", MARCH, 500)))
    assert of_unit(panel, "outcome") == [0, 0, 500, 0, 0, 0]
    assert panel.frame["start"].eq(0).all()


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
    assert months(built(company(units=[("r", hired_on, left_on)]))) == expected


def test_bookings_outside_a_tenure_take_no_part():
    booked = (month("r", date(2026, 1, 1), 9), month("stranger", date(2026, 2, 1), 9))
    panel = built(company(*booked, units=[("r", date(2026, 2, 1), None)]))
    assert panel.frame["outcome"].sum() == 0


@pytest.mark.parametrize("starts_on", [MARCH, date(2026, 3, 31)])
def test_a_rep_is_reached_from_the_month_in_which_its_exposure_begins(starts_on):
    panel = built(company(exposures=[exposed("r", MAY), exposed("r", starts_on)]))
    assert set(of_unit(panel, "start")) == {period_of(MARCH)}
    assert set(of_unit(panel, "start", "s")) == {0}
    assert panel.begins_on == starts_on


def test_an_exposure_of_nobody_known_is_refused():
    with pytest.raises(UserError, match="ghost"):
        built(company(exposures=[exposed("ghost", MARCH)]))


def test_a_team_is_reached_through_whoever_is_in_it_and_since_when():
    joined = [assigned("r", "T", date(2020, 1, 1)), assigned("s", "T", date(2026, 4, 10))]
    panel = built(company(exposures=[exposed("T", MARCH, kind="team")], assignments=joined))
    assert set(of_unit(panel, "start", "r")) == {period_of(MARCH)}
    assert set(of_unit(panel, "start", "s")) == {period_of(date(2026, 4, 1))}
    assert of_unit(panel, "team", "s") == ["team of s alone"] * 3 + ["T"] * 3


def test_a_region_is_reached_through_its_teams():
    belongs = [
        assigned("r", "T", date(2020, 1, 1)),
        assigned("T", "R", date(2020, 1, 1), kind="region"),
    ]
    panel = built(company(exposures=[exposed("R", MARCH, kind="region")], assignments=belongs))
    assert set(of_unit(panel, "start", "r")) == {period_of(MARCH)}
    assert of_unit(panel, "region", "r") == ["R"] * 6


def test_a_rep_who_leaves_a_reached_team_is_left_out_from_then_on_and_it_is_said():
    moved = [
        assigned("r", "T", date(2020, 1, 1), MAY),
        assigned("r", "U", MAY),
        assigned("s", "U", date(2020, 1, 1)),
    ]
    panel = built(company(exposures=[exposed("T", MARCH, kind="team")], assignments=moved))
    assert months(panel) == [1, 2, 3, 4]
    assert panel.notes[0].startswith("1 left a team")
    both = [exposed("T", MARCH, kind="team"), exposed("U", MARCH, kind="team")]
    stayed = built(company(exposures=both, assignments=moved))
    assert months(stayed) == [1, 2, 3, 4, 5, 6]
    assert stayed.notes == ()


def test_what_was_learned_stays_and_a_tool_stops():
    once = [exposed("r", date(2026, 2, 3), date(2026, 2, 5))]
    assert "stop" not in built(company(exposures=once)).frame
    tool = built(company(exposures=[exposed("r", date(2026, 2, 1), date(2026, 4, 10))]), TOOL)
    assert set(of_unit(tool, "stop")) == {period_of(MAY)}
    assert set(of_unit(tool, "stop", "s")) == {0}
    short = built(company(exposures=once), TOOL)
    assert set(of_unit(short, "stop")) == {period_of(MARCH)}


def test_a_stop_because_the_unit_left_is_no_stop():
    gone = company(units=[("r", None, date(2026, 4, 30))], exposures=[exposed("r", MARCH, MAY)])
    assert "stop" not in built(gone, TOOL).frame


def test_doses_are_told_where_they_differ():
    same = [exposed("r", MARCH, dose=2), exposed("s", MARCH, dose=2)]
    assert "dose" not in built(company(exposures=same)).frame
    panel = built(company(units="rst", exposures=[same[0], exposed("s", MARCH, dose=0.5)]))
    assert [of_unit(panel, "dose", unit)[0] for unit in "rst"] == [2, 0.5, 1]


def test_other_investments_at_work_are_told_but_not_what_changed_all_alike():
    mine = [exposed("r", MARCH)]
    others = [exposed("r", MAY, investment_id="J"), exposed("T", MAY, investment_id="J")]
    panel = built(company(exposures=[*mine, others[0]]))
    assert set(of_unit(panel, "other_start")) == {period_of(MAY)}
    assert set(of_unit(panel, "other_start", "s")) == {0}
    everybody = [exposed(unit, MAY, investment_id="J") for unit in "rs"]
    assert "other_start" not in built(company(exposures=[*mine, *everybody])).frame


def test_accounts_and_territories_have_panels_of_their_own():
    of = company(
        month("a", MARCH, 7, kind="account"),
        month("r", MARCH, 9),
        units="ab",
        exposures=[exposed("a", MARCH, kind="account")],
        kind="account",
    )
    panel = built(of)
    assert panel.unit_kind == "account"
    assert of_unit(panel, "outcome", "a") == [0, 0, 7, 0, 0, 0]


def test_units_of_several_kinds_do_not_go_into_one_panel():
    mixed = [exposed("r", MARCH), exposed("a", MARCH, kind="account")]
    with pytest.raises(UserError, match="account and rep"):
        built(company(exposures=mixed))


def test_a_rate_of_nothing_is_unknown_and_not_zero():
    investment = replace(COACHING, outcome="win_rate")
    panel = built(company(month("r", MARCH, win_rate=0.5), month("s", MAY)), investment)
    assert panel.frame[["unit", "outcome"]].to_numpy().tolist() == [["r", 0.5]]


def test_margin_is_told_by_the_deals_where_they_tell_it():
    sold = month("r", MAY, 1_000, margin_told_minor=-100, bookings_without_margin_minor=500)
    of = company(sold, exposures=[exposed("r", MARCH)])
    assert of_unit(built(of, replace(COACHING, outcome="margin")), "outcome")[4] == 300
    panel = built(of)
    assert panel.margin_rate == pytest.approx(0.3)
    assert "50%" in panel.notes[0]


def test_covariates_are_as_of_before_the_first_start_and_few():
    names = [f"u{number:02}" for number in range(30)]
    people = [(name, date(2025, 1 + n % 12, 1), None) for n, name in enumerate(names)]
    booked = [month(name, date(2026, 2, 1), 100 * n) for n, name in enumerate(names)]
    later = [month(name, MAY, 10**6) for name in names]
    quotas = [(name, date(2026, 1, 1), date(2026, 4, 1), 30 * n) for n, name in enumerate(names)]
    of = company(
        *booked, *later, units=people, exposures=[exposed(n, MARCH) for n in names[:8]],
        quotas=quotas,
    )  # fmt: skip
    panel = built(of)
    assert panel.covariates == ("prior_bookings", "tenure_months")  # 22 to compare with
    assert set(of_unit(panel, "prior_bookings", "u07")) == {700}
    assert set(of_unit(panel, "tenure_months", "u00")) == {14}
    assert panel.reliability == {"tenure_months": 1.0}
    stated = ("prior_bookings=1", "tenure_months=0.9", "quota=0.5")
    panel = built(of, replace(COACHING, covariate_reliability=stated))
    assert panel.reliability == {"prior_bookings": 1.0, "tenure_months": 0.9}


@pytest.mark.parametrize(
    ("day", "ends_on"),
    [(date(2026, 6, 30), date(2026, 6, 1)), (date(2026, 7, 1), date(2026, 7, 1))],
)
def test_a_month_counts_once_it_is_over(day, ends_on):
    booked = pd.DataFrame([month("r", date(2026, 1, 1)), month("r", date(2026, 2, 1), 1)])
    assert closed_months(booked, day) == Window(date(2026, 2, 1), ends_on)


@pytest.mark.parametrize("booked", [[], [month("r", date(2026, 6, 1), 5)]])
def test_without_a_month_that_is_over_there_is_nothing_to_judge(booked):
    columns = ["month_on", "bookings_minor"]
    with pytest.raises(UserError, match="no booking lies in a month that is over"):
        closed_months(pd.DataFrame(booked, columns=columns), date(2026, 6, 15))


def test_periods_run_across_years():
    assert period_of(date(2027, 1, 1)) - period_of(date(2026, 12, 31)) == 1
    assert first_day(period_of(MAY)) == MAY
    assert last_day(period_of(date(2026, 12, 5))) == date(2026, 12, 31)


def test_a_window_is_of_whole_months():
    with pytest.raises(UserError, match="whole months"):
        Window(date(2026, 1, 2), date(2026, 7, 1))
