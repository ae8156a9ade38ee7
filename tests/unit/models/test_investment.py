from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.crm_rows import ExposureRow, InvestmentCostRow, InvestmentRow
from contracts.fiscal import FiscalCalendar
from contracts.investment_rows import (
    EventStudyRow,
    ExplanationRow,
    InvestmentDiagnosticRow,
    InvestmentEstimateRow,
    InvestmentPanelRow,
    explanation_of,
)
from contracts.money import Rate, Rates
from models.answer import Question
from models.audit import differences, panel_hash, panel_of, panel_text, recomputed
from models.investment import Evidence, judge_investment
from models.months import first_day, period_of
from models.panel import Company
from models.synthetic import SYNTHETIC_DID

QUOTA = ["owner_id", "period_starts_on", "period_ends_on", "quota_minor"]
AS_OF = datetime(2026, 7, 15, tzinfo=UTC)
FIRST = date(2025, 1, 1)
KNOWN: dict[str, Any] = {"source": "crm", "knowable_at": AS_OF}
COACHING = InvestmentRow(
    investment_id="I", kind="training", name="Coaching", gross_margin_rate=0.8, **KNOWN
)


def cost(month_on, amount_minor, currency="USD", investment_id="I"):
    return InvestmentCostRow(
        investment_id=investment_id,
        month_on=month_on,
        cost_kind="fee",
        amount_minor=amount_minor,
        currency=currency,
        **KNOWN,
    )


def exposed(unit_id, starts_on, **changes):
    told = {"investment_id": "I", "unit_id": unit_id, "starts_on": starts_on} | KNOWN
    return ExposureRow(**told | changes)


@pytest.fixture
def evidence(lumpy_panel):
    panel = lumpy_panel(effect=500_000)
    first = period_of(FIRST)
    reached = panel[panel["start"] > 0].drop_duplicates("unit")
    booked = panel["outcome"].astype(int)
    months = pd.DataFrame(
        {
            "unit_kind": "rep",
            "unit_id": panel["unit"],
            "month_on": [first_day(first + p - 1) for p in panel["period"]],
            "bookings_minor": booked,
            "margin_told_minor": 0,
            "bookings_without_margin_minor": booked,
            "pipeline_created_minor": booked * 3,
            "win_rate": 0.2 + booked / booked.max() / 2,
            "cycle_days": 30.0,
            "engagement": 5,
        }
    )
    names = panel["unit"].unique()
    units = pd.DataFrame({"unit_kind": "rep", "unit_id": names, "begins_on": None, "ends_on": None})
    exposures = [
        exposed(unit, first_day(first + start - 1))
        for unit, start in zip(reached["unit"], reached["start"], strict=True)
    ]
    return Evidence(
        company=Company(
            months=months,
            units=units,
            exposures=exposures,
            assignments=[],
            quotas=pd.DataFrame(columns=QUOTA),
        ),
        costs=[cost(date(2025, 9, 1), 2_000_000)],
        rates=Rates("USD", [Rate("EUR", "USD", date(2025, 1, 1), Decimal("1.5"))]),
        calendar=FiscalCalendar(),
    )


def company(evidence, **changes):
    return {"company": Company(**evidence.company.__dict__ | changes)}


def whole(evidence, investment=COACHING, as_of=AS_OF, **changes):
    return judge_investment(investment, Evidence(**evidence.__dict__ | changes), as_of)


def judged(evidence, investment=COACHING, as_of=AS_OF, **changes):
    return whole(evidence, investment, as_of, **changes).row


def kept(judged, row_type):
    return [row for row in judged.rows if isinstance(row, row_type)]


def test_an_investment_is_judged_from_what_the_warehouse_knows(evidence):
    row = judged(evidence)
    assert row.verdict == "pays_off"
    assert row.cost_minor == 2_000_000
    assert row.currency == "USD"
    assert row.treated_unit_months == 4 * (9 + 7 + 5)
    assert row.naive_effect is not None
    assert row.asked == "unknown"


def test_costs_count_once_their_month_is_over_at_the_rate_of_that_month(evidence):
    costs = [
        cost(date(2025, 9, 1), 2_000_000),
        cost(date(2025, 10, 1), 1_000_000, "EUR"),
        cost(date(2026, 7, 1), 99),
        cost(date(2025, 9, 1), 99, investment_id="other"),
    ]
    assert judged(evidence, costs=costs).cost_minor == 3_500_000


def test_what_happened_after_the_moment_changes_nothing(evidence):
    earlier = datetime(2026, 6, 2, tzinfo=UTC)
    months = evidence.company.months
    later = months["month_on"] >= date(2026, 6, 1)
    changed = months.assign(bookings_minor=months["bookings_minor"].where(~later, 10**9))
    assert judged(evidence, as_of=earlier) == judged(
        evidence, as_of=earlier, **company(evidence, months=changed)
    )


