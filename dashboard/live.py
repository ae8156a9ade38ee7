"""The live page: what was just heard, which accounts are engaged, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard import accounts, blocks, mailboxes, reading
from dashboard.format import number, percent
from dashboard.outage import asked

FEED_LENGTH: Final = 25


@dataclass(frozen=True)
class Seen:
    """What one look at the warehouse showed: all of it is read before any of it is shown."""

    freshness: dict[str, Any]
    figures: dict[str, Any]
    waiting: pd.DataFrame
    capture: pd.DataFrame
    newest: pd.DataFrame
    ranking: accounts.Ranking


@st.fragment(run_every=2)
def live() -> None:
    """Show everything, again every two seconds; say so when the warehouse does not answer."""
    seen = asked(look)
    if seen is None:
        return
    st.html(blocks.freshness(seen.freshness, reading.zone()))
    if seen.newest.empty and seen.ranking.scores.empty:
        st.html(blocks.empty("Nothing has been heard yet", blocks.CRM, blocks.MAIL))
    else:
        show(seen)
    show_capture(seen.capture)
    show_dead_letters(seen.waiting)


def look() -> Seen:
    """Read what the page shows; raises what `warehouse.reader.Reader.frame` raises."""
    return Seen(
        freshness=reading.freshness(),
        figures=reading.figures(),
        waiting=reading.dead_letters(),
        capture=reading.capture(),
        newest=reading.newest(FEED_LENGTH),
        ranking=accounts.ranking(),
    )


def show(seen: Seen) -> None:
    """Show the counters, the stream beside the accounts, and the reasons of one score."""
    st.html(blocks.figures(counters(seen.figures, seen.waiting)))
    stream, ranked = st.columns(2, gap="medium")
    with stream:
        show_stream(seen.newest)
    with ranked:
        accounts.show_ranking(seen.ranking)
    accounts.explain(seen.ranking)


def counters(seen: dict[str, Any], waiting: pd.DataFrame) -> Iterator[blocks.Figure]:
    """Yield the counters at the top of the page."""
    before, last_hour = number(seen["week_before"]), number(seen["last_hour"])
    yield blocks.Figure(
        "Activities today", number(seen["today"]), f"{before} by this time a week ago"
    )
    yield blocks.Figure("In the last hour", last_hour, "by the time they happened")
    yield blocks.Figure(
        "Accounts engaged",
        f"{number(seen['engaged'])} of {number(seen['accounts'])}",
        "had an activity in the past 7 days",
    )
    unmatched, outside = seen["unmatched"], seen["outside"]
    yield blocks.Figure(
        "Unmatched",
        percent(unmatched / outside) if outside else "none",
        f"{number(unmatched)} of {number(outside)} in the past 30 days",
    )
    total = waiting["waiting"].sum()
    note = "their reasons" if total else "all that was heard was understood"
    link = "#dead-letters" if total else ""
    yield blocks.Figure("Dead letters waiting", number(total), note, link)


def show_stream(newest: pd.DataFrame) -> None:
    """Show the activities stored last."""
    st.html(blocks.heading("Newest activity", "As stored, newest first. Subjects only, no bodies."))
    if newest.empty:
        st.html(blocks.empty("No mail, call or meeting yet", blocks.MAIL))
    else:
        st.html(blocks.feed(newest, reading.now(), reading.zone()))


def show_capture(captured: pd.DataFrame) -> None:
    """Show what each mailbox holds beside what is stored of it."""
    if not captured.empty:
        st.html(blocks.heading("Capture", mailboxes.NOTE, anchor="capture"))
        mailboxes.show(captured)


def show_dead_letters(waiting: pd.DataFrame) -> None:
    """Show why dead letters wait, and how they are sent again."""
    if not waiting.empty:
        note = "What could not be understood waits here, bytes and all; nothing behind it stopped."
        st.html(blocks.heading("Dead letters waiting", note, anchor="dead-letters"))
        st.html(blocks.dead_letters(waiting, reading.now()))


live()
