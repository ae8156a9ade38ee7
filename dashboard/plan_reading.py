"""What the Plan page asks of the warehouse: the newest plan, and nothing of an older one.

Every function raises what `warehouse.reader.Reader.frame` raises. An error is never kept.
"""

from typing import Final

import pandas as pd
import streamlit as st

from contracts.plan_rows import (
    AllocationRow,
    AllocationTotalRow,
    ExperimentRow,
    InvestmentForecastRow,
)
from dashboard.reading import reader

_NEWEST: Final = "as_of = (SELECT max(as_of) FROM ml.investment_forecast)"

FORECASTS: Final = f"""
    SELECT * FROM ml.investment_forecast FINAL
    WHERE {_NEWEST}
    ORDER BY roi IS NULL, roi DESC, proposal_id
"""
TOTALS: Final = f"""
    SELECT * FROM ml.allocation_total FINAL
    WHERE {_NEWEST}
    ORDER BY risk, budget_minor
"""
PARTS: Final = f"""
    SELECT * FROM ml.allocation FINAL
    WHERE {_NEWEST} AND budget_minor = %(budget)s AND appetite = %(appetite)s
    ORDER BY spend_minor DESC, option_id
"""
CURVES: Final = f"""
    SELECT * FROM ml.response_curve FINAL
    WHERE {_NEWEST}
    ORDER BY kind, spend_minor
"""
POINTS: Final = f"""
    SELECT point.*, if(told.name = '', point.investment_id, told.name) AS name
    FROM (SELECT * FROM ml.response_point FINAL WHERE {_NEWEST}) AS point
    LEFT JOIN
    (
        SELECT investment_id, argMax(name, knowable_at) AS name FROM raw.investment FINAL
        GROUP BY investment_id
    ) AS told ON told.investment_id = point.investment_id
    ORDER BY kind, investment_id
"""
WHY: Final = f"""
    SELECT label, value, note
    FROM
    (
        SELECT * FROM ml.explanation FINAL
        WHERE subject_kind = 'proposal' AND measure = 'net_margin' AND {_NEWEST}
            AND subject_id = %(proposal_id)s
    )
    ARRAY JOIN label, value, note
"""
EXPERIMENTS: Final = f"""
    SELECT * FROM ml.experiment FINAL
    WHERE {_NEWEST}
    ORDER BY verdict != 'measurable', worth IS NULL, worth DESC, kind
"""
ROLLOUT: Final = f"""
    SELECT
        rollout.unit_id AS unit_id, rep.name AS name, rollout.team_id AS team_id,
        if(team.name = '', rollout.team_id, team.name) AS team,
        rollout.wave AS wave, rollout.starts_on AS starts_on
    FROM (SELECT * FROM ml.rollout FINAL WHERE {_NEWEST} AND kind = %(kind)s) AS rollout
    LEFT JOIN
    (
        SELECT rep_id, argMax(name, knowable_at) AS name FROM raw.rep FINAL GROUP BY rep_id
    ) AS rep ON rep.rep_id = rollout.unit_id
    LEFT JOIN
    (
        SELECT unit_id, argMax(name, knowable_at) AS name FROM raw.org_unit FINAL GROUP BY unit_id
    ) AS team ON team.unit_id = rollout.team_id
    ORDER BY wave, team_id, unit_id
"""


@st.cache_data(ttl=30, show_spinner=False)
def forecasts() -> list[InvestmentForecastRow]:
    """Return the newest plan's forecasts, the highest return first."""
    return reader().rows(InvestmentForecastRow, FORECASTS)


@st.cache_data(ttl=30, show_spinner=False)
def totals() -> list[AllocationTotalRow]:
    """Return what every budget and appetite brings."""
    return reader().rows(AllocationTotalRow, TOTALS)


@st.cache_data(ttl=30, show_spinner=False)
def parts(budget: int, appetite: str) -> list[AllocationRow]:
    """Return what one scenario gives to each option, the most first."""
    return reader().rows(AllocationRow, PARTS, {"budget": budget, "appetite": appetite})


@st.cache_data(ttl=30, show_spinner=False)
def curves() -> pd.DataFrame:
    """Return every kind's curve."""
    return reader().frame(CURVES)


@st.cache_data(ttl=30, show_spinner=False)
def points() -> pd.DataFrame:
    """Return what each judgement says of its kind, or why nothing was learnt from it."""
    return reader().frame(POINTS)


@st.cache_data(ttl=30, show_spinner=False)
def why(proposal_id: str) -> pd.DataFrame:
    """Return the parts of a proposal's expected net margin: label, value, note."""
    return reader().frame(WHY, {"proposal_id": proposal_id})


@st.cache_data(ttl=30, show_spinner=False)
def experiments() -> list[ExperimentRow]:
    """Return the experiments, the one worth most first."""
    return reader().rows(ExperimentRow, EXPERIMENTS)


@st.cache_data(ttl=30, show_spinner=False)
def rollout(kind: str) -> pd.DataFrame:
    """Return who would start when in a kind's roll-out."""
    return reader().frame(ROLLOUT, {"kind": kind})
