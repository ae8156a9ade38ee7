from collections import defaultdict
from datetime import date

import pytest

from contracts.investment_rows import ExplanationRow, explanation_of
from contracts.money import Rate, Rates
from contracts.plan_rows import (
    AllocationRow,
    AllocationTotalRow,
    ExperimentRow,
    InvestmentForecastRow,
    ResponseCurveRow,
    ResponsePointRow,
    RolloutRow,
)
from models.offers import of_proposals
from tests.planned_company import STARTS_ON, M, judgements, made, proposal


def by_type(rows):
    found = defaultdict(list)
    for row in rows:
        found[type(row)].append(row)
    return found


@pytest.fixture(scope="module")
def unasked():
    """The rows of a plan where nobody proposed anything."""
    return by_type(made().rows)


@pytest.fixture(scope="module")
def asked():
    """The rows of a plan over proposals of every sort."""
    return by_type(
        made(
            proposal("train", is_whole=True, starts_by=date(2027, 2, 1)),
            proposal("hire", "headcount", 30 * M, 2, is_whole=True),
            proposal("day", "event", 4 * M, 1, floor_units=0.25),
            proposal("spif", "spif", 3 * M, 1, requires="train"),
            proposal("free", "tool", 0),
        ).rows
    )


def test_where_nobody_proposed_anything_each_judged_kind_is_planned_with_and_labelled(unasked):
    forecasts = unasked[InvestmentForecastRow]
    assert {row.kind for row in forecasts} == {"training", "event", "tool"}
    assert {row.origin for row in forecasts} == {"kind"}
    assert {row.kind for row in unasked[AllocationRow]} <= {"training", "event", "tool"}
    (left_out,) = [row for row in unasked[ResponsePointRow] if row.left_out]
    assert (left_out.investment_id, left_out.left_out) == ("refused", "it has no estimate")


def test_a_scenario_is_the_sum_of_its_parts_and_never_more_than_its_budget(unasked, asked):
    for rows in (unasked, asked):
        assert len(rows[AllocationTotalRow]) == 21
        for total in rows[AllocationTotalRow]:
            parts = [
                part
                for part in rows[AllocationRow]
                if (part.budget_minor, part.appetite) == (total.budget_minor, total.appetite)
            ]
            assert sum(part.spend_minor for part in parts) == total.spend_minor
            assert total.spend_minor <= total.budget_minor + len(parts)
            net = sum(part.margin for part in parts) - total.spend_minor
            assert net == pytest.approx(total.net, abs=len(parts) + 1)
            assert total.broken == ()
            assert total.net_low <= total.net <= total.net_high


def test_the_best_allocation_beats_the_simpler_splits(unasked, asked):
    for rows in (unasked, asked):
        (bold,) = [t for t in rows[AllocationTotalRow] if t.is_asked and t.appetite == "bold"]
        assert bold.net > max(bold.equal_split_net, bold.pro_rata_net)


def test_every_forecast_is_explained_by_parts_that_sum_to_it(asked):
    why = {row.subject_id: explanation_of(row) for row in asked[ExplanationRow]}
    for row in asked[InvestmentForecastRow]:
        if row.verdict != "not_scored":
            net = row.margin - row.spend_minor
            assert why[row.proposal_id].number == pytest.approx(net, abs=1)


def test_whole_units_floors_and_prerequisites_of_proposals_hold(asked):
    for total in asked[AllocationTotalRow]:
        units = {
            part.proposal_id: part.units
            for part in asked[AllocationRow]
            if (part.budget_minor, part.appetite) == (total.budget_minor, total.appetite)
        }
        assert units["day"] >= 0.25 - 1e-6
        for whole in ("train", "hire"):
            assert units.get(whole, 0) == pytest.approx(round(units.get(whole, 0)))
        assert "spif" not in units or "train" in units


def test_nobody_is_proposed_a_part_of_a_person_a_licence_or_a_hire(unasked, asked):
    known = judgements().assign(treated_units=[14, 13, 7, 3, 9])
    uneven = by_type(made(known=known, budget=23.0 * M).rows)
    for rows in (unasked, asked, uneven):
        whole = [row for row in rows[AllocationRow] if row.proposal_id not in {"day", "spif"}]
        assert {round(row.units, 6) % 1 for row in whole} == {0}
    assert len({row.units for row in uneven[AllocationRow]}) > 3


def test_the_company_s_own_caps_floors_and_months_hold_and_those_of_what_is_not_there_are_kept():
    both = (proposal("train", starts_by=date(2027, 1, 1)), proposal("day", "event", 4 * M, 8))
    march, december = date(2027, 3, 1), date(2026, 12, 1)
    rules = {
        "pool_caps": {"training": 4.0 * M, "tool": 1.0 * M},
        "pool_floors": {"event": 1.0 * M},
        "month_budgets": {december: 1.5 * M, march: 0.0},
    }
    rows = by_type(made(*both, rules=rules).rows)
    (asked,) = [t for t in rows[AllocationTotalRow] if t.is_asked and t.appetite == "bold"]
    parts = [
        part
        for part in rows[AllocationRow]
        if (part.budget_minor, part.appetite) == (asked.budget_minor, "bold")
    ]
    spent = defaultdict(float)
    for part in parts:
        spent[part.kind] += part.spend_minor
        spent[part.starts_on] += part.spend_minor
    assert asked.broken == ()
    assert spent["event"] >= 1.0 * M
    assert 3.0 * M <= spent["training"] <= 4.0 * M
    assert spent[december] <= 1.5 * M
    assert any(rule.startswith("kind's cap of training") for rule in asked.rule)


