"""Mailboxes beside what is stored of them: who lacks something in the open, the rest folded."""

from datetime import datetime
from html import escape
from math import isnan
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import reading
from dashboard.blocks import Record
from dashboard.format import age, number

NOTE: Final = "What the provider counts of the past month, beside what is stored of it."

_DAYS: Final = 5
_FEW: Final = 5


def show(captured: pd.DataFrame) -> None:
    """Show each mailbox: those that lack mail or can't be read, and the rest, folded if many."""
    lacking = (captured["missing"] > 0) | (captured["state"] == "waiting")
    sound = captured[~lacking]
    if len(sound) <= _FEW:
        st.html(table(captured, reading.now()))
        return
    if lacking.any():
        st.html(table(captured[lacking], reading.now()))
    with st.expander(f"{number(len(sound))} mailboxes are read, and nothing is missing"):
        st.html(table(sound, reading.now()))


def table(captured: pd.DataFrame, now: datetime) -> str:
    """Return each mailbox: how it fares, and what it holds beside what is stored."""
    lines = "".join(_mailbox(row, now) for row in captured.to_dict("records"))
    return (
        '<div class="hw hw-wide"><table class="hw-table words"><thead><tr><th>Mailbox</th>'
        "<th>State</th><th>Last mail heard</th><th>It holds</th><th>Stored</th><th>Missing</th>"
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _mailbox(row: Record, now: datetime) -> str:
    seconds = (now - row["last_at"]).total_seconds()
    last = "never" if isnan(seconds) else f"{age(seconds)} ago"
    dead = row["dead_lettered"]
    beside = f"<small>and {number(dead)} dead-lettered</small>" if dead else ""
    return (
        f"<tr><td><b>{escape(row['observer'] or row['source'].rpartition('/')[2])}</b>"
        f"<small>{escape(row['source'])}</small></td>"
        f'<td data-label="State">{escape(row["state"] or "read once")}'
        f"<small>{escape(row['detail'])}</small></td>"
        f'<td data-label="Last mail heard">{last}</td>'
        f'<td data-label="It holds">{_held(row, now)}</td>'
        f'<td data-label="Stored">{number(row["stored"])}{beside}</td>'
        f'<td data-label="Missing">{_missing(row)}</td></tr>'
    )


def _held(row: Record, now: datetime) -> str:
    if not row["observer"]:
        return "not counted yet"
    ago = age((now - row["counted_until"]).total_seconds())
    return f"{number(row['held'])}<small>counted {ago} ago</small>"


def _missing(row: Record) -> str:
    if not row["observer"]:
        return "not known yet"
    if not row["missing"]:
        return "none"
    days = ", ".join(f"{day:%d %b}" for day in row["missing_days"][:_DAYS])
    more = len(row["missing_days"]) - _DAYS
    return (
        f"<b>{number(row['missing'])}</b><small>{days}"
        f"{f' and {more} more days' if more > 0 else ''}</small>"
    )
