"""Where a person decides on a page: who they are, that it was taken, what became of it."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from contracts.clock import SystemClock
from contracts.command import Command
from contracts.errors import HeadwaterError
from dashboard import blocks, reading
from dashboard.acts import Act, Outcome, outcome, send, signed
from settings import load

_POLL_SECONDS: Final = 1.0
_ONLY_SHOWS: Final = (
    "This dashboard only shows: it was given no HEADWATER_COMMAND_TOKEN. Decide with `headwater "
    "match choose` and `headwater proposals`, and set a plan's rules in headwater.toml."
)


def can_decide() -> bool:
    """Tell whether this dashboard may act, and say so where it may not."""
    if load().command_token.get_secret_value():
        return True
    st.html(blocks.note(_ONLY_SHOWS))
    return False


def who(place: str) -> tuple[str, str]:
    """Ask who decides, and why; the name is remembered for as long as the page is open.

    Args:
        place: what tells this question from others on the page.
    """
    name, reason = st.columns(2, gap="medium")
    known = st.session_state.get("actor", "")
    actor = name.text_input("Your name", value=known, max_chars=100, key=f"{place}_actor")
    st.session_state["actor"] = actor
    why = reason.text_input("Why (may stay empty)", max_chars=300, key=f"{place}_reason")
    return actor, why


def decide(acts: Sequence[Act], actor: str, reason: str) -> None:
    """Send what a person decided; what can't be sent is told where `progress` stands."""
    settings, clock = load(), SystemClock()
    sent: list[Command] = []
    st.session_state["refused"] = ""
    try:
        for act in acts:
            command = signed(act, actor, reason, clock)
            send(settings, command)
            sent.append(command)
    except HeadwaterError as error:
        st.session_state["refused"] = str(error)
    st.session_state["pending"] = sent
    st.session_state["told"] = ""


def progress() -> None:
    """Show what became of what was decided; ask again every second while it waits.

    It has a place of its own, so that what a person fills in below does not move, and is not lost.
    """
    with st.container():
        if refused := st.session_state.get("refused"):
            st.html(blocks.told("down", "Not taken", refused))
        waits = bool(st.session_state.get("pending"))
        st.fragment(_waiting, run_every=_POLL_SECONDS if waits else None)()


def _waiting() -> None:
    pending: list[Command] = st.session_state.get("pending") or []
    if not pending:
        if told := st.session_state.get("told"):
            st.html(blocks.told(*told))
        return
    try:
        found = [outcome(reading.reader(), command) for command in pending]
    except HeadwaterError as error:
        st.html(blocks.told("quiet", "Taken", f"the log has it; {error}"))
        return
    ends = [one for one in found if one is not None]
    if len(ends) < len(pending):
        st.html(blocks.told("quiet", "Taken", "the log has it; the worker is carrying it out …"))
        return
    st.session_state["pending"], st.session_state["told"] = [], _ended(ends)
    st.cache_data.clear()
    st.rerun()


def _ended(ends: Sequence[Outcome]) -> tuple[str, str, str]:
    refused = [one.detail for one in ends if not one.is_done]
    if refused:
        return "down", "Refused", "; ".join(dict.fromkeys(refused))
    return "live", "Done", "; ".join(dict.fromkeys(one.detail for one in ends))
