import numpy as np
import pandas as pd
import pytest

from contracts.errors import UserError
from models.experience import experience, hiring_point
from models.proposal import Proposal, cash, score
from models.response import POINT_COLUMNS, fit
from models.timing import COURSES, YEAR, Course

M = 1_000_000.0


@pytest.fixture(scope="module")
def response():
    rows = [
        ("training", 10 * M, 30 * M, 4 * M),
        ("training", 20 * M, 45 * M, 6 * M),
        ("event", 10 * M, 2 * M, 2 * M),
        ("event", 15 * M, 1 * M, 2 * M),
        ("headcount", 20 * M, 36 * M, 9 * M),
    ]
    return fit(pd.DataFrame(rows, columns=list(POINT_COLUMNS)), ["spif"], draws=2_000)


def proposal(**changed):
    given = {"proposal_id": "p", "kind": "training", "name": "P", "spend": 12 * M} | changed
    return Proposal(**given)


def test_intervals_are_ordered_and_the_mean_return_is_that_of_the_mean_margin(response):
    for kind in response.kinds:
        told = score(proposal(kind=kind), response)
        assert told.margin_low < told.margin < told.margin_high
        assert told.npv_low < told.npv < told.npv_high
        for roi, margin in (
            (told.roi_low, told.margin_low),
            (told.roi, told.margin),
            (told.roi_high, told.margin_high),
        ):
            assert roi == pytest.approx((margin - 12 * M) / (12 * M))


def test_the_parts_of_a_forecast_sum_to_its_net_margin(response):
    for changed in ({}, {"starts_in": 5}, {"kind": "headcount", "course": COURSES["headcount"]}):
        told = score(proposal(**changed), response)
        assert told.explanation.adds_up
        assert told.explanation.number == pytest.approx(told.margin - 12 * M)
        parts = {part.label: part.value for part in told.explanation.contributions}
        assert parts["Diminishing returns"] < 0
        assert parts["Cost"] == -12 * M


def test_a_good_kind_is_likely_to_pay_off_and_a_poor_one_is_not(response):
    assert score(proposal(), response).verdict == "pays_off"
    poor = score(proposal(kind="event"), response)
    assert (poor.verdict, poor.payback_month) == ("does_not_pay_off", None)


def test_a_kind_without_a_judgement_says_so_and_is_extrapolated(response):
    told = score(proposal(kind="spif"), response)
    assert told.verdict == "cannot_tell"
    assert told.is_extrapolated
    assert "no spif has been judged yet" in told.reason


def test_spending_more_than_was_ever_judged_is_told(response):
    told = score(proposal(spend=80 * M), response)
    assert told.is_extrapolated
    assert "more than was ever judged" in told.reason


def test_a_later_start_brings_less_and_pays_back_later(response):
    soon, late = (
        score(proposal(starts_in=n, course=COURSES["training"]), response) for n in (0, 6)
    )
    assert late.margin < soon.margin
    assert soon.payback_month < late.payback_month
    assert late.payback_month > 6


def test_payback_is_the_month_after_which_the_cost_is_never_unpaid_again(response):
    told = proposal(course=COURSES["training"])
    month = score(told, response).payback_month
    year = response.margin("training", 12 * M).mean()
    margin, cost = cash(told, float(year))
    balance = (margin - cost).cumsum()
    assert balance[month - 1] >= 0 > balance[month - 2]


def test_what_is_paid_by_month_costs_what_was_proposed_over_the_months_seen():
    hire = proposal(course=COURSES["headcount"], starts_in=4)
    _, cost = cash(hire, 0.0)
    assert cost.sum() == pytest.approx(12 * M)
    assert (cost[:4] == 0).all()
    assert hire.yearly == pytest.approx(12 * M * 12 / 8)


