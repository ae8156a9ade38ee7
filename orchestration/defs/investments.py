"""What each registered investment returned to date: a judgement nightly, and what it rests on."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import dagster as dg
import pandas as pd

from contracts.clock import Clock
from contracts.crm_rows import (
    AssignmentRow,
    CurrencyRateRow,
    ExposureRow,
    InvestmentCostRow,
    InvestmentRow,
    QuotaRow,
)
from contracts.errors import UserError
from contracts.fiscal import FiscalCalendar
from contracts.investment_rows import (
    ExplanationRow,
    InvestmentJudgementRow,
    InvestmentPanelRow,
    explanation_of,
)
from contracts.money import Money, Rate, Rates
from models.audit import panel_hash
from models.investment import Evidence, Judged, judge_investment
from models.panel import Company
from models.return_explained import SUBJECT_KIND
from models.synthetic import SYNTHETIC_DID
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_CURRENT: Final = "SELECT *, false AS is_deleted FROM staging."
_KEPT: Final = """
    SELECT * FROM ml.investment_judgement FINAL ORDER BY as_of DESC LIMIT 1 BY investment_id
"""
_UNITS: Final = """
    SELECT 'rep' AS unit_kind, rep_id AS unit_id, hired_on AS begins_on, left_on AS ends_on
    FROM staging.stg_rep
    UNION ALL
    SELECT 'territory', unit_id, NULL, NULL FROM staging.stg_org_unit WHERE unit_kind = 'territory'
    UNION ALL
    SELECT 'account', account_id, NULL, NULL FROM staging.stg_account
"""
TOGETHER: Final = (
    "investment_panel",
    "investment_estimate",
    "investment_diagnostic",
    "investment_event_study",
    "explanation",
    "investment_judgement",
)
_SAYS: Final = {
    "investment_panel": "The panels that were judged, whole, by their hash.",
    "investment_estimate": "What each estimator said, those too that no verdict shows.",
    "investment_diagnostic": "What each diagnostic said.",
    "investment_event_study": "The gap between reached and compared, by month around the start.",
    "explanation": "What a number is made of: its contributions sum to it.",
    "investment_judgement": (
        "One row per investment and moment: effect, interval, ROI, verdict and its reason."
    ),
}
_DEPS: Final = (
    ("marts", "unit_month"),
    ("staging", "stg_account"),
    ("staging", "stg_assignment"),
    ("staging", "stg_currency_rate"),
    ("staging", "stg_exposure"),
    ("staging", "stg_investment"),
    ("staging", "stg_investment_cost"),
    ("staging", "stg_org_unit"),
    ("staging", "stg_quota"),
    ("staging", "stg_rep"),
)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            key=["ml", name],
            deps=[dg.AssetKey(path) for path in _DEPS],
            description=_SAYS[name],
            group_name="ml",
            kinds={"clickhouse", "python"},
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
        )
        for name in TOGETHER
    ]
)
def investment_judgement(
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Judge every registered investment by the months that are over."""
    now, evidence = clock.now(), _evidence(reader, settings)
    investments = reader.rows(InvestmentRow, f"{_CURRENT}stg_investment ORDER BY investment_id")
    judged = [judge_investment(investment, evidence, now) for investment in investments]
    for one in judged:
        writer.write(one.rows)
    told = {one.row.investment_id: _told(one) for one in judged}
    for name in TOGETHER:
        more = told if name == "investment_judgement" else {}
        yield dg.MaterializeResult(
            asset_key=["ml", name], metadata={"investments": len(judged), **more}
        )


