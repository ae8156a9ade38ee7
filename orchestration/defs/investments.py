"""What each registered investment returned to date: a judgement a row, nightly."""

from datetime import timedelta
from typing import Final

import dagster as dg

from contracts.clock import Clock
from contracts.fiscal import FiscalCalendar
from contracts.money import Rate, Rates
from contracts.rows import CurrencyRateRow, InvestmentCostRow, InvestmentRow
from models.investment import Evidence, Judged, judge_investment
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_CURRENT: Final = "SELECT *, false AS is_deleted FROM staging."


@dg.asset(
    key=["ml", "investment_judgement"],
    deps=[
        ["marts", "rep_month"],
        ["staging", "stg_rep"],
        ["staging", "stg_investment"],
        ["staging", "stg_investment_cost"],
        ["staging", "stg_exposure"],
        ["staging", "stg_currency_rate"],
    ],
    group_name="ml",
    kinds={"clickhouse", "python"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
)
def investment_judgement(
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """One row per investment and moment: effect, interval, ROI, verdict and its reason."""
    now = clock.now()
    evidence = _evidence(reader, settings)
    investments = reader.rows(InvestmentRow, f"{_CURRENT}stg_investment ORDER BY investment_id")
    judged = [judge_investment(investment, evidence, now) for investment in investments]
    writer.write([one.row for one in judged])
    return dg.MaterializeResult(
        metadata={"investments": len(judged)}
        | {one.row.investment_id: _told(one) for one in judged}
    )


@dg.asset_check(asset=["ml", "investment_judgement"])
def every_investment_has_a_judgement(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """What cannot be judged has a judgement as well, which says so."""
    missing = reader.frame(
        "SELECT investment_id FROM staging.stg_investment WHERE investment_id NOT IN "
        "(SELECT investment_id FROM ml.investment_judgement) ORDER BY investment_id"
    )["investment_id"]
    return dg.AssetCheckResult(passed=missing.empty, metadata={"missing": list(missing)})


def _evidence(reader: Reader, settings: Settings) -> Evidence:
    company = settings.company
    rates = reader.rows(CurrencyRateRow, f"{_CURRENT}stg_currency_rate")
    return Evidence(
        bookings=reader.frame("SELECT rep_id, month_on, bookings_minor FROM marts.rep_month"),
        reps=reader.frame("SELECT rep_id, hired_on, left_on FROM staging.stg_rep"),
        exposures=reader.frame(
            "SELECT investment_id, unit_kind, unit_id, starts_on FROM staging.stg_exposure"
        ),
        costs=reader.rows(InvestmentCostRow, f"{_CURRENT}stg_investment_cost"),
        rates=Rates(
            company.base_currency, [Rate(r.currency, r.base, r.rate_on, r.rate) for r in rates]
        ),
        calendar=FiscalCalendar(company.fiscal_first_month, company.time_zone),
    )


def _told(judged: Judged) -> dict[str, object]:
    """Return a judgement for a person, beside what a plain before-and-after would have claimed."""
    row = judged.row
    return {
        "verdict": row.verdict,
        "reason": row.reason,
        "roi": [row.roi_low, row.roi, row.roi_high],
        "effect per rep and month, minor units": row.effect,
        "plain before-and-after, for comparison only": judged.naive_effect,
    }