def test_a_judgement_is_recomputed_from_its_panel_and_its_terms_to_the_digit(evidence):
    found = whole(evidence)
    (panel,) = kept(found, InvestmentPanelRow)
    assert panel_hash(panel.panel_csv) == panel.panel_hash == found.row.panel_hash
    again = recomputed(panel.panel_csv, found.row.terms)
    names = ("verdict", "reason", "effect", "std_error", "roi_low", "roi", "panel_hash")
    assert [again[name] for name in names] == [getattr(found.row, name) for name in names]
    assert list(differences(again, recomputed(panel.panel_csv, found.row.terms))) == []


def test_a_panel_that_was_touched_gives_a_difference_with_its_name(evidence):
    found = whole(evidence)
    (panel,) = kept(found, InvestmentPanelRow)
    head, first, *rest = panel.panel_csv.splitlines(keepends=True)
    unit, period, outcome, *others = first.split(",")
    touched = head + ",".join([unit, period, f"{float(outcome) + 10_000}", *others]) + "".join(rest)
    was, now = (recomputed(text, found.row.terms) for text in (panel.panel_csv, touched))
    assert any(line.startswith("effect: it was") for line in differences(was, now))


def test_every_estimate_and_finding_is_kept_those_of_a_refusal_too(evidence):
    months = evidence.company.months
    period = months["month_on"].map(period_of) - period_of(FIRST)
    reached = months["unit_id"].isin({e.unit_id for e in evidence.company.exposures})
    drift = months["bookings_minor"] + (period * 100_000).where(reached, 0)
    found = whole(evidence, **company(evidence, months=months.assign(bookings_minor=drift)))
    assert found.row.verdict == "not_identified"
    assert found.row.effect is None
    assert [row.role for row in kept(found, InvestmentEstimateRow)] == ["primary", "cross_check"]
    assert "refuse" in {row.verdict for row in kept(found, InvestmentDiagnosticRow)}


def test_a_return_is_the_margin_less_each_kind_of_cost(evidence):
    worked = replace(cost(date(2025, 9, 1), 400_000), cost_kind="rep_hours", hours=50.0)
    found = whole(evidence, costs=[*evidence.costs, worked])
    told = {row.measure: explanation_of(row) for row in kept(found, ExplanationRow)}
    assert told["net_return"].number == pytest.approx(found.row.incremental_margin - 2_400_000)
    assert told["roi"].number == pytest.approx(found.row.roi)
    assert told["cost"].number == 2_400_000
    hours = told["cost"].contributions[1]
    assert (hours.label, hours.note) == ("Rep hours", "50.0 hours at 80 USD on average")
    assert "cost_kind = 'rep_hours'" in hours.sql


def test_the_months_around_the_start_are_told_for_the_picture(evidence):
    steps = {row.months_since_start: row for row in kept(whole(evidence), EventStudyRow)}
    assert {-1, 0, 3} <= steps.keys()
    assert all(step.effect_low < step.effect < step.effect_high for step in steps.values())
    assert steps[2].effect > 200_000


def test_a_question_that_came_afterwards_is_told_so(evidence):
    before = judged(evidence, replace(COACHING, registered_on=date(2025, 10, 1)))
    assert before.asked == "beforehand"
    after = judged(evidence, replace(COACHING, registered_on=date(2026, 2, 1)))
    assert after.asked == "afterwards"
    assert "Asked afterwards" in after.reason
    assert "asked_afterwards" in after.warning_codes
    assert after.verdict == before.verdict