def test_a_hire_brings_less_for_ramp_and_attrition():
    full, ramped = Course(), Course(ramp_months=6)
    leaving = Course(ramp_months=6, attrition_rate=0.3)
    vacant = Course(ramp_months=6, attrition_rate=0.3, backfill_months=3)
    totals = [course.total(YEAR) for course in (full, ramped, leaving, vacant)]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] == 12
    assert totals[1] == pytest.approx(6 * 0.5 + 6)
    assert len(set(totals)) == 4


def test_seats_with_certain_attrition_follow_the_renewal_sum():
    course = Course(attrition_rate=0.5, backfill_months=1)
    leaves = 1 - 0.5 ** (1 / 12)
    filled, returning = 1.0, 0.0
    for weight in course.weights(24):
        assert weight == pytest.approx(filled)
        gone = leaves * filled
        filled, returning = filled - gone + returning, gone


def test_fading_halves_with_its_half_life():
    assert Course(half_life_months=3).weights(7)[[0, 3, 6]].tolist() == [1, 0.5, 0.25]


@pytest.mark.parametrize(
    "changed", [{"spend": 0.0}, {"units": 0.0}, {"starts_in": YEAR}, {"starts_in": -1}]
)
def test_a_proposal_that_cannot_be_is_refused_by_name(changed):
    with pytest.raises(UserError, match="proposal p"):
        proposal(**changed)


def test_a_course_that_cannot_be_is_refused():
    with pytest.raises(UserError, match="attrition"):
        Course(attrition_rate=1.0)


def judged(**changed):
    row = {
        "investment_id": "i",
        "kind": "spif",
        "outcome": "bookings",
        "effect": 1 * M,
        "std_error": 0.5 * M,
        "treated_units": 10,
        "treated_unit_months": 120,
        "gross_margin_rate": 0.5,
        "cost_minor": 40 * M,
    }
    return pd.DataFrame([row | changed])


def test_a_judgement_of_a_whole_year_is_its_own_point():
    (point,) = experience(judged(kind="other")).points.to_dict("records")
    assert point["spend"] == 40 * M
    assert point["margin"] == pytest.approx(1 * M * 120 * 0.5)
    assert point["std_error"] == pytest.approx(0.5 * M * 120 * 0.5)


def test_a_young_judgement_is_carried_to_a_year_with_doubt_about_the_unseen():
    young = experience(judged(kind="training", treated_unit_months=30)).points.iloc[0]
    course = COURSES["training"]
    scale = 10 * course.total(12) / (course.total(3) / 3) * 0.5
    assert young["margin"] == pytest.approx(1 * M * scale)
    assert young["std_error"] > 0.5 * M * scale


@pytest.mark.parametrize("months", [6, 12, 15.5, 30])
def test_what_is_paid_by_month_counts_twelve_months_of_it_however_long_it_ran(months):
    seen = {"treated_unit_months": 10 * months, "cost_minor": 2 * M * 10 * months}
    tool = experience(judged(kind="tool", **seen)).points.iloc[0]
    assert tool["spend"] == pytest.approx(2 * M * 10 * 12)


def test_a_margin_needs_no_rate_and_what_has_no_price_is_left_out_with_its_reason():
    assert experience(judged(outcome="margin")).points["margin"].item() == pytest.approx(
        2 * experience(judged()).points["margin"].item()
    )
    for changed, reason in (
        ({"outcome": "win_rate"}, "win_rate, which has no price"),
        ({"effect": np.nan}, "no estimate"),
        ({"cost_minor": 0}, "no cost"),
    ):
        found = experience(judged(**changed))
        assert found.points.empty
        assert reason in found.left_out["reason"].item()


def test_a_hiring_that_was_never_judged_is_believed_from_an_average_rep_with_wide_doubt():
    point = hiring_point(2 * M, 0.2 * M, 15 * M, COURSES["headcount"])
    months = COURSES["headcount"].total(12)
    assert point["margin"] == pytest.approx(2 * M * months * 0.5)
    assert point["std_error"] > 0.4 * point["margin"]
