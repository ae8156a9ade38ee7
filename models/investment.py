"""One registered investment, judged with what the warehouse knows of it: the rows that are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts.crm_rows import InvestmentCostRow, InvestmentRow
from contracts.errors import UserError
from contracts.fiscal import FiscalCalendar
from contracts.investment_rows import (
    EventStudyRow,
    InvestmentDiagnosticRow,
    InvestmentEstimateRow,
    InvestmentJudgementRow,
    InvestmentPanelRow,
)
from contracts.money import Money, Rates
from contracts.rows import Row
from models.answer import Question, answer
from models.audit import panel_hash, panel_text, question_text
from models.design import Handling, checked
from models.diagnostics.spillover import CORRECTED
from models.event_study import Step, event_study
from models.few import around_the_start
from models.incremental import CODE_VERSION, ESTIMATOR, Judgement
from models.months import Window
from models.panel import Company, Panel, build, closed_months
from models.return_explained import CostOfKind, explanations
from models.synthetic import SYNTHETIC_DID


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of everybody and of all investments.

    Attributes:
        costs: of all investments, in any currency that `rates` knows.
        rates: towards the base currency, in whose minor units `company` counts.
    """

    company: Company
    costs: Sequence[InvestmentCostRow]
    rates: Rates
    calendar: FiscalCalendar


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is kept of one judgement; a panel and what was computed of it, where there was one."""

    row: InvestmentJudgementRow
    panel: InvestmentPanelRow | None = None
    beside: Sequence[Row] = ()

    @property
    def rows(self) -> list[Row]:
        """All of it; the judgement last, so that what it rests on is stored before it."""
        return [*([self.panel] if self.panel else []), *self.beside, self.row]


def judge_investment(investment: InvestmentRow, evidence: Evidence, as_of: datetime) -> Judged:
    """Judge an investment to date: by the months that were over, against the cost of those months.

    What cannot be judged gets a row as well, with the verdict `not_identified` and the reason.
    """
    row = _empty(investment, evidence, as_of)
    costs: Sequence[CostOfKind] = ()
    try:
        window = closed_months(evidence.company.months, evidence.calendar.day(as_of))
        costs = [*costs_by_kind(investment.investment_id, evidence, window)]
        row = replace(row, cost_minor=sum(cost.minor for cost in costs))
        return _judged(row, build(investment, evidence.company, window), investment, costs)
    except UserError as error:
        row = replace(row, reason=f"It cannot be judged: {error}.")
        return Judged(row=row, beside=explanations(row, costs))


def costs_by_kind(investment_id: str, evidence: Evidence, window: Window) -> Iterator[CostOfKind]:
    """Yield what an investment cost until the window's end, each month at its first day's rate.

    Raises:
        UserError: if a month's currency has no rate by then.
    """
    told = [
        row
        for row in evidence.costs
        if row.investment_id == investment_id and row.month_on < window.ends_on
    ]
    for kind in sorted({row.cost_kind for row in told}):
        of_kind = [row for row in told if row.cost_kind == kind]
        minor = sum(
            evidence.rates.convert(Money(row.amount_minor, row.currency), row.month_on).minor
            for row in of_kind
        )
        hours = sum(row.hours for row in of_kind)
        yield CostOfKind(kind, minor, hours, window.ends_on.isoformat())


def _judged(
    row: InvestmentJudgementRow,
    panel: Panel,
    investment: InvestmentRow,
    costs: Sequence[CostOfKind],
) -> Judged:
    question = _question(row, panel, investment)
    text = panel_text(panel.frame, question)
    told = answer(panel.frame, question)
    row = replace(
        row,
        **_columns(told),
        unit_kind=panel.unit_kind,
        gross_margin_rate=panel.margin_rate,
        asked=question.asked,
        notes=panel.notes,
        panel_hash=panel_hash(text),
        terms=question_text(question),
    )
    kept = InvestmentPanelRow(
        panel_hash=row.panel_hash,
        unit_kind=panel.unit_kind,
        covariates=panel.covariates,
        panel_csv=text,
    )
    beside = [*_beside(row, told), *_steps(row, panel), *explanations(row, costs)]
    return Judged(row=row, panel=kept, beside=beside)


def _question(row: InvestmentJudgementRow, panel: Panel, investment: InvestmentRow) -> Question:
    return Question(
        outcome=investment.outcome,
        cost_minor=row.cost_minor,
        gross_margin_rate=panel.margin_rate,
        currency=row.currency,
        covariates=panel.covariates,
        reliability=panel.reliability,
        is_randomised=investment.is_randomised,
        registered_on=investment.registered_on,
        begins_on=panel.begins_on,
    )


def _columns(told: Judgement) -> dict[str, Any]:
    """Return the fields of a judgement that its row has as well."""
    kept = set(InvestmentJudgementRow.__struct_fields__) - {"panel_hash"}
    names = {field.name for field in fields(told)} & kept
    first = told.estimates[0].estimator if told.estimates else ESTIMATOR
    return {name: getattr(told, name) for name in names} | {"estimator": first}


def _empty(
    investment: InvestmentRow, evidence: Evidence, as_of: datetime
) -> InvestmentJudgementRow:
    """Return the row of an investment of which nothing can be told yet."""
    unjudged = Judgement(verdict="not_identified", reason="")
    return InvestmentJudgementRow(
        investment_id=investment.investment_id,
        as_of=as_of,
        outcome=investment.outcome,
        unit_kind="rep",
        gross_margin_rate=investment.gross_margin_rate,
        cost_minor=0,
        currency=evidence.rates.base,
        panel_hash="",
        code_version=CODE_VERSION,
        is_randomised=investment.is_randomised,
        **_columns(unjudged),
    )


def _beside(row: InvestmentJudgementRow, told: Judgement) -> Iterator[Row]:
    """Yield each estimate and each diagnostic, those too that no verdict shows."""
    key: dict[str, Any] = {"investment_id": row.investment_id, "as_of": row.as_of}
    for place, each in enumerate(told.estimates):
        other = "corrected" if each.estimator == CORRECTED else "cross_check"
        yield InvestmentEstimateRow(
            role=other if place else "primary",
            estimator=each.estimator,
            effect=each.effect,
            std_error=each.std_error,
            effect_low=each.low,
            effect_high=each.high,
            **key,
        )
    for position, found in enumerate(told.diagnostics):
        yield InvestmentDiagnosticRow(
            diagnostic=found.name,
            position=position,
            verdict=found.verdict,
            words=found.words,
            statistic=found.statistic,
            p_value=found.p_value,
            **key,
        )


def _around(row: InvestmentJudgementRow, panel: Panel) -> list[Step]:
    if row.estimator != SYNTHETIC_DID:
        return event_study(panel.frame, panel.covariates, reliability=panel.reliability)
    return around_the_start(checked(panel.frame), Handling().wake_periods)


def _steps(row: InvestmentJudgementRow, panel: Panel) -> Iterator[EventStudyRow]:
    for step in _around(row, panel):
        yield EventStudyRow(
            investment_id=row.investment_id,
            as_of=row.as_of,
            months_since_start=step.since,
            effect=step.gap,
            effect_low=step.low,
            effect_high=step.high,
        )