@pytest.mark.parametrize("outcome", ["win_rate", "engagement"])
def test_an_effect_that_is_no_money_has_an_interval_and_no_return(evidence, outcome):
    months = evidence.company.months
    more = months.assign(engagement=months["bookings_minor"] // 10_000)
    row = judged(evidence, replace(COACHING, outcome=outcome), **company(evidence, months=more))
    assert row.verdict == "cannot_tell"
    assert row.effect_low < row.effect < row.effect_high
    assert row.roi is row.incremental_margin is None
    assert "worth in money is not on record" in row.reason


def test_pipeline_and_margin_are_called_what_they_are(evidence):
    pipeline = judged(evidence, replace(COACHING, outcome="pipeline_created"))
    assert pipeline.verdict == "cannot_tell"
    assert pipeline.roi is pipeline.incremental_margin is None, "nobody knows how much is won"
    assert "The pipeline created of each" in pipeline.reason
    assert "USD a month" in pipeline.reason
    margin = judged(evidence, replace(COACHING, outcome="margin"))
    assert margin.gross_margin_rate == 1
    assert " of gross margin a month" in margin.reason


def test_one_territory_that_was_reached_is_told_from_the_warehouse_with_what_it_rests_on(evidence):
    known = evidence.company
    lifted = known.months["bookings_minor"].where(known.months["unit_id"] != "rep-00", 0)
    gain = 3_000_000 * (known.months["month_on"] >= date(2025, 10, 1))
    of_territories = company(
        evidence,
        months=known.months.assign(
            unit_kind="territory",
            bookings_minor=known.months["bookings_minor"].where(lifted > 0, 800_000 + gain),
        ),
        units=known.units.assign(unit_kind="territory"),
        exposures=[exposed("rep-00", date(2025, 10, 1), unit_kind="territory")],
    )
    found = whole(evidence, replace(COACHING, kind="tool"), **of_territories)
    assert found.row.unit_kind == "territory"
    assert found.row.estimator == SYNTHETIC_DID
    assert found.row.verdict == "pays_off"
    assert found.row.effect_low < 3_000_000 < found.row.effect_high
    assert found.row.roi_low > 0
    roles = {each.role: each.estimator for each in kept(found, InvestmentEstimateRow)}
    assert roles["primary"] == SYNTHETIC_DID
    names = {each.diagnostic for each in kept(found, InvestmentDiagnosticRow)}
    assert names == {"placebo_time", "placebo_space", "cross_check"}
    steps = {each.months_since_start: each.effect for each in kept(found, EventStudyRow)}
    assert np.mean([steps[since] for since in range(9)]) == pytest.approx(found.row.effect)


def test_without_a_cost_on_record_the_effect_is_told_and_no_return(evidence):
    row = judged(evidence, COACHING, costs=[])
    assert row.verdict == "cannot_tell"
    assert "No cost is on record" in row.reason
    assert row.effect is not None
    assert row.roi is None


def everybody_at_once(evidence):
    names = evidence.company.units["unit_id"]
    return company(evidence, exposures=[exposed(name, date(2026, 1, 1)) for name in names])


def two_units(evidence):
    units = evidence.company.units
    return company(evidence, units=units[units["unit_id"].isin(["rep-00", "rep-20"])],
                   exposures=[exposed("rep-00", date(2026, 1, 1))])  # fmt: skip


def without_control(evidence):
    reached = {each.unit_id for each in evidence.company.exposures}
    units = evidence.company.units
    together = [exposed(unit, date(2025, 12, 1)) for unit in sorted(reached)]
    kept = units[units["unit_id"].isin(reached)]
    return company(evidence, units=kept, exposures=together)


def sold_at_a_loss(evidence):
    return company(evidence, months=evidence.company.months.assign(
        margin_told_minor=-evidence.company.months["bookings_minor"] // 10,
        bookings_without_margin_minor=0,
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("world", "verdicts", "said"),
    [
        (everybody_at_once, {"not_identified"}, "Everybody was reached"),
        (two_units, {"not_identified"}, "Only 1 was reached"),
        (without_control, {"not_identified"}, "nobody is left to compare"),
        (sold_at_a_loss, {"does_not_pay_off"}, "earn no margin"),
    ],
)
def test_bad_worlds_get_a_verdict_with_its_reason(evidence, world, verdicts, said):
    row = judged(evidence, **world(evidence))
    assert row.verdict in verdicts
    assert said in row.reason


def test_overlapping_programmes_are_told_to_the_judge(evidence):
    mine = evidence.company.exposures
    twin = [replace(each, investment_id="J") for each in mine]
    found = whole(evidence, **company(evidence, exposures=[*mine, *twin]))
    (panel,) = kept(found, InvestmentPanelRow)
    assert "other_start" in panel.panel_csv.splitlines()[0].split(",")
    assert found.row.reason


@pytest.mark.parametrize(
    ("investment", "changes", "said"),
    [
        (COACHING, {"costs": [cost(date(2025, 9, 1), 5, "GBP")]}, "no GBP to USD rate"),
        (replace(COACHING, gross_margin_rate=0), {}, "margin"),
        (replace(COACHING, investment_id="J"), {"costs": [cost(FIRST, 5, "USD", "J")]}, "Nobody"),
    ],
)
def test_what_cannot_be_judged_gets_a_row_that_says_why(evidence, investment, changes, said):
    row = judged(evidence, investment, **changes)
    assert row.verdict == "not_identified"
    assert said in row.reason
    assert row.roi is None


@given(
    values=st.lists(
        st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=4, max_size=30
    )
)
def test_a_panel_as_text_is_the_panel_to_the_last_digit(values):
    panel = pd.DataFrame({"unit": "a", "period": range(len(values)), "outcome": values, "start": 0})
    question = Question(outcome="bookings", cost_minor=1, gross_margin_rate=0.5, currency="USD")
    again = panel_of(panel_text(panel, question))
    assert [value.hex() for value in again["outcome"]] == [value.hex() for value in values]
