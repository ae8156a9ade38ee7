"""Where the next money should go: curves, forecasts, allocations and the next experiment."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import fsum
from typing import Any, Final

import dagster as dg
import pandas as pd

from contracts.clock import Clock
from contracts.company import Company, month_of
from contracts.crm_rows import CurrencyRateRow
from contracts.fiscal import FiscalCalendar
from contracts.money import Rate, Rates, minor_digits
from contracts.plan_rows import (
    AllocationRow,
    AllocationTotalRow,
    ExperimentRow,
    InvestmentForecastRow,
    ProposalRow,
    ResponseCurveRow,
    ResponsePointRow,
    RolloutRow,
)
from contracts.plan_rules import ruled
from contracts.rows import Row
from models.experiment import later
from models.months import period_of
from models.plan import Known, make
from models.trials import Team
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_TABLES: Final[dict[type[Row], str]] = {
    ResponseCurveRow: "What a spend on each kind of investment brings, with its interval.",
    ResponsePointRow: "What each judgement says of its kind; or why nothing was learnt from it.",
    InvestmentForecastRow: "What each proposal would bring, before it is made.",
    AllocationRow: "What each option gets, for every budget and appetite for risk.",
    AllocationTotalRow: "What each budget and appetite brings, beside simpler splits.",
    ExperimentRow: "What measuring each kind is worth, and whether a roll-out could.",
    RolloutRow: "Who would start when in each roll-out.",
}
PLANNED: Final = tuple(row_type.table.removeprefix("ml.") for row_type in _TABLES)
_JUDGEMENTS: Final = """
    SELECT judgement.*, investment.kind AS kind
    FROM
    (
        SELECT * FROM ml.investment_judgement FINAL ORDER BY as_of DESC LIMIT 1 BY investment_id
    ) AS judgement
    INNER JOIN staging.stg_investment AS investment
        ON investment.investment_id = judgement.investment_id
    ORDER BY investment_id
"""
_MONTHS: Final = """
    SELECT rep_id AS unit_id, month_on, bookings_minor, team_id FROM marts.rep_month
    WHERE rep_id != '' AND month_on < toDate32(%(month)s)
"""
_RULES: Final = "SELECT value FROM live.plan_rules"
_NEWEST: Final = "(SELECT max(as_of) FROM ml.investment_forecast)"
_TOLERANCE: Final = 1e-6


@dg.multi_asset(
    name="planned",
    specs=[
        dg.AssetSpec(
            key=row_type.table.split("."),
            deps=[
                ["ml", "investment_judgement"],
                ["marts", "rep_month"],
                ["staging", "stg_investment"],
                ["staging", "stg_proposal"],
                ["staging", "stg_currency_rate"],
            ],
            description=description,
            group_name="ml",
            kinds={"clickhouse", "python"},
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
        )
        for row_type, description in _TABLES.items()
    ],
)
def plan(
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Make the plan of the twelve months that begin with the next one."""
    now = clock.now()
    made = make(_known(reader, settings, now), now)
    writer.write(made.rows)
    counts = Counter(type(row) for row in made.rows)
    for row_type in _TABLES:
        yield dg.MaterializeResult(
            asset_key=row_type.table.split("."),
            metadata={"rows": counts[row_type], "problem": made.problem or "none"},
        )


