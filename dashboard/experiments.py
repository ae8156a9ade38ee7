"""The next experiment worth running, and its roll-out as a file."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from contracts.plan_rows import ExperimentRow
from dashboard import blocks, plan_reading
from dashboard.format import known, money
from dashboard.outage import asked

_NOTE = (
    "What is learnt is worth the better allocation that it would lead to, on average over what it "
    "may find. All in all counts what the test itself is expected to bring, less its cost."
)
_WORTH_IT = "The next experiment worth running"
_NONE = "No experiment is worth running now"
_VERDICTS = {
    "measurable": "Worth running",
    "not_measurable": "Can't be measured here",
    "cannot_tell": "No roll-out",
}


def show(rows: Sequence[ExperimentRow]) -> None:
    """Show what to measure next, and who would start when."""
    if not rows:
        return
    worth_it = any(row.verdict == "measurable" and (row.worth or 0) > 0 for row in rows)
    st.html(blocks.heading(_WORTH_IT if worth_it else _NONE, _NOTE))
    st.html(table(rows))
    measurable = [row for row in rows if row.verdict == "measurable"]
    if measurable:
        show_rollout(measurable)


def show_rollout(rows: Sequence[ExperimentRow]) -> None:
    """Show the roll-out of the chosen kind, and offer it as CSV."""
    by_kind = {row.kind: row for row in rows}
    kind = st.selectbox("Roll-out of", list(by_kind), key="plan_rollout")
    drawn = asked(lambda: plan_reading.rollout(kind))
    if drawn is None or drawn.empty:
        return
    st.html(blocks.note(by_kind[kind].reason))
    st.dataframe(
        drawn,
        hide_index=True,
        height=280,
        column_order=("name", "team", "wave", "starts_on", "unit_id"),
        column_config={
            "name": st.column_config.TextColumn("Rep", width=135),
            "team": st.column_config.TextColumn("Team", width=90),
            "wave": st.column_config.NumberColumn("Wave", width=45),
            "starts_on": st.column_config.DateColumn("Starts on", format="D MMM YYYY", width=85),
            "unit_id": st.column_config.TextColumn("Id", width=90),
        },
        alt=f"Who would start when in the roll-out of {kind}",
    )
    st.download_button(
        "Download the roll-out (CSV)", as_csv(drawn), f"rollout-{kind}.csv", "text/csv"
    )


def as_csv(drawn: pd.DataFrame) -> bytes:
    """Return the roll-out as a spreadsheet reads it; no cell can act as a formula."""
    plain = drawn.map(lambda cell: f"'{cell}" if str(cell)[:1] in "=+-@\t\r" else cell)
    return plain.to_csv(index=False).encode()


def table(rows: Sequence[ExperimentRow]) -> str:
    """Return each kind's experiment: its worth, its size, and whether it would show enough."""
    lines = "".join(_line(row) for row in rows)
    return (
        '<div class="hw hw-wide"><table class="hw-table words"><thead><tr><th>Kind</th>'
        "<th>All in all</th><th>Learning</th><th>Costs</th><th>Must show / would show</th>"
        "<th>Roll-out</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _line(row: ExperimentRow) -> str:
    worth, value = (
        money(amount, row.currency, signed=True) if known(amount) else "not known"
        for amount in (row.worth, row.value)
    )
    costs = money(row.spend_minor, row.currency) if row.units else "not known"
    shows = "not known"
    if known(row.needed_effect):
        needed, seen = (
            money(effect, row.currency) for effect in (row.needed_effect, row.detectable_effect)
        )
        shows = f"{needed} / {seen}<small>per rep and month, in bookings</small>"
    return (
        f"<tr><td><b>{escape(row.kind.capitalize())}</b><small>{_verdict(row)}</small></td>"
        f'<td data-label="All in all">{worth}</td><td data-label="Learning">{value}</td>'
        f'<td data-label="Costs">{costs}</td>'
        f'<td data-label="Must show / would show">{shows}</td>'
        f"<td>{escape(row.reason)}</td></tr>"
    )


def _verdict(row: ExperimentRow) -> str:
    """Return whether to run it: what can be measured may still cost more than it brings."""
    if row.verdict == "measurable" and (row.worth or 0) < 0:
        return "Can be measured, at a loss"
    return _VERDICTS[row.verdict]
