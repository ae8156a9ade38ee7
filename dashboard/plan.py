"""The Plan page: where a budget would go, what each proposal would bring, and what to try next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import pandas as pd
import streamlit as st

from contracts.plan_rows import (
    AllocationRow,
    AllocationTotalRow,
    ExperimentRow,
    InvestmentForecastRow,
)
from dashboard import blocks, experiments, plan_charts, plan_reading, queries
from dashboard.format import known, money, money_between, number, percent, percent_between
from dashboard.outage import asked
from dashboard.verdicts import VERDICTS

PLAN: Final = blocks.Advice(
    "A plan is made every night, once investments have been judged; materialise plan on Dagster's "
    "page to have it now. Your own proposals come with your CRM's export (proposals.csv):",
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
KEPT: Final = "Kept: nothing that fits earns its money back"
UNITS: Final = {
    "training": ("person", "people"),
    "tool": ("licence", "licences"),
    "headcount": ("hire", "hires"),
    "spif": ("person", "people"),
}
_DOT: Final = " \N{MIDDLE DOT} "


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
    said = f"Margin less spend in the {months} months from {first:%B %Y}, as far as it is known."
    return f"{said} {UNASKED}" if forecasts[0].origin == "kind" else said


def show_allocation(totals: Sequence[AllocationTotalRow]) -> None:
    """Show the allocation of the chosen budget and appetite, and the trade-off it lies on."""
    chosen = choose(totals)
    st.html(blocks.note(RISKS[chosen.appetite]))
    st.html(blocks.figures(counters(chosen)))
    if not chosen.is_proven:
        st.html(blocks.note("The search ran out of time: there may be a slightly better one."))
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(blocks.caption("What to spend it on"))
        parts = asked(lambda: plan_reading.parts(chosen.budget_minor, chosen.appetite))
        st.html(allocation_table(parts or [], chosen))
        st.html(prices(chosen))
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


def counters(total: AllocationTotalRow) -> Iterator[blocks.Figure]:
    """Yield what the allocation brings, how sure that is, and what simpler splits would bring."""
    currency = total.currency
    between = money_between(total.net_low, total.net_high, currency)
    yield blocks.Figure(
        "Expected net return", money(total.net, currency, signed=True), f"95% interval: {between}"
    )
    kept = total.budget_minor - total.spend_minor
    rest = f"{money(kept, currency)} kept" if kept > _kept(total) else "all of the budget"
    yield blocks.Figure("Spent", money(total.spend_minor, currency), rest)
    yield blocks.Figure(
        "Chance of a loss",
        percent(total.loss_probability),
        "that the margin stays below the spend",
    )
    worst = "gain" if total.tail_loss < 0 else "loss"
    yield blocks.Figure(
        "In the worst tenth",
        money(abs(total.tail_loss), currency),
        f"mean {worst} of the tenth of what may be that is worst",
    )
    equal = money(total.equal_split_net, currency, signed=True)
    rated = money(total.pro_rata_net, currency, signed=True)
    yield blocks.Figure("Equal split", equal, f"pro-rata: {rated}")


def allocation_table(parts: Sequence[AllocationRow], total: AllocationTotalRow) -> str:
    """Return who gets what, when, and what it is expected to bring; the lines sum to the total."""
    currency = total.currency
    lines = "".join(_part(part, currency) for part in parts)
    kept = total.budget_minor - total.spend_minor
    if kept > _kept(total):
        lines += f"<tr><td>{KEPT}</td><td>{money(kept, currency)}</td><td></td></tr>"
    margin = sum(part.margin for part in parts)
    return (
        '<div class="hw hw-wide"><table class="hw-table"><thead><tr><th>On</th><th>Spend</th>'
        f"<th>Expected margin</th></tr></thead><tbody>{lines}</tbody><tfoot><tr><td>Net "
        f"{money(total.net, currency, signed=True)}</td><td>{money(total.spend_minor, currency)}"
        f"</td><td>{money(margin, currency)}</td></tr></tfoot></table></div>"
    )


def prices(total: AllocationTotalRow) -> str:
    """Return what each rule that binds costs."""
    if not total.is_asked:
        return blocks.note("What each rule costs is told for the budget that was asked about.")
    priced = list(zip(total.rule, total.price, strict=True))
    rules = [(rule, gain) for rule, gain in priced if not rule.startswith("the budget")]
    more = next((gain for rule, gain in priced if rule.startswith("the budget")), 0.0)
    next_money = (
        f"A little more budget would bring {number(more, 2)} for each unit of money, net and "
        "weighed by risk."
        if more
        else "More budget would bring nothing: it would be kept."
    )
    told = [
        (f"The {rule}", money(gain, total.currency), "more without it, weighed by risk")
        for rule, gain in rules
    ]
    cost = blocks.caption("What the rules cost") + blocks.facts(told) if told else ""
    return cost + blocks.note(next_money)


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
    right.html("".join(map(forecast_card, rows)))


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
        st.html(why_table(parts, by_id[chosen]))


def why_table(parts: pd.DataFrame, row: InvestmentForecastRow) -> str:
    """Return a forecast's parts as a table whose last line is their sum."""
    lines = "".join(
        f"<tr><td>{escape(part['label'])}<small>{escape(part['note'])}</small></td>"
        f"<td>{money(part['value'], row.currency, signed=True)}</td></tr>"
        for part in parts.to_dict("records")
    )
    total = money(float(parts["value"].sum()), row.currency, signed=True)
    return (
        '<table class="hw hw-table"><thead><tr><th>Part</th><th>Adds</th></tr></thead>'
        f"<tbody>{lines}</tbody><tfoot><tr><td>Expected net margin</td><td>{total}</td></tr>"
        "</tfoot></table>"
    )