def test_a_floor_of_a_kind_that_is_not_on_offer_is_refused_not_dropped():
    plan = made(proposal("train"), rules={"pool_floors": {"event": 1.0 * M}})
    assert "pool_floors names 'event'" in plan.problem
    assert not by_type(plan.rows)[AllocationTotalRow]


def test_what_cannot_be_scored_says_why_and_the_rest_is_planned(asked):
    (free,) = [row for row in asked[InvestmentForecastRow] if row.verdict == "not_scored"]
    assert free.proposal_id == "free"
    assert "costs 0" in free.reason
    assert len(asked[InvestmentForecastRow]) == 5


def test_a_hire_is_an_average_rep_with_ramp_and_attrition_until_one_was_judged(asked):
    (hire,) = [row for row in asked[InvestmentForecastRow] if row.proposal_id == "hire"]
    full = 2 * 12 * 6 * M * 0.75
    assert 0 < hire.margin < 0.5 * full
    assert hire.judgements == 0
    assert "25% leave in a year" in hire.assumed
    assert "average rep" in hire.reason


def test_a_measurable_kind_has_its_rollout_and_no_other_has_one(asked):
    measurable = {r.kind: r for r in asked[ExperimentRow] if r.verdict == "measurable"}
    waves = defaultdict(list)
    for row in asked[RolloutRow]:
        waves[row.kind].append(row.wave)
    assert set(waves) == set(measurable)
    for kind, row in measurable.items():
        assert len(waves[kind]) == row.units
        assert waves[kind].count(1) == row.units // 2
        assert row.detectable_effect <= row.needed_effect
    (hire,) = [row for row in asked[ExperimentRow] if row.kind == "headcount"]
    assert hire.verdict == "cannot_tell"
    assert "not given to somebody by lot" in hire.reason


def test_without_any_judgement_proposals_are_planned_from_the_prior_which_says_so():
    rows = by_type(made(proposal("train"), known=judgements().iloc[:0]).rows)
    (forecast,) = rows[InvestmentForecastRow]
    assert forecast.verdict == "cannot_tell"
    assert "no training has been judged yet" in forecast.reason
    assert {row.judgements for row in rows[ResponseCurveRow]} == {0}
    assert all(row.is_extrapolated for row in rows[ResponseCurveRow])
    assert not made(known=judgements().iloc[:0]).rows


def test_rules_that_exclude_each_other_leave_the_forecasts_and_say_why():
    plan = made(proposal("train", floor_units=10.0), budget=5.0 * M)
    rows = by_type(plan.rows)
    assert "can't all be kept" in plan.problem
    assert len(rows[InvestmentForecastRow]) == 1
    assert not rows[AllocationTotalRow]


def test_a_foreign_amount_is_converted_and_one_without_a_rate_is_refused():
    rates = Rates("USD", [Rate("EUR", "USD", date(2026, 1, 1), 2)])
    offers = of_proposals(
        [proposal("euro", currency="EUR"), proposal("pound", currency="GBP")], rates, STARTS_ON
    )
    assert offers.proposals["euro"].spend == 20 * M
    assert "no GBP to USD rate" in offers.refused["pound"]


def test_starts_are_the_months_allowed_within_the_plan():
    early = proposal("early", starts_on=date(2026, 3, 1), starts_by=date(2027, 1, 20))
    late = proposal("late", starts_on=date(2027, 11, 1), starts_by=date(2029, 1, 1))
    beyond = proposal("beyond", starts_on=date(2027, 12, 1))
    offers = of_proposals([early, late, beyond], Rates("USD", []), STARTS_ON)
    starts = [(option.of, option.starts_on) for option in offers.options]
    assert starts == [
        ("early", date(2026, 12, 1)),
        ("early", date(2027, 1, 1)),
        ("late", date(2027, 11, 1)),
    ]
    assert "starts 12 months into a plan of 12" in offers.refused["beyond"]


def test_a_proposal_that_requires_what_nobody_proposed_is_refused():
    offers = of_proposals([proposal("a", requires="zz")], Rates("USD", []), STARTS_ON)
    assert "requires zz" in offers.refused["a"]


def test_what_requires_a_proposal_that_cannot_be_scored_is_refused_and_the_rest_planned():
    plan = made(
        proposal("train"),
        proposal("free", amount=0),
        proposal("after", requires="free"),
        proposal("last", requires="after"),
    )
    rows = by_type(plan.rows)
    reasons = {row.proposal_id: row.reason for row in rows[InvestmentForecastRow] if row.reason}
    assert "requires free, which can't be scored" in reasons["after"]
    assert "requires after, which can't be scored" in reasons["last"]
    assert not plan.problem
    assert {row.proposal_id for row in rows[AllocationRow]} == {"train"}
