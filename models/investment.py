"""One registered investment, judged with what the warehouse knows of it: the row that is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import pandas as pd

from contracts.errors import UserError
from contracts.fiscal import FiscalCalendar
from contracts.investment_rows import InvestmentJudgementRow
from contracts.money import Money, Rates
from contracts.rows import InvestmentCostRow, InvestmentRow
from models.incremental import CODE_VERSION, ESTIMATOR, Judgement, Terms, judge
from models.panel import Window, build, closed_months


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of all investments and all reps.

    Attributes:
        bookings: `rep_id`, `month_on`, `bookings_minor` in the base currency of `rates`.
        reps: `rep_id`, `hired_on`, `left_on`.
        exposures: `investment_id`, `unit_kind`, `unit_id`, `starts_on`.
    """

    bookings: pd.DataFrame
    reps: pd.DataFrame
    exposures: pd.DataFrame
    costs: Sequence[InvestmentCostRow]
    rates: Rates
    calendar: FiscalCalendar


@dataclass(frozen=True)
class Judged:
    """The row to keep, and what a plain before-and-after would have claimed."""

    row: InvestmentJudgementRow
    naive_effect: float | None


def judge_investment(investment: InvestmentRow, evidence: Evidence, as_of: datetime) -> Judged:
    """Judge an investment to date: by the months that were over, against the cost of those months.

    What cannot be judged gets a row as well, with the verdict `not_identified` and the reason.
    """
    cost = 0
    try:
        window = closed_months(evidence.bookings, evidence.calendar.day(as_of))
        cost = cost_minor(investment, evidence, window)
        judgement = _judge(investment, evidence, window, cost)
    except UserError as error:
        judgement = Judgement(verdict="not_identified", reason=_sentence(str(error)))
    return Judged(_row(investment, judgement, cost, evidence, as_of), judgement.naive_effect)


def cost_minor(investment: InvestmentRow, evidence: Evidence, window: Window) -> int:
    """Return what the investment cost until the window's end, each month at its first day's rate.

    Raises:
        UserError: if a month's currency has no rate by then.
    """
    return sum(
        evidence.rates.convert(Money(row.amount_minor, row.currency), row.month_on).minor
        for row in evidence.costs
        if row.investment_id == investment.investment_id and row.month_on < window.ends_on
    )


def _judge(investment: InvestmentRow, evidence: Evidence, window: Window, cost: int) -> Judgement:
    if investment.outcome != "bookings":
        raise UserError(f"it should move {investment.outcome}; bookings alone can be judged so far")
    terms = Terms(
        cost_minor=cost,
        gross_margin_rate=investment.gross_margin_rate,
        currency=evidence.rates.base,
    )
    exposures = _exposures(investment, evidence)
    return judge(build(evidence.bookings, evidence.reps, exposures, window), terms)


def _exposures(investment: InvestmentRow, evidence: Evidence) -> pd.DataFrame:
    exposures = evidence.exposures
    exposures = exposures[exposures["investment_id"] == investment.investment_id]
    others = sorted(set(exposures["unit_kind"]) - {"rep"})
    if others:
        raise UserError(
            f"its exposure is by {', '.join(others)}; only exposure by rep can be judged so far: "
            "name the reps who were reached, and since when"
        )
    return exposures


def _row(
    investment: InvestmentRow,
    judgement: Judgement,
    cost: int,
    evidence: Evidence,
    as_of: datetime,
) -> InvestmentJudgementRow:
    columns = InvestmentJudgementRow.__struct_fields__
    kept = {field.name for field in fields(Judgement)}.intersection(columns)
    told = {name: getattr(judgement, name) for name in kept}
    return InvestmentJudgementRow(
        investment_id=investment.investment_id,
        as_of=as_of,
        outcome=investment.outcome,
        unit_kind="rep",
        estimator=ESTIMATOR,
        gross_margin_rate=investment.gross_margin_rate,
        cost_minor=cost,
        currency=evidence.rates.base,
        code_version=CODE_VERSION,
        **told,
    )


def _sentence(text: str) -> str:
    return f"It cannot be judged: {text}."
