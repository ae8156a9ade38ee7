"""The dbt project against the real warehouse: what it promises, and that its tests can fail."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

import contracts.money
from contracts.company import Company
from contracts.crm_rows import AssignmentRow, CurrencyRateRow, OpportunityRow, RepRow
from contracts.errors import Fatal
from contracts.money import Money, Rate, Rates
from contracts.rows import ActivityRow, EngagementScoreRow
from orchestration.dbt import Dbt
from settings import Settings
from tests.seeded_company import accounts, activities
from tests.selling_company import company, reps

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOLD = {"source": "crm", "knowable_at": MORNING}


@pytest.fixture
def dbt(dbt_home, warehouse_url):
    company = Company(base_currency="USD", time_zone="Europe/Oslo")
    return Dbt(Settings(home=dbt_home, warehouse_url=warehouse_url, company=company))


def built(dbt, *names):
    """Build everything, or what is named, and return what became of each node by its name."""
    outcomes = dbt.build(list(names) or ["*"])
    return {outcome.unique_id.split(".")[2]: outcome for outcome in outcomes}


def won(name="O-1", **changes):
    row = OpportunityRow(
        opportunity_id=name,
        owner_rep_id="R-1",
        stage="won",
        amount_minor=10_000,
        created_on=date(2026, 1, 5),
        close_on=date(2026, 2, 10),
        is_closed=True,
        is_won=True,
        **TOLD,
    )
    return replace(row, **changes)


def rep(rep_id="R-1", **changes):
    return replace(
        RepRow(rep_id=rep_id, name=rep_id, email=f"{rep_id}@us.example", **TOLD), **changes
    )


def rate(currency, on, value):
    return CurrencyRateRow(currency=currency, base="USD", rate_on=on, rate=Decimal(value), **TOLD)


def test_everything_builds_and_every_test_passes_on_a_company(dbt, writer, reader):
    writer.write([*company(NOW), *activities(NOW)])
    outcomes = built(dbt)
    assert {o.status for o in outcomes.values()} <= {"success", "pass"}
    bookings = reader.frame("SELECT count() AS rows, sum(deals_won) AS won FROM marts.rep_month")
    assert bookings["won"][0] == reader.value(
        "SELECT count() FROM staging.stg_opportunity WHERE is_won"
    )


def test_everything_builds_on_an_empty_warehouse(dbt, reader):
    assert {o.status for o in built(dbt).values()} <= {"success", "pass"}
    assert reader.value("SELECT count() FROM marts.rep_month") == 0


def test_bookings_are_worth_what_python_makes_of_them(dbt, writer, reader):
    """At the rate of the day of closing, in every currency's own minor units, rounded once."""
    others = ["EUR", *contracts.money._MINOR_DIGITS]
    dated = [(date(2026, 1, 1), "1.10"), (date(2026, 2, 5), "0.00675"), (date(2026, 2, 11), "9")]
    rates = [rate(currency, on, value) for currency in others for on, value in dated]
    amounts = [(c, minor) for c in others for minor in (1, 2_000, 12_345, -5_000_000_000_000_001)]
    deals = [won(f"O-{n}", amount_minor=m, currency=c) for n, (c, m) in enumerate(amounts)]
    writer.write([rep(), *rates, *deals])
    built(dbt, "+stg_closed_opportunity")
    table = Rates("USD", [Rate(r.currency, r.base, r.rate_on, r.rate) for r in rates])
    kept = reader.frame("SELECT opportunity_id, bookings_minor FROM staging.stg_closed_opportunity")
    assert len(kept) == len(amounts)
    for name, minor in zip(kept["opportunity_id"], kept["bookings_minor"], strict=True):
        money = Money(amounts[int(name[2:])][1], amounts[int(name[2:])][0])
        assert minor == table.convert(money, date(2026, 2, 10)).minor, money


def test_a_missing_rate_stops_the_bookings_and_is_told_in_words(dbt, writer, reader):
    writer.write([rep(), won(currency="GBP"), won("O-2")])
    outcomes = built(dbt, "+rep_month", "every_booking_has_a_rate")
    assert outcomes["every_booking_has_a_rate"].status == "fail"
    assert outcomes["rep_month"].status == "skipped"
    said = reader.value(outcomes["every_booking_has_a_rate"].sql)
    assert said == (
        "no GBP to USD rate on or before 2026-02-10 for opportunity O-1: "
        "add one to the currency rates"
    )
    refused = built(dbt, "rep_month")["rep_month"]
    assert refused.status == "error"
    assert "a booking has no currency rate" in refused.message


