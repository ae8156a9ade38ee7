"""The accounts by engagement, and the reasons of one score, down to its rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from contracts.rows import ENGAGEMENT_WEIGHTS
from dashboard import blocks, charts, queries, reading
from dashboard.format import clock, number, plural

_ROWS_SHOWN: Final = 12
_PIXELS: Final = 431
_LEAST_CHANGE: Final = 0.05
"""What rounds to less than a tenth is shown as none, never as minus none."""


@dataclass(frozen=True)
class Ranking:
    """Every account's score at one moment, and the reasons of the one that the viewer chose.

    Attributes:
        account_id: the chosen account; empty where there are none.
    """

    scores: pd.DataFrame
    as_of: datetime
    account_id: str
    components: pd.DataFrame
    evidence: pd.DataFrame


def ranking() -> Ranking:
    """Read the accounts, best first, and the reasons of the chosen one as of the same moment.

    Raises what `warehouse.reader.Reader.frame` raises.
    """
    scores, as_of = reading.ranking()
    account_id = _chosen(list(scores["account_id"]))
    components = reading.components(account_id, as_of)
    return Ranking(scores, as_of, account_id, components, reading.evidence(account_id, as_of))


def show_ranking(shown: Ranking) -> None:
    """Show the accounts as a list of which exactly one is chosen."""
    as_of = clock(shown.as_of, shown.as_of, reading.zone())
    note = f"Scores from 0 to 100 as of {as_of}. Choose an account to see why."
    st.html(blocks.heading("Accounts by engagement", note))
    if shown.scores.empty:
        st.html(blocks.empty("No accounts yet", blocks.CRM))
        return
    order = list(shown.scores["account_id"])
    st.session_state["ranking"] = {"selection": {"rows": [order.index(shown.account_id)]}}
    change = shown.scores["change"]
    st.dataframe(
        shown.scores.assign(change=change.where(change.abs() >= _LEAST_CHANGE, 0.0))[
            ["name", "score", "change", "last_activity_at"]
        ],
        key="ranking",
        on_select=lambda: _choose(order, shown.account_id),
        selection_mode="single-row-required",
        hide_index=True,
        height="content" if len(order) <= _ROWS_SHOWN else _PIXELS,
        placeholder="never",
        column_config=_ranking_columns(),
        alt="Accounts by engagement score, with its change in 7 days and the last activity",
    )


def explain(shown: Ranking) -> None:
    """Show what the chosen account's score is made of: points by reason, then row by row."""
    if not shown.account_id:
        return
    (account,) = shown.scores[shown.scores["account_id"] == shown.account_id].to_dict("records")
    activities = plural(int(account["activity_count"]), "activity")
    st.html(
        blocks.heading(
            f"Why {account['name']} scores {number(account['score'], 1)}",
            f"{activities} of the past year, weighed by age; weights {ENGAGEMENT_WEIGHTS}.",
        )
    )
    reasons, rows = st.columns(2, gap="medium")
    with reasons:
        if shown.components["points"].any():
            st.altair_chart(charts.points_bar(shown.components))
        st.html(blocks.parts(shown.components))
    with rows:
        _show_evidence(shown.evidence, int(shown.components["rows"].sum()))
    _show_sql(shown)


def _show_evidence(evidence: pd.DataFrame, total: int) -> None:
    if evidence.empty:
        st.html(blocks.empty("No activity counts yet", blocks.NOT_COUNTED))
        return
    st.dataframe(
        evidence[["points", "label", "what", "event_time", "mass"]],
        hide_index=True,
        height=330,
        column_config=_evidence_columns(reading.zone().key),
        alt="The rows behind the score, those with most points first",
    )
    left_out = f" Listed: the {len(evidence)} with most points." if total > len(evidence) else ""
    st.html(
        blocks.note(
            f"{plural(total, 'row')}. Within a reason, points are shared in proportion to mass: "
            f"the rows sum to the reason, the reasons to the score.{left_out}"
        )
    )


def _show_sql(shown: Ranking) -> None:
    params = reading.explained(shown.account_id, shown.as_of)
    with st.expander("The SQL behind these numbers"):
        for says, sql in (
            ("The score", queries.SCORE),
            ("Its reasons", queries.COMPONENTS),
            ("Their rows", queries.EVIDENCE),
        ):
            st.caption(says)
            st.code(queries.spelled_out(sql, params), language="sql", wrap_lines=True)


def _chosen(order: list[str]) -> str:
    """Return the account that the viewer chose, here or by the page's address; else the first."""
    asked_for = st.session_state.get("account_id") or st.query_params.get("account", "")
    return asked_for if asked_for in order else next(iter(order), "")


def _choose(order: list[str], shown: str) -> None:
    """Remember the account in the row that was just selected, in the order that was on show.

    The browser also tells of the row that it was given at first: that is nobody's choice.
    """
    for row in st.session_state["ranking"]["selection"]["rows"]:
        if order[row] != shown:
            st.session_state["account_id"] = st.query_params["account"] = order[row]


def _ranking_columns() -> dict[str, Any]:
    columns = st.column_config
    change = "The score now, less the score 7 days ago"
    return {
        "name": columns.TextColumn("Account", width=155),
        "score": columns.ProgressColumn(
            "Score", min_value=0, max_value=100, format="%.1f", width=95
        ),
        "change": columns.NumberColumn("7 days", format="%+.1f", width=56, help=change),
        "last_activity_at": columns.DatetimeColumn("Last activity", format="distance", width=105),
    }


def _evidence_columns(zone: str) -> dict[str, Any]:
    columns = st.column_config
    mass = "What the row weighs now: its mass at first, halved with every half-life since"
    return {
        "points": columns.NumberColumn("Points", format="%.2f", width=60),
        "label": columns.TextColumn("Reason", width=150),
        "what": columns.TextColumn("Subject or person", width=190),
        "event_time": columns.DatetimeColumn(
            f"When ({zone})", format="D MMM YYYY, HH:mm", timezone=zone, width=135
        ),
        "mass": columns.NumberColumn("Mass", format="%.3f", width=60, help=mass),
    }
