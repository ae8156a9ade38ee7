"""The coverage page: what buyers and we said that the CRM lacks, and whom it should know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from contracts.command import CommandKind
from contracts.matching import CERTAIN
from dashboard import blocks, coverage_blocks, coverage_reading, deciding, mailboxes, reading
from dashboard.acts import Act
from dashboard.format import clock, number, percent, plural
from dashboard.outage import asked

DAYS: Final = 90

SHOWN: Final = 10  # accounts that are shown at first

TEAMS: Final = "An activity of two teams counts in both; no team: of colleagues who are in none."
LACKS: Final = (
    "The CRM lacks a buyer if no contact or lead has their address, nor in that account a contact "
    "their name; an activity, if none of the addresses outside is a contact's or a lead's. "
    "Partners and what machines sent do not count."
)


_PROPOSED: Final = (
    "name", "account_name", "activities", "last_at", "with_whom", "address", "title", "phone",
    "others",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What one look at the warehouse showed, as of one moment."""

    as_of: datetime
    teams: pd.DataFrame
    accounts: pd.DataFrame
    proposals: pd.DataFrame
    decisions: pd.DataFrame
    ages: Mapping[str, Any]
    mailboxes: pd.DataFrame


@st.fragment(run_every=30)
def coverage() -> None:
    """Show the capture gap; say so when the warehouse does not answer."""
    seen = asked(look)
    if seen is None:
        return
    as_of = clock(seen.as_of, seen.as_of, reading.zone())
    title = f"What the CRM lacks of the past {DAYS} days"
    st.html(blocks.heading(title, f"As of {as_of}. {LACKS}"))
    st.html(coverage_blocks.ages(seen.ages, seen.as_of))
    if wrong := coverage_blocks.alarm(seen.mailboxes):
        st.html(wrong)
    if seen.accounts.empty:
        st.html(blocks.empty("Nothing is matched to an account yet", blocks.CRM, blocks.MAIL))
        return
    st.html(blocks.figures(headline(seen)))
    left, right = st.columns(2, gap="medium")
    with left:
        show_gap("By team", TEAMS, seen.teams, "Team")
    with right:
        show_gap("By account", "Most missing activity first.", seen.accounts, "Account")
    show_proposals(seen.proposals)
    show_mailboxes(seen.mailboxes)
    show_decisions(seen.decisions)


def look() -> Seen:
    """Read what the page shows; raises what `warehouse.reader.Reader.frame` raises."""
    as_of = coverage_reading.moment_of()
    gap = coverage_reading.gap(as_of, DAYS)
    beside = coverage_reading.decisions(), coverage_reading.ages(), reading.capture()
    return Seen(as_of, *gap, *beside)


def headline(seen: Seen) -> list[blocks.Figure]:
    """Return the shares that a leader asks for, with what they are shares of."""
    total = seen.accounts[
        ["active_buyers", "unknown_buyers", "activities", "unknown_activities"]
    ].sum()
    return [
        _share("Active buyers the CRM lacks", total["unknown_buyers"], total["active_buyers"]),
        _share("Activity the CRM lacks", total["unknown_activities"], total["activities"]),
        contacts_to_add(seen.proposals),
    ]


def contacts_to_add(proposals: pd.DataFrame) -> blocks.Figure:
    """Return how many people are proposed, and how many of them the list has room for."""
    total = int(proposals["total"].max()) if len(proposals) else 0
    listed = len(proposals)
    note = "proposed below" if listed == total else f"the {number(listed)} most active listed below"
    return blocks.Figure("Contacts to add", number(total), note)


def _share(label: str, part: float, whole: float) -> blocks.Figure:
    value = percent(part / whole) if whole else "none"
    return blocks.Figure(label, value, f"{number(part)} of {number(whole)}")


def show_gap(title: str, note: str, gap: pd.DataFrame, what: str) -> None:
    """Show the gap as a table whose bars are the missing shares; a long one in part, then whole."""
    st.html(blocks.heading(title, note))
    st.html(coverage_blocks.gap(gap.head(SHOWN), what))
    if len(gap) > SHOWN:
        with st.expander(f"All {len(gap)}"):
            st.html(coverage_blocks.gap(gap, what))


def show_proposals(proposals: pd.DataFrame) -> None:
    """Show the people whom the CRM should know, each once, with the evidence."""
    note = "They took part and write from the account's domain; free mail and role addresses aside."
    st.html(blocks.heading("Contacts the CRM does not know", note))
    deciding.progress()
    if proposals.empty:
        st.html(blocks.empty("The CRM knows everybody who took part"))
        return
    columns, zone = st.column_config, reading.zone().key
    addresses = list(proposals["address"])
    picked = st.dataframe(
        proposals,
        key="proposals",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        column_order=_PROPOSED,
        column_config={
            "name": columns.TextColumn("Person", width=115),
            "address": columns.TextColumn("Address"),
            "title": columns.TextColumn("Title, as signed"),
            "phone": columns.TextColumn("Phone, as signed"),
            "account_name": columns.TextColumn("Account", width=115),
            "activities": columns.NumberColumn("Activities", format="localized", width=75),
            "others": columns.ListColumn("Also writes or calls from"),
            "with_whom": columns.ListColumn("With whom of us"),
            "last_at": columns.DatetimeColumn("Last", format="D MMM YYYY", timezone=zone),
        },
        alt="People whom the CRM lacks, with how many activities, with whom, and the last",
    )
    ask_about([addresses[row] for row in picked["selection"]["rows"] if row < len(addresses)])


def ask_about(addresses: list[str]) -> None:
    """Ask whether those who were ticked are contacts."""
    if not addresses:
        st.html(blocks.note("Tick people to accept or dismiss them."))
        return
    if not deciding.can_decide():
        return
    actor, reason = deciding.who("proposal")
    accept, dismiss, _ = st.columns([1, 1, 3])
    people = plural(len(addresses), "person").replace("persons", "people")
    if accept.button(f"Accept {people}", type="primary", width="stretch"):
        deciding.decide(answers(CommandKind.ACCEPT_CONTACT, addresses), actor, reason)
        st.rerun()
    if dismiss.button(f"Dismiss {people}", width="stretch"):
        deciding.decide(answers(CommandKind.DISMISS_CONTACT, addresses), actor, reason)
        st.rerun()
    st.html(blocks.note("Accepting takes them off this list: add them to the CRM yourself."))


def answers(kind: CommandKind, addresses: list[str]) -> list[Act]:
    """Return the same answer about each of these people."""
    return [Act(kind, address) for address in addresses]


def show_mailboxes(captured: pd.DataFrame) -> None:
    """Show whether all mail is heard: what each provider counts beside what is stored of it."""
    st.html(blocks.heading("Is all mail heard?", mailboxes.NOTE))
    if captured.empty:
        st.html(blocks.note("No mailbox is read from its provider: nobody counts what is missing."))
    else:
        mailboxes.show(captured)


def show_decisions(decisions: pd.DataFrame) -> None:
    """Show which rules matched, and how much of it is certain."""
    total = int(decisions["activities"].sum())
    note = (
        f"{plural(total, 'activity')}; certain: a margin of {number(CERTAIN)} points or more. What "
        "is open or uncertain waits on the page Matches."
    )
    st.html(blocks.heading("How activities found their account", note))
    st.html(coverage_blocks.decisions(decisions))


coverage()