@dg.asset_check(asset=["ml", "investment_judgement"])
def every_investment_has_a_judgement(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """What cannot be judged has a judgement as well, which says so."""
    missing = reader.frame(
        "SELECT investment_id FROM staging.stg_investment WHERE investment_id NOT IN "
        "(SELECT investment_id FROM ml.investment_judgement) ORDER BY investment_id"
    )["investment_id"]
    return _checked(list(missing))


@dg.asset_check(asset=["ml", "investment_judgement"])
def intervals_hold_their_estimate(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """Each interval runs from low to high around its estimate."""
    return _checked([row.investment_id for row in _newest(reader) if not _ordered(row)])


@dg.asset_check(asset=["ml", "investment_judgement"])
def verdicts_agree_with_their_intervals(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """Pays off: all of the ROI's interval above zero; does not: all below; no estimate: neither."""
    return _checked([row.investment_id for row in _newest(reader) if not _agrees(row)])


@dg.asset_check(asset=["ml", "investment_panel"])
def panels_have_their_hash(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """The panel of every newest judgement is kept, and hashes to what the judgement names."""
    wanted = {row.panel_hash: row.investment_id for row in _newest(reader) if row.panel_hash}
    kept = reader.rows(
        InvestmentPanelRow,
        "SELECT * FROM ml.investment_panel FINAL WHERE panel_hash IN %(hashes)s",
        {"hashes": tuple(wanted) or ("",)},
    )
    sound = {row.panel_hash for row in kept if panel_hash(row.panel_csv) == row.panel_hash}
    return _checked([wanted[missing] for missing in wanted.keys() - sound])


@dg.asset_check(asset=["ml", "explanation"])
def explanations_add_up(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """What explains a return sums to it, and is the return that was judged."""
    newest = {(row.investment_id, row.as_of): row for row in _newest(reader)}
    rows = reader.rows(
        ExplanationRow,
        "SELECT * FROM ml.explanation FINAL WHERE subject_kind = %(kind)s",
        {"kind": SUBJECT_KIND},
    )
    wrong = [
        f"{each.subject_id}: {each.measure}"
        for each in rows
        if (judged := newest.get((each.subject_id, each.as_of))) and not _explains(each, judged)
    ]
    return _checked(wrong)


def _newest(reader: Reader) -> list[InvestmentJudgementRow]:
    return reader.rows(InvestmentJudgementRow, _KEPT)


def _checked(wrong: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=not wrong, metadata={"wrong": sorted(wrong)[:10]})


def _ordered(row: InvestmentJudgementRow) -> bool:
    intervals = (
        (row.effect_low, row.effect, row.effect_high),
        (row.incremental_margin_low, row.incremental_margin, row.incremental_margin_high),
        (row.roi_low, row.roi, row.roi_high),
    )
    return all(_rises(low, middle, high) for low, middle, high in intervals)


def _rises(low: float | None, middle: float | None, high: float | None) -> bool:
    if low is None or middle is None or high is None:
        return low is middle is high is None
    return low <= middle <= high


def _agrees(row: InvestmentJudgementRow) -> bool:
    if row.verdict == "not_identified":
        return row.effect is row.roi is None and bool(row.reason)
    if row.roi_low is None or row.roi_high is None:
        return row.verdict == "cannot_tell"
    says = {"pays_off": row.roi_low > 0, "does_not_pay_off": row.roi_high < 0}
    too_few_others = row.estimator == SYNTHETIC_DID and "placebo_space" in row.warning_codes
    return says.get(row.verdict, row.roi_low <= 0 <= row.roi_high or too_few_others)


def _explains(each: ExplanationRow, row: InvestmentJudgementRow) -> bool:
    told = {"cost": float(row.cost_minor), "roi": row.roi}
    if row.incremental_margin is not None:
        told["net_return"] = row.incremental_margin - row.cost_minor
    try:
        number = explanation_of(each).number
    except ValueError:
        return False
    meant = told.get(each.measure)
    return meant is not None and abs(number - meant) <= 1e-9 * max(1.0, abs(meant))


def _evidence(reader: Reader, settings: Settings) -> Evidence:
    company = settings.company
    told = reader.rows(CurrencyRateRow, f"{_CURRENT}stg_currency_rate")
    rates = Rates(
        company.base_currency, [Rate(r.currency, r.base, r.rate_on, r.rate) for r in told]
    )
    return Evidence(
        company=Company(
            months=reader.frame("SELECT * FROM marts.unit_month WHERE unit_kind != 'team'"),
            units=reader.frame(_UNITS),
            exposures=reader.rows(ExposureRow, f"{_CURRENT}stg_exposure"),
            assignments=reader.rows(AssignmentRow, f"{_CURRENT}stg_assignment"),
            quotas=_quotas(reader.rows(QuotaRow, f"{_CURRENT}stg_quota"), rates),
        ),
        costs=reader.rows(InvestmentCostRow, f"{_CURRENT}stg_investment_cost"),
        rates=rates,
        calendar=FiscalCalendar(company.fiscal_first_month, company.time_zone),
    )


def _quotas(rows: list[QuotaRow], rates: Rates) -> pd.DataFrame:
    """Return the quotas in the base currency; without those that no rate is known for."""
    told = []
    for row in rows:
        with suppress(UserError):
            quota = rates.convert(Money(row.amount_minor, row.currency), row.period_starts_on)
            told.append((row.owner_id, row.period_starts_on, row.period_ends_on, quota.minor))
    columns = ["owner_id", "period_starts_on", "period_ends_on", "quota_minor"]
    return pd.DataFrame(told, columns=columns)


def _told(judged: Judged) -> dict[str, object]:
    """Return a judgement for a person, beside what plain comparisons would have claimed."""
    row = judged.row
    return {
        "verdict": row.verdict,
        "reason": row.reason,
        "warnings": list(row.warnings),
        "roi": [row.roi_low, row.roi, row.roi_high],
        "effect per unit and month, minor units": row.effect,
        "plain before-and-after, for comparison only": row.naive_effect,
        "reached against not reached, for comparison only": row.naive_contrast,
    }
