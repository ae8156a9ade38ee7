"""The Plan page: where a budget would go, what each proposal would bring, and what to try next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from contracts.plan_rows import (
    AllocationTotalRow,
    ExperimentRow,
    InvestmentForecastRow,
)
from dashboard import (
    blocks,
    experiments,
    plan_blocks,
    plan_charts,
    plan_reading,
    plan_rules,
    queries,
    reading,
)
from dashboard.format import age, known, moment, money
from dashboard.outage import asked

PLAN: Final = blocks.Advice(
    "A plan is made every night, once investments have been judged, or now by `headwater compute`. "
    "Your own proposals come with your CRM's export (proposals.csv):",
    "headwater ingest crm PATH/TO/EXPORT",
)
UNASKED: Final = (
    "Nobody has proposed anything yet. So this asks what the next money would do over the kinds "
    "that were judged: another of each, at its usual price, in any number. Import proposals.csv to "
    "plan with yours."
)
RISKS: Final = {
    "bold": "Bold: the expected return alone counts.",
    "balanced": "Balanced: half a unit of return for a unit less of the worst tenth's mean loss.",
    "careful": "Careful: two units of return for a unit less of the worst tenth's mean loss.",
}


@dataclass(frozen=True)
class Seen:
    """What one look at the warehouse showed."""

    forecasts: list[InvestmentForecastRow]
    totals: list[AllocationTotalRow]
    curves: pd.DataFrame
    points: pd.DataFrame
    experiments: list[ExperimentRow]


@st.fragment(run_every=30)
def plan() -> None:
    """Show the newest plan; say so when the warehouse does not answer."""
    seen = asked(look)
    if seen is None:
        return
    if not seen.forecasts:
        st.html(blocks.empty("No plan has been made yet", PLAN))
        show_unlearnt(seen.points)
        return
    st.html(blocks.heading("Where the next money should go", introduction(seen.forecasts)))
    if seen.totals:
        show_allocation(seen.totals)
    else:
        st.html(
            blocks.empty(
                "The proposals' rules can't all be kept",
                blocks.Advice(
                    "Floors, whole units and prerequisites ask for more than the budget allows: "
                    "the plan's asset in Dagster says what. The forecasts below stand without it."
                ),
            )
        )
    show_forecasts(seen.forecasts)
    show_curves(seen.curves, seen.points)
    experiments.show(seen.experiments)


def look() -> Seen:
    """Read what the page shows; raises what `warehouse.reader.Reader.frame` raises."""
    return Seen(
        forecasts=plan_reading.forecasts(),
        totals=plan_reading.totals(),
        curves=plan_reading.curves(),
        points=plan_reading.points(),
        experiments=plan_reading.experiments(),
    )


def introduction(forecasts: Sequence[InvestmentForecastRow]) -> str:
    """Return what is planned for, and whose proposals these are."""
    first = min(row.starts_on for row in forecasts)
    months = forecasts[0].months
    as_of = forecasts[0].as_of
    ago = age((reading.now() - as_of).total_seconds())
    said = (
        f"Margin less spend in the {months} months from {first:%B %Y}, as far as it was known "
        f"{ago} ago, when this was planned ({moment(as_of, reading.zone())} {reading.zone().key})."
    )
    return f"{said} {UNASKED}" if forecasts[0].origin == "kind" else said


def show_allocation(totals: Sequence[AllocationTotalRow]) -> None:
    """Show the allocation of the chosen budget and appetite, and the trade-off it lies on."""
    chosen = choose(totals)
    st.html(blocks.note(RISKS[chosen.appetite]))
    st.html(blocks.figures(plan_blocks.counters(chosen)))
    if not chosen.is_proven:
        st.html(blocks.note("The search ran out of time: there may be a slightly better one."))
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(blocks.caption("What to spend it on"))
        parts = asked(lambda: plan_reading.parts(chosen.budget_minor, chosen.appetite))
        st.html(plan_blocks.allocation_table(parts or [], chosen))
        st.html(plan_blocks.prices(chosen))
    with right:
        st.html(blocks.caption("What more or less money would do", trade_off_note(chosen)))
        st.altair_chart(plan_charts.trade_off(totals, chosen))
    with st.expander("The SQL behind this allocation"):
        params: dict[str, str | int] = {
            "budget": chosen.budget_minor,
            "appetite": chosen.appetite,
        }
        st.code(queries.spelled_out(plan_reading.PARTS, params), language="sql", wrap_lines=True)


def choose(totals: Sequence[AllocationTotalRow]) -> AllocationTotalRow:
    """Return the scenario that the viewer chose; at first the budget asked about, balanced."""
    budgets = sorted({total.budget_minor for total in totals})
    currency = totals[0].currency
    usual = next((t.budget_minor for t in totals if t.is_asked), budgets[0])
    left, right = st.columns(2, gap="medium")
    budget = left.select_slider(
        "Budget", budgets, usual, format_func=lambda b: money(b, currency), key="plan_budget"
    )
    names = [name for name in RISKS if any(total.appetite == name for total in totals)]
    appetite = right.radio(
        "Appetite for risk",
        names,
        names.index("balanced"),
        format_func=str.capitalize,
        horizontal=True,
        key="plan_appetite",
    )
    return next(t for t in totals if (t.budget_minor, t.appetite) == (budget, appetite))


def trade_off_note(total: AllocationTotalRow) -> str:
    """Return how the trade-off is read."""
    return (
        "The best allocation of each budget. Band: 95% interval of the chosen appetite. Crosses: "
        "the same money split equally, rules aside; triangles: pro-rata. Dot: "
        f"{total.appetite}, at "
        f"{money(total.budget_minor, total.currency)}."
    )


def show_forecasts(rows: Sequence[InvestmentForecastRow]) -> None:
    """Show every proposal's forecast, the highest return first, and why one is what it is."""
    whose = "Another of each kind" if rows[0].origin == "kind" else "Proposals"
    note = "Scored before they are made; the spend is certain, the margin is not."
    st.html(blocks.heading(whose, note))
    scored = [row for row in rows if known(row.roi)]
    left, right = st.columns(2, gap="medium")
    with left:
        if scored:
            st.altair_chart(plan_charts.forecasts(scored))
            show_why(scored)
    right.html("".join(map(plan_blocks.forecast_card, rows)))