def forecast_card(row: InvestmentForecastRow) -> str:
    """Return one forecast in words and figures."""
    look = plan_charts.look_of(row.verdict)
    label = f"{VERDICTS[look].glyph} {plan_charts.label_of(row.verdict)}"
    units = counted(row.units, row.kind)
    about = _DOT.join(
        (row.kind, money(row.spend_minor, row.currency), units, f"from {row.starts_on:%B %Y}")
    )
    return (
        f'<div class="hw hw-card hw-forecast"><span class="kind">{escape(about)}</span>'
        f'<h3>{escape(row.name)}</h3><span class="hw-verdict {look}">{label}</span>'
        f'<p class="reason">{escape(row.reason)}</p>{_figures(row)}</div>'
    )


def counted(units: float, kind: str) -> str:
    """Return how many of what is bought: licences, hires, people."""
    one, many = UNITS.get(kind, ("unit", "units"))
    return f"{number(units, 1).removesuffix('.0')} {one if units == 1 else many}"


def _figures(row: InvestmentForecastRow) -> str:
    if not known(row.margin):
        return ""
    pays = "not within the plan" if row.payback_month is None else f"month {row.payback_month}"
    npv = money_between(row.npv_low, row.npv_high, row.currency)
    told = (
        (
            "Margin",
            money(row.margin, row.currency),
            f"95% interval: {money_between(row.margin_low, row.margin_high, row.currency)}",
        ),
        (
            "ROI",
            percent(row.roi, signed=True),
            f"95% interval: {percent_between(row.roi_low, row.roi_high)}",
        ),
        (
            "Present value",
            money(row.npv, row.currency, signed=True),
            f"95% interval: {npv}; {percent(row.discount_rate)} a year",
        ),
        ("Paid back", pays, f"assumed: {row.assumed}"),
    )
    return blocks.facts(told)


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
            f"{row['investment_id']} ({row['kind']}): {row['left_out']}"
            for row in out.to_dict("records")
        )
        st.html(blocks.note(f"Nothing was learnt from {told}."))


def _kept(total: AllocationTotalRow) -> float:
    """Return what is kept at least where anything is: less is rounding."""
    return total.budget_minor / 1_000


def _part(part: AllocationRow, currency: str) -> str:
    is_thing = part.units == 1 and part.kind not in UNITS
    units = "" if is_thing else f", {counted(part.units, part.kind)}"
    between = money_between(part.margin_low, part.margin_high, currency)
    return (
        f"<tr><td>{escape(part.name)}<small>from {part.starts_on:%B %Y}{units}</small></td>"
        f"<td>{money(part.spend_minor, currency)}</td>"
        f"<td>{money(part.margin, currency)}<small>{between}</small></td></tr>"
    )


plan()
