"""Rows of what is computed of investments: the judgement, and what it rests on."""

from datetime import datetime
from typing import ClassVar

from contracts.explanation import Contribution, Explanation
from contracts.rows import Row


class InvestmentJudgementRow(Row, frozen=True, kw_only=True):
    """What one investment returned, as far as the panel can tell. Key: (investment_id, as_of).

    Money is in minor units of `currency`; effects are per treated unit and month.

    Attributes:
        verdict: `pays_off`, `does_not_pay_off`, `cannot_tell` or `not_identified`.
        min_detectable_effect: the smallest effect that this panel would detect with 80 % power.
        panel_hash: of the panel as it was judged, which `ml.investment_panel` keeps.
        warnings: what may be wrong with it, in sentences; `warning_codes` name the diagnostics.
        naive_effect, naive_contrast: what a plain before-and-after, and reached against not
            reached units, would have claimed; for comparison only.
        asked: whether the question was registered `beforehand`, `afterwards`, or `unknown`.
        notes: how the panel was made, where that is not plain.
        terms: the question to the panel as JSON: what it takes, beside the panel, to recompute.
    """

    table: ClassVar[str] = "ml.investment_judgement"

    investment_id: str
    as_of: datetime
    outcome: str
    unit_kind: str
    estimator: str
    verdict: str
    reason: str
    effect: float | None
    std_error: float | None
    effect_low: float | None
    effect_high: float | None
    pretrend_p_value: float | None
    min_detectable_effect: float | None
    treated_units: int
    control_units: int
    treated_unit_months: int
    gross_margin_rate: float
    cost_minor: int
    currency: str
    incremental_margin: float | None
    incremental_margin_low: float | None
    incremental_margin_high: float | None
    roi: float | None
    roi_low: float | None
    roi_high: float | None
    panel_hash: str
    code_version: str
    warnings: tuple[str, ...] = ()
    warning_codes: tuple[str, ...] = ()
    roi_positive_probability: float | None = None
    naive_effect: float | None = None
    naive_contrast: float | None = None
    asked: str = "unknown"
    notes: tuple[str, ...] = ()
    is_randomised: bool = False
    terms: str = ""


class InvestmentPanelRow(Row, frozen=True, kw_only=True):
    """A panel that was judged, whole: so any judgement can be recomputed. Key: panel_hash.

    Attributes:
        panel_hash: SHA-256 of `panel_csv`, in hexadecimal.
        panel_csv: the panel as CSV, floats to the last digit.
        unit_kind: what its units are.
        covariates: the columns that were handed to the judge as such.
    """

    table: ClassVar[str] = "ml.investment_panel"

    panel_hash: str
    unit_kind: str
    covariates: tuple[str, ...]
    panel_csv: str


class InvestmentEstimateRow(Row, frozen=True, kw_only=True):
    """What one estimator said. Key: (investment_id, as_of, role, estimator).

    Attributes:
        role: `primary`; `cross_check`, which shares no code with it; or `corrected`, the primary
            one freed of spillover.
    """

    table: ClassVar[str] = "ml.investment_estimate"

    investment_id: str
    as_of: datetime
    role: str
    estimator: str
    effect: float | None
    std_error: float | None
    effect_low: float | None
    effect_high: float | None


class InvestmentDiagnosticRow(Row, frozen=True, kw_only=True):
    """What one diagnostic said. Key: (investment_id, as_of, diagnostic).

    Attributes:
        position: its place among those of the judgement.
        verdict: `pass`, `warn`, `refuse` or `not_possible`.
        words: its finding, for a sales leader.
    """

    table: ClassVar[str] = "ml.investment_diagnostic"

    investment_id: str
    as_of: datetime
    diagnostic: str
    position: int
    verdict: str
    words: str
    statistic: float | None
    p_value: float | None


class EventStudyRow(Row, frozen=True, kw_only=True):
    """The gap between reached and compared units so many months from the start.

    Key: (investment_id, as_of, months_since_start).
    """

    table: ClassVar[str] = "ml.investment_event_study"

    investment_id: str
    as_of: datetime
    months_since_start: int
    effect: float
    effect_low: float
    effect_high: float


class ExplanationRow(Row, frozen=True, kw_only=True):
    """An explanation, kept. Key: (subject_kind, subject_id, measure, as_of).

    Attributes:
        subject_kind: `investment`, ...; subject_id: which one.
        measure: which of its numbers, such as `net_return`.
        label, value, note, sql: of each contribution, in order.
    """

    table: ClassVar[str] = "ml.explanation"

    subject_kind: str
    subject_id: str
    measure: str
    as_of: datetime
    subject: str
    number: float
    unit: str
    number_sql: str
    label: tuple[str, ...]
    value: tuple[float, ...]
    note: tuple[str, ...]
    sql: tuple[str, ...]


def explanation_of(row: ExplanationRow) -> Explanation:
    """Return the explanation that a row keeps.

    Raises:
        ValueError: if it no longer adds up.
    """
    parts = zip(row.label, row.value, row.note, row.sql, strict=True)
    return Explanation(
        subject=row.subject,
        number=row.number,
        unit=row.unit,
        sql=row.number_sql,
        contributions=tuple(
            Contribution(label=label, value=value, note=note, sql=sql)
            for label, value, note, sql in parts
        ),
    )


def row_of(
    explanation: Explanation, subject: tuple[str, str], measure: str, as_of: datetime
) -> ExplanationRow:
    """Return the row that keeps an explanation.

    Args:
        explanation: of one number.
        subject: kind and id of what it is a number of.
        measure: which of its numbers.
        as_of: the moment it holds for.
    """
    parts = explanation.contributions
    return ExplanationRow(
        subject_kind=subject[0],
        subject_id=subject[1],
        measure=measure,
        as_of=as_of,
        subject=explanation.subject,
        number=explanation.number,
        unit=explanation.unit,
        number_sql=explanation.sql,
        label=tuple(part.label for part in parts),
        value=tuple(part.value for part in parts),
        note=tuple(part.note for part in parts),
        sql=tuple(part.sql for part in parts),
    )
