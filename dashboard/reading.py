"""What the pages ask of the warehouse; each answer is shared between viewers for a moment.

Every function raises what `warehouse.reader.Reader.frame` raises. An error is never kept.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from contracts.clock import SystemClock
from contracts.company import Company
from contracts.fiscal import FiscalCalendar
from contracts.investment_rows import (
    EventStudyRow,
    ExplanationRow,
    InvestmentDiagnosticRow,
    InvestmentEstimateRow,
)
from contracts.rows import ENGAGEMENT_WEIGHTS
from dashboard import queries
from dashboard.evidence import Evidence
from dashboard.verdicts import Judgement
from settings import load
from warehouse.reader import Params, Reader

_QUERY_SECONDS: Final = 10
_MARTS: Final = 2


@st.cache_resource(show_spinner=False)
def company() -> Company:
    """Return the company that this deployment serves."""
    return load().company


def zone() -> ZoneInfo:
    """Return the company's time zone."""
    return ZoneInfo(company().time_zone)


def now() -> datetime:
    """Return the present moment in UTC."""
    return SystemClock().now()


@st.cache_resource(scope="session", on_release=Reader.close, show_spinner=False)
def reader() -> Reader:
    """Return the viewer's own reader: viewers do not wait for each other."""
    return Reader(load().warehouse_url, seconds=_QUERY_SECONDS)


@st.cache_data(ttl=1, show_spinner=False)
def freshness() -> dict[str, Any]:
    """Return when the newest activity was stored, and how long the last hour's live ones took."""
    return _one(queries.FRESHNESS)


@st.cache_data(ttl=1, show_spinner=False)
def newest(limit: int) -> pd.DataFrame:
    """Return the activities stored last, newest first."""
    return reader().frame(queries.NEWEST, {"limit": limit})


@st.cache_data(ttl=4, show_spinner=False)
def figures() -> dict[str, Any]:
    """Return the counters, as of now."""
    at = now()
    calendar = FiscalCalendar(time_zone=company().time_zone)
    today = calendar.start_of(calendar.day(at))
    params = {"now": queries.moment(at), "today": queries.moment(today)}
    return _one(queries.FIGURES, params)


@st.cache_data(ttl=4, show_spinner=False)
def dead_letters() -> pd.DataFrame:
    """Return the dead letters that wait, a row a reason."""
    return reader().frame(queries.DEAD_LETTERS)


@st.cache_data(ttl=15, show_spinner=False)
def capture() -> pd.DataFrame:
    """Return how complete each mailbox is, the ones that lack something first."""
    return reader().frame(queries.CAPTURE)


@st.cache_data(ttl=8, show_spinner=False)
def ranking() -> tuple[pd.DataFrame, datetime]:
    """Return every account's score and its change in 7 days, and the moment they are as of."""
    as_of = now()
    params = {
        "as_of": queries.moment(as_of),
        "before": queries.moment(as_of - timedelta(days=7)),
        "weights": ENGAGEMENT_WEIGHTS,
    }
    return reader().frame(queries.RANKING, params), as_of


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def components(account_id: str, as_of: datetime) -> pd.DataFrame:
    """Return the components of one account's score, most points first; their sum is the score."""
    return reader().frame(queries.COMPONENTS, explained(account_id, as_of))


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def evidence(account_id: str, as_of: datetime) -> pd.DataFrame:
    """Return the activities behind one account's score, the heaviest first."""
    return reader().frame(queries.EVIDENCE, explained(account_id, as_of))


def explained(account_id: str, as_of: datetime) -> dict[str, str | int]:
    """Return the parameters that give one account's score, and its reasons, as of a moment."""
    return {
        "account_id": account_id,
        "as_of": queries.moment(as_of),
        "weights": ENGAGEMENT_WEIGHTS,
        "limit": queries.EVIDENCE_ROWS,
    }


@st.cache_data(ttl=30, show_spinner=False)
def registered_investments() -> int:
    """Return how many investments the company has told us of."""
    return int(reader().value(queries.REGISTERED) or 0)


@st.cache_data(ttl=30, show_spinner=False)
def judgements() -> list[Judgement]:
    """Return the newest judgement of every investment; none before the marts are first built."""
    if reader().value(queries.HAS_MARTS) != _MARTS:
        return []
    return reader().rows(Judgement, queries.JUDGEMENTS)


@st.cache_data(ttl=30, show_spinner=False)
def context(investment_id: str) -> pd.DataFrame:
    """Return mean bookings by whole month of reps reached so far, and of those not yet reached."""
    today = now().astimezone(zone()).date().isoformat()
    return reader().frame(queries.CONTEXT, {"investment_id": investment_id, "today": today})


@st.cache_data(ttl=30, show_spinner=False)
def evidence_of(investment_id: str, as_of: datetime) -> Evidence:
    """Return what is kept beside the judgement of an investment at a moment."""
    params = {"investment_id": investment_id, "as_of": as_of}
    rows = reader().rows
    return Evidence(
        diagnostics=rows(InvestmentDiagnosticRow, queries.DIAGNOSTICS, params),
        estimates=rows(InvestmentEstimateRow, queries.ESTIMATES, params),
        steps=rows(EventStudyRow, queries.EVENT_STUDY, params),
        explanations=rows(ExplanationRow, queries.EXPLANATIONS, params),
    )


def _one(sql: str, params: Params | None = None) -> dict[str, Any]:
    """Return the one row of an answer; what is missing in it is None."""
    row = reader().frame(sql, params).iloc[0]
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}