def show_why(rows: Sequence[InvestmentForecastRow]) -> None:
    """Show what the chosen forecast is made of: parts that sum to it."""
    by_id = {row.proposal_id: row for row in rows}
    chosen = st.selectbox(
        "What a forecast is made of",
        list(by_id),
        format_func=lambda name: by_id[name].name,
        key="plan_why",
    )
    parts = asked(lambda: plan_reading.why(chosen))
    if parts is not None and len(parts):
        st.html(plan_blocks.why_table(parts, by_id[chosen]))


def show_curves(curves: pd.DataFrame, points: pd.DataFrame) -> None:
    """Show each kind's curve with what was judged, two beside each other."""
    note = (
        "Dots: what was judged, carried to twelve months, with 95% intervals. Dotted: break-even. "
        "Dashed: more than was ever judged, so the interval is widened."
    )
    st.html(blocks.heading("What money brings, by kind", note))
    pairs = list(curves.groupby("kind"))
    for start in range(0, len(pairs), 2):
        for column, (kind, curve) in zip(
            st.columns(2, gap="medium"), pairs[start : start + 2], strict=False
        ):
            with column:
                judged = points[(points["kind"] == kind) & (points["left_out"] == "")]
                count = int(curve["judgements"].iloc[0])
                st.html(blocks.caption(str(kind).capitalize(), rests_on(str(kind), count)))
                st.altair_chart(plan_charts.response(curve, judged))
    show_unlearnt(points)


def rests_on(kind: str, count: int) -> str:
    """Return how much a curve rests on."""
    if not count and kind == "headcount":
        return "Never judged: an average rep with ramp and attrition is assumed, half of it new."
    if not count:
        return "Never judged: this is what is believed of any kind, and its width says so."
    if count == 1:
        return "One judgement: its shape is mostly assumed."
    return f"{count} judgements."


def show_unlearnt(points: pd.DataFrame) -> None:
    """Say of which judgements nothing was learnt, and why."""
    out = points[points["left_out"] != ""]
    if len(out):
        told = "; ".join(
            f"{row['name']} ({row['kind']}): {row['left_out']}" for row in out.to_dict("records")
        )
        st.html(blocks.note(f"Nothing was learnt from {told}."))


plan()
plan_rules.ask()
