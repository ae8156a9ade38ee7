"""The matches page: which activities found no sure place, why, and choosing a better one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import pandas as pd
import streamlit as st

from contracts.command import CommandKind
from contracts.matching import CERTAIN
from dashboard import blocks, coverage_reading, deciding, match_blocks, match_reading, reading
from dashboard.acts import Act
from dashboard.format import clock, number
from dashboard.match_reading import Explained
from dashboard.outage import asked

DAYS: Final = 90
STATES: Final = {
    "no_account": "No account",
    "several_fit": "Several fit",
    "uncertain": "Uncertain",
    "deal_undecided": "Deal undecided",
}
MEANING: Final = {
    "no_account": "No contact has one of the addresses, and no account one of the domains.",
    "several_fit": "More than one account fits, and nothing tells which: it was left open.",
    "uncertain": f"An account was found by less than {number(CERTAIN)} points over the next.",
    "deal_undecided": "The account is known; of its deals none leads clearly.",
}
_COLUMNS: Final = ("event_time", "people", "subject", "account_name", "margin", "reason")
_WITHOUT_ACCOUNT: Final = ("event_time", "people", "subject", "reason")
_NOBODY: Final = ""
_NO_DEAL: Final = ""


@dataclass(frozen=True)
class Seen:
    """What one look at the warehouse showed."""

    as_of: datetime
    counts: Mapping[str, int]
    listed: pd.DataFrame
    chosen: Explained | None
    accounts: Mapping[str, str]


@st.fragment(run_every=30)
def matches() -> None:
    """Show what to check and the chosen activity; say so when the warehouse does not answer."""
    seen = asked(look)
    if seen is None:
        return
    as_of = clock(seen.as_of, seen.as_of, reading.zone())
    note = (
        f"Mail, calls and meetings of the past {DAYS} days, as of {as_of}. Choose one to see why."
    )
    st.html(blocks.heading("Matches to check", note))
    if not seen.accounts and not seen.counts:
        st.html(blocks.empty("Nothing has been heard yet", blocks.CRM, blocks.MAIL))
        return
    _show_states(seen.counts)
    _show_list(seen.listed)
    deciding.progress()
    if seen.chosen:
        _show_chosen(seen.chosen, seen.accounts)


def look() -> Seen:
    """Read what the page shows; raises what `warehouse.reader.Reader.frame` raises."""
    as_of = coverage_reading.moment_of()
    words = st.session_state.get("match_words", "")
    activity = st.session_state.get("activity") or st.query_params.get("activity", "")
    return Seen(
        as_of,
        match_reading.counts(as_of, DAYS),
        match_reading.to_check(as_of, DAYS, _state(), words),
        match_reading.explained(activity) if activity else None,
        match_reading.accounts(),
    )


def _state() -> str:
    return st.session_state.get("match_state") or next(iter(STATES))


def _show_states(counts: Mapping[str, int]) -> None:
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    left.pills(
        "What is unsure",
        list(STATES),
        default=None if "match_state" in st.session_state else next(iter(STATES)),
        format_func=lambda state: f"{STATES[state]} ({number(counts.get(state, 0))})",
        key="match_state",
        required=True,
    )
    right.text_input("Address or subject", key="match_words", max_chars=100)
    st.html(blocks.note(MEANING[_state()]))


def _show_list(listed: pd.DataFrame) -> None:
    if listed.empty:
        st.html(blocks.empty("Nothing to check here"))
        return
    columns, zone = st.column_config, reading.zone().key
    ids = list(listed["activity_id"])
    key = table_key(ids)
    st.dataframe(
        listed.drop(columns="activity_id"),
        key=key,
        on_select=lambda: _open(key, ids),
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(listed) <= 8 else 320,  # noqa: PLR2004 rows that fit
        column_order=_COLUMNS if listed["account_name"].any() else _WITHOUT_ACCOUNT,
        column_config={
            "event_time": columns.DatetimeColumn("When", format="D MMM, HH:mm", timezone=zone),
            "people": columns.TextColumn("Who, outside", width=200),
            "subject": columns.TextColumn("What", width=220),
            "account_name": columns.TextColumn("Account now"),
            "margin": columns.NumberColumn("Margin", format="%.1f", width=70),
            "reason": columns.TextColumn("Why", width=420),
        },
        alt="Activities whose match is unsure, newest first, with the reason",
    )


def table_key(ids: Sequence[str]) -> str:
    """Return the table's key, another for another list: a selection is a place in it, no more."""
    return "matches_" + sha256("\0".join(map(str, ids)).encode()).hexdigest()[:16]


def _open(key: str, ids: list[str]) -> None:
    """Remember the activity in the row that was selected."""
    for row in st.session_state[key]["selection"]["rows"]:
        st.session_state["activity"] = st.query_params["activity"] = ids[row]
        st.session_state["told"] = st.session_state["refused"] = ""


def _show_chosen(chosen: Explained, accounts: Mapping[str, str]) -> None:
    heard = chosen.heard
    st.html(match_blocks.activity(heard, reading.zone()))
    st.html(match_blocks.decision(heard, reading.zone()))
    if not chosen.candidates.empty:
        st.html(match_blocks.candidates(chosen.candidates))
    st.html(blocks.heading("Say better", "What you choose stays: no rule and no data changes it."))
    if deciding.can_decide():
        _ask(chosen, accounts)


def _ask(chosen: Explained, accounts: Mapping[str, str]) -> None:
    activity = st.session_state.get("activity") or st.query_params["activity"]
    candidates = chosen.candidates
    fits = list(candidates.loc[candidates["kind"] == "account", "candidate_id"])
    order = [*fits, *(one for one in accounts if one not in set(fits)), _NOBODY]
    left, right = st.columns(2, gap="medium")
    account = left.selectbox(
        "Account",
        order,
        index=None,
        format_func=lambda one: _named(one, accounts, fits),
        placeholder="Type a name",
        key=f"account_{activity}",
    )
    about = match_reading.deals(account) if account else {}
    deal = right.selectbox(
        "Deal",
        [_NO_DEAL, *about],
        format_func=lambda one: about.get(one, "the rules decide"),
        disabled=not about,
        key=f"deal_{activity}_{account}",
    )
    actor, reason = deciding.who("match")
    if st.button("Choose this match", type="primary", disabled=account is None):
        deciding.decide([_act(activity, account or "", deal or "", chosen.heard)], actor, reason)
        st.rerun(scope="fragment")


def _act(activity: str, account: str, deal: str, heard: Mapping[str, Any]) -> Act:
    kind = CommandKind.CHOOSE_OPPORTUNITY if deal else CommandKind.CHOOSE_MATCH
    return Act(kind, activity, deal or account, str(heard["matched_at"]))


def _named(account_id: str, accounts: Mapping[str, str], fits: list[str]) -> str:
    if account_id == _NOBODY:
        return "Nobody: it belongs to no account"
    name = accounts.get(account_id) or account_id
    return f"{name} \N{MIDDLE DOT} candidate" if account_id in fits else name


matches()