def test_credit_stays_with_the_owner_at_close(dbt, writer, reader):
    opened = won(
        owner_rep_id="R-1",
        stage="proposal",
        is_closed=False,
        is_won=False,
        close_on=None,
        knowable_at=MORNING - timedelta(days=40),
    )
    at_close = won(owner_rep_id="R-2")
    moved = won(owner_rep_id="R-3", amount_minor=12_000, knowable_at=MORNING + timedelta(days=9))
    writer.write([rep("R-1"), rep("R-2"), rep("R-3"), opened, at_close, moved])
    built(dbt, "+rep_month")
    credited = reader.frame(
        "SELECT rep_id, bookings_minor FROM marts.rep_month WHERE bookings_minor > 0"
    )
    assert credited.to_numpy().tolist() == [["R-2", 12_000]]


def test_a_deal_won_again_credits_its_owner_at_the_second_close(dbt, writer, reader):
    versions = [
        won(owner_rep_id="R-1"),
        won(owner_rep_id="R-1", is_closed=False, is_won=False, knowable_at=MORNING + timedelta(1)),
        won(owner_rep_id="R-2", knowable_at=MORNING + timedelta(2)),
    ]
    writer.write([rep("R-1"), rep("R-2"), *versions])
    built(dbt, "+stg_closed_opportunity")
    assert reader.value("SELECT rep_id FROM staging.stg_closed_opportunity") == "R-2"


def test_the_current_record_is_the_newest_that_was_not_deleted(dbt, writer, reader):
    writer.write(
        [
            rep("R-1", name="old"),
            rep("R-1", name="new", knowable_at=MORNING + timedelta(1)),
            rep("R-2"),
            rep("R-2", knowable_at=MORNING + timedelta(1), is_deleted=True),
        ]
    )
    built(dbt, "stg_rep")
    assert reader.frame("SELECT rep_id, name FROM staging.stg_rep").to_numpy().tolist() == [
        ["R-1", "new"]
    ]


def test_a_month_without_a_booking_is_a_row_of_zeros_within_the_tenure(dbt, writer, reader):
    writer.write(
        [
            rep("R-1"),
            rep("R-2", hired_on=date(2026, 2, 20), left_on=date(2026, 3, 1)),
            won(close_on=date(2026, 1, 31)),
        ]
    )
    built(dbt, "+rep_month")
    rows = reader.frame("SELECT rep_id, month_on, bookings_minor FROM marts.rep_month ORDER BY ALL")
    assert rows.to_numpy().tolist() == [
        ["R-1", date(2026, 1, 1), 10_000],
        ["R-1", date(2026, 2, 1), 0],
        ["R-1", date(2026, 3, 1), 0],
        ["R-2", date(2026, 2, 1), 0],
        ["R-2", date(2026, 3, 1), 0],
    ]


def test_teams_are_as_they_were_and_activities_fall_in_the_company_s_month(dbt, writer, reader):
    team = {"child_id": "R-1", "parent_kind": "team", **TOLD}
    last_minute = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)  # already February in Oslo
    activity = next(row for row in activities(NOW) if isinstance(row, ActivityRow))
    call = replace(
        activity,
        channel="call",
        direction="outbound",
        event_time=last_minute,
        participant_address=("r-1@us.example", "x@y.example"),
        participant_name=("", ""),
        participant_role=("caller", "callee"),
        participant_is_ours=(True, False),
    )
    writer.write(
        [
            rep("R-1", email="R-1@us.example"),
            won(close_on=date(2026, 1, 2)),
            AssignmentRow(
                parent_id="old",
                effective_from=date(2025, 1, 1),
                effective_to=date(2026, 2, 1),
                **team,
            ),
            AssignmentRow(
                parent_id="new",
                effective_from=date(2026, 2, 1),
                effective_to=date(2026, 3, 1),
                **team,
            ),
            call,
        ]
    )
    built(dbt, "+rep_month")
    rows = reader.frame("SELECT team_id, calls FROM marts.rep_month ORDER BY month_on")
    assert rows.to_numpy().tolist() == [["old", 0], ["new", 1], ["", 0]]


