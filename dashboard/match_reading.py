"""What the Matches page asks of the warehouse: what to check, and why one activity is where it is.

Every function raises what `warehouse.reader.Reader.frame` raises. An error is never kept.
"""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import pandas as pd
import streamlit as st

from contracts.matching import CERTAIN
from dashboard.queries import moment
from dashboard.reading import reader

ROWS: Final = 300
"""How many activities the page lists at most, the newest first."""

_PERIOD: Final = "(since = %(since)s, certain = %(certain)s)"
COUNTS: Final = f"""
    SELECT state, count() AS activities FROM live.match_to_check{_PERIOD} GROUP BY state
"""
TO_CHECK: Final = f"""
    SELECT
        toString(activity_id) AS activity_id, event_time, channel,
        if(subject = '', upperUTF8(left(channel, 1)) || substring(channel, 2), subject) AS subject,
        arrayStringConcat(outside, ', ') AS people, account_name, margin,
        if(state = 'deal_undecided', opportunity_reason, reason) AS reason
    FROM live.match_to_check{_PERIOD}
    WHERE state = %(state)s
        AND (%(words)s = '' OR positionCaseInsensitiveUTF8(subject, %(words)s) > 0
            OR arrayExists(who -> positionCaseInsensitiveUTF8(who, %(words)s) > 0, outside))
    ORDER BY event_time DESC, activity_id
    LIMIT {ROWS}
"""
ACTIVITY: Final = """
    SELECT
        heard.event_time AS event_time,
        heard.channel AS channel,
        heard.direction AS direction,
        heard.subject AS subject,
        arrayFilter((who, is_ours) -> NOT is_ours,
            heard.participant_address, heard.participant_is_ours) AS theirs,
        arrayFilter((who, is_ours) -> is_ours,
            heard.participant_address, heard.participant_is_ours) AS ours,
        decided.decided_by AS decided_by,
        decided.matched_at AS matched_at,
        decided.account_id AS account_id,
        account.name AS account_name,
        decided.rule AS rule,
        decided.reason AS reason,
        decided.margin AS margin,
        decided.opportunity_id AS opportunity_id,
        deal.name AS opportunity_name,
        decided.opportunity_reason AS opportunity_reason,
        decided.opportunity_margin AS opportunity_margin,
        decided.rule_version AS rule_version,
        decided.rules AS rules,
        decided.crm_version AS crm_version
    FROM (SELECT * FROM raw.activity FINAL WHERE activity_id = toUUIDOrZero(%(activity)s)) AS heard
    LEFT JOIN
    (
        SELECT * FROM raw.match FINAL
        WHERE activity_id = toUUIDOrZero(%(activity)s)
        ORDER BY decided_by != 'rule' DESC, matched_at DESC, decided_by
        LIMIT 1
    ) AS decided ON decided.activity_id = heard.activity_id
    LEFT JOIN live.account AS account ON account.account_id = decided.account_id
    LEFT JOIN live.opportunity AS deal ON deal.opportunity_id = decided.opportunity_id
"""
CANDIDATES: Final = """
    SELECT * FROM live.match_candidate(activity = %(activity)s) ORDER BY kind, place
"""
ACCOUNTS: Final = "SELECT account_id, name FROM live.account ORDER BY lower(name), account_id"
DEALS: Final = """
    SELECT opportunity_id, if(name = '', opportunity_id, name) AS name, is_closed
    FROM live.opportunity
    WHERE account_id = %(account_id)s
    ORDER BY is_closed, created_on DESC, opportunity_id
"""


class Explained(NamedTuple):
    """An activity with its match, and the accounts and deals that the rules weighed."""

    heard: dict[str, Any]
    candidates: pd.DataFrame


def _period(as_of: datetime, days: int) -> dict[str, Any]:
    return {"since": moment(as_of - timedelta(days=days)), "certain": CERTAIN}


@st.cache_data(ttl=10, show_spinner=False)
def counts(as_of: datetime, days: int) -> dict[str, int]:
    """Return how many activities there are to check, by state."""
    found = reader().frame(COUNTS, _period(as_of, days))
    return dict(zip(found["state"], map(int, found["activities"]), strict=True))


@st.cache_data(ttl=10, max_entries=20, show_spinner=False)
def to_check(as_of: datetime, days: int, state: str, words: str) -> pd.DataFrame:
    """Return the activities of a state whose subject or people have some words in them."""
    told = _period(as_of, days) | {"state": state, "words": words.strip()}
    return reader().frame(TO_CHECK, told)


@st.cache_data(ttl=3, max_entries=50, show_spinner=False)
def explained(activity: str) -> Explained | None:
    """Return an activity and why it has its match; None where there is no such activity."""
    found = reader().frame(ACTIVITY, {"activity": activity}).to_dict("records")
    if not found:
        return None
    heard = {str(name): value for name, value in found[0].items()}
    return Explained(heard, reader().frame(CANDIDATES, {"activity": activity}))


@st.cache_data(ttl=60, show_spinner=False)
def accounts() -> dict[str, str]:
    """Return the name of each account, in order of names."""
    found = reader().frame(ACCOUNTS)
    return dict(zip(found["account_id"], found["name"], strict=True))


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def deals(account_id: str) -> dict[str, str]:
    """Return the name of each deal of an account, open ones first."""
    found = reader().frame(DEALS, {"account_id": account_id})
    names = found["name"] + found["is_closed"].map({True: " (closed)", False: ""})
    return dict(zip(found["opportunity_id"], names, strict=True))
