"""What a return is made of: the incremental margin, less each kind of cost."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from contracts.explanation import Contribution, Explanation
from contracts.investment_rows import ExplanationRow, InvestmentJudgementRow, row_of
from contracts.investments import OUTCOMES
from models.terms import money

SUBJECT_KIND: Final = "investment"
COST, NET_RETURN, ROI = "cost", "net_return", "roi"

_MARGIN_SQL: Final = """
SELECT effect * treated_unit_months * gross_margin_rate AS incremental_margin
FROM ml.investment_judgement FINAL
WHERE investment_id = {investment} AND as_of = {as_of}
"""
_COST_SQL: Final = """
SELECT month_on, amount_base_minor, hours, hourly_cost_minor, currency
FROM marts.investment_cost
WHERE investment_id = {investment} AND cost_kind = {cost_kind} AND month_on < {before}
ORDER BY month_on
"""
_ROI_SQL: Final = """
SELECT incremental_margin - cost_minor AS net_return, net_return / cost_minor AS roi
FROM ml.investment_judgement FINAL
WHERE investment_id = {investment} AND as_of = {as_of}
"""


class CostOfKind(NamedTuple):
    """What an investment cost in one kind, until the panel's end.

    Attributes:
        minor: in the base currency.
        hours: of work, where the cost is theirs; else 0.
        until: the first day that does not count any more, ISO.
    """

    kind: str
    minor: int
    hours: float
    until: str


def explanations(row: InvestmentJudgementRow, costs: Sequence[CostOfKind]) -> list[ExplanationRow]:
    """Return the rows that explain a judgement: its cost, its net return in money, and its ROI.

    Where nothing was paid there is none; where no effect can be told, the cost alone.
    """
    if not row.cost_minor:
        return []
    spent = [*_spent(row, costs)]
    made = {COST: Explanation.of(f"Cost of {row.investment_id}", row.currency, spent)}
    if row.incremental_margin is not None and row.roi is not None:
        net = _net_return(row, spent)
        made[NET_RETURN] = net
        made[ROI] = net.times(1 / row.cost_minor, f"ROI of {row.investment_id}", "rate")
    subject = (SUBJECT_KIND, row.investment_id)
    return [row_of(each, subject, measure, row.as_of) for measure, each in made.items()]


def _net_return(row: InvestmentJudgementRow, spent: Sequence[Contribution]) -> Explanation:
    earned = Contribution(
        label="Incremental margin",
        value=row.incremental_margin or 0.0,
        note=_earned(row),
        sql=_filled(_MARGIN_SQL, row),
    )
    paid = (
        Contribution(label=part.label, value=-part.value, note=part.note, sql=part.sql)
        for part in spent
    )
    subject = f"Net return of {row.investment_id}"
    return Explanation.of(subject, row.currency, [earned, *paid], _filled(_ROI_SQL, row))


def _earned(row: InvestmentJudgementRow) -> str:
    outcome = OUTCOMES[row.outcome].label
    worth = "" if row.outcome == "margin" else f" x {row.gross_margin_rate:.1%} margin"
    return (
        f"{money(row.effect or 0.0, row.currency)} of {outcome} a {row.unit_kind} and month x "
        f"{row.treated_unit_months} {row.unit_kind}-months{worth}"
    )


def _spent(row: InvestmentJudgementRow, costs: Sequence[CostOfKind]) -> Iterator[Contribution]:
    for cost in costs:
        yield Contribution(
            label=cost.kind.replace("_", " ").capitalize(),
            value=float(cost.minor),
            note=_worked(cost, row.currency) if cost.hours else "",
            sql=_filled(_COST_SQL, row, cost_kind=cost.kind, before=cost.until),
        )


def _worked(cost: CostOfKind, currency: str) -> str:
    return f"{cost.hours:,.1f} hours at {money(cost.minor / cost.hours, currency)} on average"


def _filled(sql: str, row: InvestmentJudgementRow, **more: str) -> str:
    """Return a statement with its values, for a person to run; it is never run here."""
    moment = f"{row.as_of:%Y-%m-%d %H:%M:%S.%f}"
    told = {"investment": row.investment_id, "as_of": moment} | more
    return sql.format(**{name: _literal(value) for name, value in told.items()}).strip()


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