def test_a_closed_deal_without_a_date_closed_when_we_were_told(dbt, writer, reader):
    writer.write([rep(), won(close_on=None)])
    built(dbt, "+stg_closed_opportunity")
    assert reader.value("SELECT close_on FROM staging.stg_closed_opportunity") == date(2026, 3, 2)


def test_overlapping_assignments_fail_with_who_and_when(dbt, writer, reader):
    team = {"child_id": "R-1", "parent_kind": "team", **TOLD}
    writer.write(
        [
            AssignmentRow(
                parent_id="A",
                effective_from=date(2026, 1, 1),
                effective_to=date(2026, 2, 1),
                **team,
            ),
            AssignmentRow(parent_id="B", effective_from=date(2026, 2, 1), **team),
            AssignmentRow(parent_id="C", effective_from=date(2026, 4, 1), **team),
        ]
    )
    outcome = built(dbt, "stg_assignment", "assignments_do_not_overlap")[
        "assignments_do_not_overlap"
    ]
    assert (outcome.status, outcome.failures) == ("fail", 1)
    assert reader.value(outcome.sql).startswith("R-1 has the teams B and C on 2026-04-01")


def test_bookings_that_do_not_reconcile_fail(dbt, writer):
    writer.write([rep(), won()])
    test = "bookings_reconcile_with_won_opportunities"
    assert built(dbt, "+rep_month", test)[test].status == "pass"
    writer.write([won("O-2")])
    assert built(dbt, test)[test].status == "fail"


def test_reasons_that_do_not_sum_to_the_score_fail(dbt, writer):
    account = next(iter(accounts(NOW)))
    score = EngagementScoreRow(
        account_id=account.account_id,
        as_of=NOW,
        weights_version="v1",
        score=30.0,
        component=("call",),
        points=(29.0,),
        activity_count=1,
        last_activity_at=NOW,
    )
    writer.write([account, score])
    test = "reasons_sum_to_the_score"
    assert built(dbt, "+account_engagement", test)[test].status == "fail"


def test_a_blank_key_fails(dbt, writer):
    writer.write([won("")])
    outcome = built(dbt, "stg_opportunity", "is_key_stg_opportunity_opportunity_id")
    assert outcome["is_key_stg_opportunity_opportunity_id"].status == "fail"


def test_the_pipeline_shows_open_deals_with_their_engagement(dbt, writer, reader):
    score = EngagementScoreRow(
        account_id="A-01",
        as_of=NOW,
        weights_version="v1",
        score=29.0,
        component=("call",),
        points=(29.0,),
        activity_count=1,
        last_activity_at=NOW,
    )
    deal = {"stage": "proposal", "is_closed": False, "is_won": False}
    writer.write(
        [
            *accounts(NOW),
            rep(),
            score,
            won("closed"),
            rate("EUR", date(2026, 1, 1), "1.5"),
            won("open", account_id="A-01", currency="EUR", **deal),
            won("new", **deal),
        ]
    )
    built(dbt, "+pipeline")
    rows = reader.frame(
        "SELECT opportunity_id, account_name, rep_name, amount_base_minor, engagement_score "
        "FROM marts.pipeline ORDER BY opportunity_id DESC"
    ).astype(object)
    assert rows.iloc[0].tolist() == ["open", "Northwind Logistics", "R-1", 15_000, 29.0]
    assert rows.iloc[1]["opportunity_id"] == "new"
    assert rows["engagement_score"].isna().tolist() == [False, True]


def test_a_project_that_does_not_parse_is_fatal(dbt_home, warehouse_url, tmp_path, monkeypatch):
    monkeypatch.setattr("orchestration.dbt.PROJECT", tmp_path)
    with pytest.raises(Fatal, match="dbt parse"):
        Dbt(Settings(home=tmp_path, warehouse_url=warehouse_url)).manifest()


def test_the_project_is_parsed_once_and_its_secrets_leave_the_environment(dbt, monkeypatch):
    dbt.manifest()
    before = dict(os.environ)
    monkeypatch.setattr(Dbt, "_parse", lambda self: pytest.fail("parsed again"))
    assert dbt.manifest()["nodes"]
    built(dbt, "stg_rep")
    assert dict(os.environ) == before


def test_reps_without_deals_have_no_months(dbt, writer, reader):
    writer.write([*reps(NOW)])
    built(dbt, "+rep_month")
    assert reader.value("SELECT count() FROM marts.rep_month") == 0
