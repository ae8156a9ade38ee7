"""What the Coverage page asks of the warehouse: the capture gap, proposals, and how it matched.

Every function raises what `warehouse.reader.Reader.frame` raises. An error is never kept.
"""

from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from contracts.matching import CERTAIN
from dashboard.queries import moment
from dashboard.reading import now, reader

ROWS: Final = 200
"""How many proposals the page lists at most."""

_PERIOD: Final = "(as_of = %(as_of)s, days = %(days)s)"
TEAMS: Final = f"""
    SELECT if(name = '', if(team_id = '', 'no team', team_id), name) AS name, active_buyers,
        unknown_buyers, activities, unknown_activities
    FROM live.capture_gap_team{_PERIOD}
    ORDER BY unknown_activities DESC, name
"""
ACCOUNTS: Final = f"""
    SELECT name, active_buyers, unknown_buyers, activities, unknown_activities, last_activity_at
    FROM live.capture_gap_account{_PERIOD}
    ORDER BY unknown_activities DESC, unknown_buyers DESC, name
"""
PROPOSALS: Final = f"""
    WITH
        (
            SELECT (groupArray(email), groupArray(called)) FROM
            (
                SELECT lower(email) AS email, argMax(name, knowable_at) AS called FROM raw.rep
                WHERE email != ''
                GROUP BY email
                HAVING called != '' AND NOT argMax(is_deleted, knowable_at)
            )
        ) AS reps
    SELECT
        if(found.name = '', found.address, found.name) AS name,
        found.address AS address,
        signed.title AS title,
        signed.phone AS phone,
        found.account_name AS account_name,
        found.activities AS activities,
        arrayMap(other -> if(position(other, '@') > 0, other, '…' || other),
            arrayFilter(other -> other != found.address, found.addresses)) AS others,
        arrayMap(who -> if(has(reps.1, who), arrayElement(reps.2, indexOf(reps.1, who)), who),
            found.with_whom) AS with_whom,
        found.last_at AS last_at,
        count() OVER () AS total
    FROM live.contact_proposal{_PERIOD} AS found
    LEFT JOIN
    (
        SELECT
            address,
            argMaxIf(title, event_time, title != '') AS title,
            arrayStringConcat(argMaxIf(phone, event_time, notEmpty(phone)), ', ') AS phone
        FROM raw.signature FINAL
        GROUP BY address
    ) AS signed ON signed.address = found.address
    ORDER BY activities DESC, address
    LIMIT {ROWS}
"""
"""Of a number its last digits are kept to find it by; colleagues go by their name where the CRM has
one. `total` counts those that are not listed, too."""
DECISIONS: Final = """
    SELECT rule, count() AS activities, countIf(margin >= %(certain)s) AS certain,
        countIf(opportunity_id != '') AS with_deal
    FROM live.match
    GROUP BY rule
    ORDER BY activities DESC
"""


AGES: Final = """
    SELECT
        (SELECT if(count() = 0, NULL, max(ingested_at)) FROM raw.activity) AS newest_at,
        (SELECT if(count() = 0, NULL, max(ingested_at)) FROM raw.contact) AS crm_at
"""


@st.cache_data(ttl=20, show_spinner=False)
def moment_of() -> datetime:
    """Return the moment that the page is as of."""
    return now()


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def gap(as_of: datetime, days: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the gap by team and by account, and the people to add."""
    period: dict[str, str | int] = {"as_of": moment(as_of), "days": days}
    read = reader().frame
    return read(TEAMS, period), read(ACCOUNTS, period), read(PROPOSALS, period)


@st.cache_data(ttl=20, show_spinner=False)
def decisions() -> pd.DataFrame:
    """Return how many activities each rule matched, how many certainly, how many with a deal."""
    return reader().frame(DECISIONS, {"certain": CERTAIN})


@st.cache_data(ttl=10, show_spinner=False)
def ages() -> dict[str, Any]:
    """Return when the newest activity was stored, and the newest version of a contact."""
    (found,) = reader().frame(AGES).to_dict("records")
    return {str(name): value for name, value in found.items()}
