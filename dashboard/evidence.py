"""What a judgement rests on: findings, second opinion, costs, and how to recompute it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import streamlit as st

from contracts.explanation import Contribution, Explanation
from contracts.investment_rows import (
    EventStudyRow,
    ExplanationRow,
    InvestmentDiagnosticRow,
    InvestmentEstimateRow,
    explanation_of,
)
from dashboard import blocks, charts, queries
from dashboard.format import money, number, p_value, percent
from dashboard.verdicts import Judgement

_SAID: Final = {
    "pass": "\N{CHECK MARK} nothing found",
    "warn": "! warns",
    "refuse": "\N{MULTIPLICATION X} refuses",
    "not_possible": "\N{EN DASH} not possible",
}
_ROLES: Final = {
    "primary": "Primary",
    "cross_check": "Cross-check",
    "corrected": "Without spillover",
}
_AROUND: Final = (
    "Months from the start; 0 is the first month under it. Before the start it should lie around "
    "nothing: those months are predicted from earlier ones."
)
_SUM: Final = "What was earned, less each kind of cost; the lines sum to the last one."


@dataclass(frozen=True)
class Evidence:
    """What is kept beside a judgement; any of it may be missing."""

    diagnostics: Sequence[InvestmentDiagnosticRow] = ()
    estimates: Sequence[InvestmentEstimateRow] = ()
    steps: Sequence[EventStudyRow] = ()
    explanations: Sequence[ExplanationRow] = ()


def show(judgement: Judgement, evidence: Evidence) -> None:
    """Show the evidence, folded away; the reader opens what they doubt."""
    with st.expander("What it rests on: findings, second opinion, costs"):
        left, right = st.columns(2, gap="medium")
        with left:
            _show_findings(evidence)
            _show_estimates(judgement, evidence)
        with right:
            _show_sum(judgement, evidence)
            _show_steps(judgement, evidence)
    with st.expander("Audit: the SQL, and how to recompute it"):
        _show_audit(judgement, evidence)


def _show_findings(evidence: Evidence) -> None:
    st.html(blocks.caption("What was looked for", "A small panel can miss what is there."))
    if not evidence.diagnostics:
        st.html(blocks.note("Nothing could be looked for: the reason is given above."))
        return
    lines = "".join(
        f"<tr><td><b>{escape(_named(each.diagnostic))}</b><small>{escape(each.words)}</small></td>"
        f'<td data-label="Finding">{_SAID.get(each.verdict, escape(each.verdict))}</td>'
        f"<td>{'' if each.p_value is None else p_value(each.p_value)}</td></tr>"
        for each in evidence.diagnostics
    )
    st.html(
        '<table class="hw hw-table words"><thead><tr><th>Looked for</th><th>Finding</th><th></th>'
        f"</tr></thead><tbody>{lines}</tbody></table>"
    )


def _show_estimates(judgement: Judgement, evidence: Evidence) -> None:
    beneath = f"Effect per {judgement.unit_kind} and month, of estimators that share no code."
    st.html(blocks.caption("Second opinion", beneath))
    told = [*_estimates(judgement, evidence.estimates), *_plain(judgement)]
    if not told:
        st.html(blocks.note("No estimate could be made."))
        return
    lines = "".join(
        f"<tr><td>{escape(label)}<small>{escape(how)}</small></td><td>{_whole(effect)}</td>"
        f"<td>{between}</td></tr>"
        for label, how, effect, between in told
    )
    st.html(
        '<table class="hw hw-table"><thead><tr><th></th><th>Effect</th><th>95% from, to</th></tr>'
        f"</thead><tbody>{lines}</tbody></table>"
    )


def _estimates(
    judgement: Judgement, estimates: Sequence[InvestmentEstimateRow]
) -> Iterator[tuple[str, str, str, str]]:
    for each in estimates:
        ends = map(judgement.told, (each.effect_low, each.effect_high))
        between = ", ".join(map(_whole, ends))
        label = _ROLES.get(each.role, each.role)
        yield label, each.estimator, judgement.told(each.effect, signed=True), between


def _plain(judgement: Judgement) -> Iterator[tuple[str, str, str, str]]:
    """Yield what plain comparisons would have claimed: for comparison only, without an interval."""
    for label, value in (
        ("Plain before and after", judgement.naive_effect),
        ("Reached against not reached", judgement.naive_contrast),
    ):
        if value is not None:
            how = "no estimate: for comparison only"
            yield label, how, judgement.told(value, signed=True), ""


def _show_sum(judgement: Judgement, evidence: Evidence) -> None:
    told = {row.measure: row for row in evidence.explanations}
    row = told.get("net_return") or told.get("cost")
    if row is None:
        st.html(blocks.caption("What it cost", "No cost is on record."))
        return
    is_return = row.measure == "net_return"
    title = "What the return is made of" if is_return else "What it cost"
    st.html(blocks.caption(title, _SUM if is_return else "By kind, until the panel's last month."))
    st.html(_summed(explanation_of(row), judgement, "Net return" if is_return else "Cost"))


def _summed(explanation: Explanation, judgement: Judgement, total: str) -> str:
    lines = "".join(_line(part, judgement.currency) for part in explanation.contributions)
    roi = ""
    if judgement.roi is not None and total == "Net return":
        roi = f" = {percent(judgement.roi, signed=True)} of the cost"
    return (
        f'<table class="hw hw-table"><tbody>{lines}</tbody><tfoot><tr><td>{total}{roi}</td>'
        f"<td>{money(explanation.number, explanation.unit, signed=True)}</td></tr></tfoot></table>"
    )


def _line(part: Contribution, currency: str) -> str:
    note = f"<small>{escape(part.note)}</small>" * bool(part.note)
    value = money(part.value, currency, signed=True)
    return f"<tr><td>{escape(part.label)}{note}</td><td>{_whole(value)}</td></tr>"


def _whole(text: str) -> str:
    """Return a figure that a narrow page does not break after its sign."""
    return f'<span class="whole">{escape(text)}</span>'


def _show_steps(judgement: Judgement, evidence: Evidence) -> None:
    if evidence.steps:
        st.html(blocks.caption("Around the start", _AROUND))
        st.altair_chart(charts.event_study(judgement, evidence.steps))


def _show_audit(judgement: Judgement, evidence: Evidence) -> None:
    if judgement.panel_hash:
        st.caption("Panel, question and answer as files, and the recomputation without a warehouse")
        command = f"headwater audit {judgement.investment_id} --out audit-{judgement.investment_id}"
        again = f"headwater audit --recompute audit-{judgement.investment_id}"
        st.code(f"{command}\n{again}", language="sh")
    st.caption("The judgement")
    params = {"investment_id": judgement.investment_id}
    st.code(queries.spelled_out(queries.JUDGEMENT, params), language="sql")
    for row in evidence.explanations:
        if row.measure == "net_return":
            for part in explanation_of(row).contributions:
                st.caption(part.label)
                st.code(part.sql, language="sql")


def _named(diagnostic: str) -> str:
    return diagnostic.replace("_", " ").capitalize()


def share(value: float | None) -> str:
    """Return a probability in whole per cent, never a certainty."""
    if value is None:
        return "not known"
    return f"{number(min(max(value, 0.01), 0.99) * 100)}%"
