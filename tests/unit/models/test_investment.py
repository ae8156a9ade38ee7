from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from contracts.fiscal import FiscalCalendar
from contracts.money import Rate, Rates
from contracts.rows import InvestmentCostRow, InvestmentRow
from models.investment import Evidence, judge_investment
from models.panel import period_of

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


def month(period):
    return date(period // 12, period % 12 + 1, 1)


@pytest.fixture
def evidence(lumpy_panel):
    panel = lumpy_panel(effect=500_000)
    first = period_of(FIRST)
    reached = panel[panel["start"] > 0].drop_duplicates("unit")
    return Evidence(
        bookings=pd.DataFrame(
            {
                "rep_id": panel["unit"],
                "month_on": [month(first + p - 1) for p in panel["period"]],
                "bookings_minor": panel["outcome"].astype(int),
            }
        ),
        reps=pd.DataFrame({"rep_id": panel["unit"].unique(), "hired_on": None, "left_on": None}),
        exposures=pd.DataFrame(
            {
                "investment_id": "I",
                "unit_kind": "rep",
                "unit_id": reached["unit"],
                "starts_on": [month(first + s - 1) for s in reached["start"]],
            }
        ),
        costs=[cost(date(2025, 9, 1), 2_000_000)],
        rates=Rates("USD", [Rate("EUR", "USD", date(2025, 1, 1), Decimal("1.5"))]),
        calendar=FiscalCalendar(),
    )


def judged(evidence, investment=COACHING, as_of=AS_OF, **changes):
    evidence = Evidence(**evidence.__dict__ | changes)
    return judge_investment(investment, evidence, as_of).row


def test_an_investment_is_judged_from_what_the_warehouse_knows(evidence):
    row = judged(evidence)
    assert row.verdict == "pays_off"
    assert row.cost_minor == 2_000_000
    assert row.currency == "USD"
    assert row.treated_unit_months == 4 * (9 + 7 + 5)
    assert judge_investment(COACHING, evidence, AS_OF).naive_effect is not None


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
    later = evidence.bookings["month_on"] >= date(2026, 6, 1)
    changed = evidence.bookings.assign(
        bookings_minor=evidence.bookings["bookings_minor"].where(~later, 10**9)
    )
    assert judged(evidence, as_of=earlier) == judged(evidence, as_of=earlier, bookings=changed)


def test_without_a_cost_on_record_the_effect_is_told_and_no_return(evidence):
    row = judged(evidence, COACHING, costs=[])
    assert row.verdict == "cannot_tell"
    assert "No cost is on record" in row.reason
    assert row.effect is not None
    assert row.roi is None


@pytest.mark.parametrize(
    ("investment", "changes", "said"),
    [
        (COACHING, {"costs": [cost(date(2025, 9, 1), 5, "GBP")]}, "no GBP to USD rate"),
        (replace(COACHING, gross_margin_rate=0), {}, "margin"),
        (replace(COACHING, outcome="win_rate"), {}, "win_rate"),
        (replace(COACHING, investment_id="J"), {"costs": [cost(FIRST, 5, "USD", "J")]}, "Nobody"),
    ],
)
def test_what_cannot_be_judged_gets_a_row_that_says_why(evidence, investment, changes, said):
    row = judged(evidence, investment, **changes)
    assert row.verdict == "not_identified"
    assert said in row.reason
    assert row.roi is None


def test_exposure_by_team_is_refused_until_it_can_be_judged(evidence):
    row = judged(evidence, exposures=evidence.exposures.assign(unit_kind="team"))
    assert row.verdict == "not_identified"
    assert "exposure is by team" in row.reason
    assert row.cost_minor == 2_000_000