@dg.asset_check(asset=["ml", "investment_forecast"])
def forecast_intervals_are_ordered(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """Low is not above the mean, nor the mean above high; a probability lies between 0 and 1."""
    wrong = reader.frame(
        "SELECT proposal_id FROM ml.investment_forecast FINAL WHERE as_of = "
        f"{_NEWEST} AND margin IS NOT NULL AND NOT (margin_low <= margin AND margin <= margin_high "
        "AND roi_low <= roi AND roi <= roi_high AND npv_low <= npv AND npv <= npv_high "
        "AND pays_off_probability BETWEEN 0 AND 1)"
    )["proposal_id"]
    return dg.AssetCheckResult(passed=wrong.empty, metadata={"wrong": list(wrong)})


@dg.asset_check(asset=["ml", "investment_forecast"])
def forecasts_are_the_sum_of_their_parts(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """Every forecast is explained, and its parts sum to its margin less its spend."""
    told = reader.frame(
        "SELECT forecast.proposal_id AS proposal_id, margin - spend_minor AS net, value FROM "
        f"(SELECT * FROM ml.investment_forecast FINAL WHERE as_of = {_NEWEST}) AS forecast "
        "LEFT JOIN (SELECT * FROM ml.explanation FINAL WHERE subject_kind = 'proposal') AS why "
        "ON why.subject_id = forecast.proposal_id AND why.as_of = forecast.as_of "
        "WHERE margin IS NOT NULL"
    )
    wrong = [
        row["proposal_id"]
        for row in told.to_dict("records")
        if abs(fsum(row["value"]) - row["net"]) > 1 + _TOLERANCE * abs(row["net"])
    ]
    return dg.AssetCheckResult(
        passed=not wrong, metadata={"forecasts": len(told), "wrong": wrong[:10]}
    )


@dg.asset_check(asset=["ml", "allocation_total"])
def no_allocation_breaks_a_rule(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """Every rule holds in every scenario, and there is one wherever something can be bought."""
    totals = reader.frame(
        f"SELECT broken, is_proven FROM ml.allocation_total FINAL WHERE as_of = {_NEWEST}"
    )
    scored = reader.value(
        f"SELECT count() FROM ml.investment_forecast FINAL WHERE as_of = {_NEWEST} "
        "AND verdict != 'not_scored'"
    )
    said = [what for broken in totals["broken"] for what in broken]
    return dg.AssetCheckResult(
        passed=not said and (not totals.empty or not scored),
        description="; ".join(said)
        or (None if len(totals) or not scored else "The rules can't all be kept: see the asset."),
        metadata={"scenarios": len(totals), "proven best": int(totals["is_proven"].sum())},
    )


@dg.asset_check(asset=["ml", "allocation_total"])
def a_total_is_the_sum_of_its_allocations(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """What a scenario spends and brings is what its options do, to the minor unit."""
    wrong = reader.frame(
        "SELECT budget_minor, appetite FROM "
        f"(SELECT * FROM ml.allocation_total FINAL WHERE as_of = {_NEWEST}) AS total "
        "LEFT JOIN (SELECT budget_minor, appetite, sum(spend_minor) AS spent, "
        "sum(margin) AS brought FROM ml.allocation FINAL "
        f"WHERE as_of = {_NEWEST} GROUP BY budget_minor, appetite) AS part "
        "USING (budget_minor, appetite) "
        "WHERE spend_minor != spent OR abs(brought - spent - net) > 100"
    )
    return dg.AssetCheckResult(
        passed=wrong.empty, metadata={"wrong": wrong.astype(str).to_dict("records")[:10]}
    )


def _known(reader: Reader, settings: Settings, now: datetime) -> Known:
    company = ruled(settings.company, reader.value(_RULES) or "")
    calendar = FiscalCalendar(company.fiscal_first_month, company.time_zone)
    month = calendar.month(calendar.day(now)).starts_on
    rates = reader.rows(
        CurrencyRateRow, "SELECT *, false AS is_deleted FROM staging.stg_currency_rate"
    )
    proposals = "SELECT *, false AS is_deleted FROM staging.stg_proposal ORDER BY proposal_id"
    judgements = reader.frame(_JUDGEMENTS)
    return Known(
        judgements=judgements,
        proposals=reader.rows(ProposalRow, proposals),
        team=_team(reader.frame(_MONTHS, {"month": month.isoformat()}), judgements),
        rates=Rates(
            company.base_currency, [Rate(r.currency, r.base, r.rate_on, r.rate) for r in rates]
        ),
        budget=company.plan_budget * _minor(company),
        discount_rate=company.plan_discount_rate,
        starts_on=later(month, 1),
        rules=_rules(company),
    )


def _rules(company: Company) -> dict[str, dict[Any, float]]:
    by_month = {month_of(name): most for name, most in company.plan_month_budgets.items()}
    given: dict[str, Mapping[Any, int]] = {
        "pool_floors": company.plan_kind_floors,
        "pool_caps": company.plan_kind_caps,
        "month_budgets": by_month,
    }
    minor = _minor(company)
    return {rule: {of: each * minor for of, each in told.items()} for rule, told in given.items()}


def _minor(company: Company) -> float:
    return 10.0 ** minor_digits(company.base_currency)


def _team(months: pd.DataFrame, judgements: pd.DataFrame) -> Team:
    """Return the reps of the last month that is over, and everybody's months."""
    rates = judgements["gross_margin_rate"].dropna()
    last = months["month_on"].max() if len(months) else None
    panel = pd.DataFrame(
        {
            "unit": months["unit_id"],
            "period": [period_of(day) for day in months["month_on"]],
            "outcome": months["bookings_minor"],
        }
    )
    return Team(
        panel=panel,
        units=months.loc[months["month_on"] == last, ["unit_id", "team_id"]],
        gross_margin_rate=float(rates.median()) if len(rates) else None,
    )
