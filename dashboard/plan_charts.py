"""The Plan page's charts: each says in words what it shows, and none speaks by colour alone."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from contracts.money import minor_digits
from contracts.plan_rows import AllocationTotalRow, InvestmentForecastRow
from dashboard.format import known, money, money_between, percent, percent_between
from dashboard.verdicts import VERDICTS

APPETITES: Final = {"bold": "#d55e00", "balanced": "#0072b2", "careful": "#009e73"}
_DASHES: Final = {"bold": [1, 0], "balanced": [7, 3], "careful": [2, 3]}
_INK: Final = "#1c2530"
_MUTED: Final = "#5a6573"
_CURVE: Final = "#0b6e8c"
_PADDING: Final = {"left": 0, "right": 6, "top": 4, "bottom": 2}
_LINE_HEIGHT: Final = 56
_AXIS_HEIGHT: Final = 48
_ZERO: Final = pd.DataFrame({"zero": [0]})
_PLAIN: Final = "datum.value == 0 ? '0' : format(datum.value, '~s')"
_NOT_SCORED: Final = "not_identified"
"""Whose look a proposal has that could not be scored."""


def look_of(verdict: str) -> str:
    """Return the verdict whose colour and shape a forecast's verdict has."""
    return verdict if verdict in VERDICTS else _NOT_SCORED


def label_of(verdict: str) -> str:
    """Return what a forecast's verdict is called: it is about what has not happened yet."""
    return {
        "pays_off": "Likely to pay off",
        "does_not_pay_off": "Unlikely to pay off",
        "cannot_tell": "Cannot tell yet",
    }.get(verdict, "Not scored")


def trade_off(totals: Sequence[AllocationTotalRow], chosen: AllocationTotalRow) -> alt.LayerChart:
    """Return what each budget brings net, for each appetite, and the band of the chosen one."""
    currency, colour = chosen.currency, APPETITES[chosen.appetite]
    rows = pd.DataFrame([_scenario(total) for total in totals])
    ours = rows[rows["appetite"] == chosen.appetite]
    x = alt.X("budget:Q", title=f"Budget, {currency}", axis=_axis(6, grid=False))
    y = alt.Y("net:Q", title=f"Expected margin less spend, {currency}", axis=_axis(5))
    here = alt.Chart(ours[ours["budget_minor"] == chosen.budget_minor])
    layers = [
        alt.Chart(ours)
        .mark_area(opacity=0.13, color=colour)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        alt.Chart(_ZERO).mark_rule(color=_INK).encode(y="zero:Q"),
        _by_appetite(alt.Chart(rows).mark_line(strokeWidth=2.5).encode(x=x, y=y)),
        _simple_splits(ours).encode(x=x, y=y),
        here.mark_point(size=190, filled=True, opacity=1, color=colour).encode(
            x=x, y=y, tooltip=_tooltip(currency)
        ),
    ]
    said = "; ".join(
        f"{money(t.budget_minor, currency)} {t.appetite}: {money(t.net, currency, signed=True)}"
        for t in totals
    )
    return alt.LayerChart(
        layer=layers,
        height=300,
        padding=_PADDING,
        description=f"Expected margin less spend by budget and appetite for risk. {said}.",
    )


def forecasts(rows: Sequence[InvestmentForecastRow]) -> alt.LayerChart:
    """Return each proposal's expected ROI with its 95 % interval, one line each, against zero."""
    frame = pd.DataFrame([_forecast(row) for row in rows])
    base = alt.Chart(frame).encode(
        y=alt.Y("id:N", sort=list(frame["id"]), title=None, axis=None),
        color=alt.Color("colour:N", scale=None),
    )
    named = base.encode(x=alt.value(0), text="said:N")
    beneath: dict[str, Any] = {"align": "left", "baseline": "bottom", "dy": -11, "fontSize": 13}
    axis = alt.Axis(
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '+,.0%')",
        tickCount=6,
        domain=False,
        ticks=False,
    )
    x = alt.X("low:Q", title="ROI within the plan", axis=axis, scale=alt.Scale(padding=14))
    looks = list(VERDICTS)
    layers = [
        alt.Chart(_ZERO).mark_rule(color=_INK).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q"),
        base.mark_point(size=170, filled=True, opacity=1).encode(
            x="roi:Q",
            shape=alt.Shape(
                "look:N",
                scale=alt.Scale(domain=looks, range=[VERDICTS[name].shape for name in looks]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("said:N", title="Proposal"),
                alt.Tooltip("roi:Q", format="+,.0%", title="Expected ROI"),
                alt.Tooltip("low:Q", format="+,.0%", title="95% interval from"),
                alt.Tooltip("high:Q", format="+,.0%", title="to"),
            ],
        ),
        named.mark_text(**beneath, stroke="white", strokeWidth=4).encode(color=alt.value("white")),
        named.mark_text(**beneath).encode(color=alt.value(_INK)),
    ]
    said = "; ".join(
        f"{r.name}: {percent(r.roi, signed=True)} ({percent_between(r.roi_low, r.roi_high)})"
        for r in rows
    )
    return alt.LayerChart(
        layer=layers,
        height=_LINE_HEIGHT * len(frame) + _AXIS_HEIGHT,
        padding=_PADDING,
        description=f"Expected return on each proposal. {said}.",
    )


def response(curve: pd.DataFrame, points: pd.DataFrame) -> alt.LayerChart:
    """Return one kind's curve with its band, what was judged, and the line of break-even.

    Beyond what was judged the curve is dashed.
    """
    currency = curve["currency"].iloc[0]
    scale = 10 ** minor_digits(currency)
    told = curve.assign(
        spend=curve["spend_minor"] / scale,
        mean=curve["margin"] / scale,
        low=curve["margin_low"] / scale,
        high=curve["margin_high"] / scale,
    )
    judged = points.assign(
        spend=points["spend_minor"] / scale,
        mean=points["margin"] / scale,
        low=(points["margin"] - 1.96 * points["std_error"]) / scale,
        high=(points["margin"] + 1.96 * points["std_error"]) / scale,
    )
    x = alt.X("spend:Q", title=f"Spend, {currency}", axis=_axis(4, grid=False))
    y = alt.Y("mean:Q", title=f"Margin in 12 months, {currency}", axis=_axis(4))
    seen, beyond = told[~told["is_extrapolated"]], told[told["is_extrapolated"]]
    if len(seen):  # the two parts meet
        beyond = pd.concat([seen.tail(1), beyond])
    even = pd.DataFrame({"spend": [0.0, float(told["spend"].max())]})
    even["mean"] = even["spend"]
    layers = [
        alt.Chart(told)
        .mark_area(opacity=0.14, color=_CURVE, clip=True)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        alt.Chart(even)
        .mark_line(strokeDash=[2, 3], strokeWidth=1.5, color=_MUTED)
        .encode(x=x, y=y),
        alt.Chart(seen).mark_line(strokeWidth=2.5, color=_CURVE).encode(x=x, y=y),
        alt.Chart(beyond)
        .mark_line(strokeWidth=2.5, color=_CURVE, strokeDash=[6, 4])
        .encode(x=x, y=y),
        alt.Chart(judged)
        .mark_rule(color=_INK, strokeWidth=1.5)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        alt.Chart(judged)
        .mark_point(size=80, filled=True, opacity=1, color=_INK)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("investment_id:N", title="Judged"),
                alt.Tooltip("spend:Q", format=",.0f", title="Spend"),
                alt.Tooltip("mean:Q", format=",.0f", title="Margin, carried to 12 months"),
            ],
        ),
    ]
    middle = curve.iloc[len(curve) // 2]
    between = money_between(middle["margin_low"], middle["margin_high"], currency)
    return alt.LayerChart(
        layer=layers,
        height=220,
        padding=_PADDING,
        description=f"What a spend on {middle['kind']} brings in twelve months: "
        f"{money(middle['spend_minor'], currency)} bring {money(middle['margin'], currency)}, "
        f"95% interval {between}.",
    )


def _axis(count: int, *, grid: bool = True) -> alt.Axis:
    return alt.Axis(labelExpr=_PLAIN, tickCount=count, domain=False, ticks=False, grid=grid)


def _by_appetite(lines: alt.Chart) -> alt.Chart:
    """Return lines that are told apart by colour and by dash."""
    domain = list(APPETITES)
    told: alt.Chart = lines.encode(
        color=alt.Color(
            "appetite:N",
            title=None,
            scale=alt.Scale(domain=domain, range=list(APPETITES.values())),
            legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=300),
        ),
        strokeDash=alt.StrokeDash(
            "appetite:N", title=None, scale=alt.Scale(domain=domain, range=list(_DASHES.values()))
        ),
    )
    return told


def _simple_splits(scenarios: pd.DataFrame) -> alt.Chart:
    """Return marks of what the same budgets bring if they are split by a rule of thumb."""
    splits = ["equal split", "pro-rata"]
    simple = scenarios[["budget", *splits]].melt(id_vars="budget", value_name="net").dropna()
    marks: alt.Chart = (
        alt.Chart(simple)
        .mark_point(size=46, filled=False, strokeWidth=1.6, color=_MUTED)
        .encode(
            shape=alt.Shape(
                "variable:N",
                title=None,
                scale=alt.Scale(domain=splits, range=["cross", "triangle-down"]),
                legend=None,
            )
        )
    )
    return marks


def _scenario(total: AllocationTotalRow) -> dict[str, object]:
    scale = 10 ** minor_digits(total.currency)
    pro_rata = total.pro_rata_net
    return {
        "appetite": total.appetite,
        "budget_minor": total.budget_minor,
        "budget": total.budget_minor / scale,
        "net": total.net / scale,
        "low": total.net_low / scale,
        "high": total.net_high / scale,
        "equal split": total.equal_split_net / scale,
        "pro-rata": None if pro_rata is None else pro_rata / scale,
    }


def _forecast(row: InvestmentForecastRow) -> dict[str, object]:
    look = look_of(row.verdict)
    return {
        "id": row.proposal_id,
        "said": f"{row.name}: {label_of(row.verdict).lower()}",
        "look": look,
        "colour": VERDICTS[look].colour,
        "roi": row.roi if known(row.roi) else None,
        "low": row.roi_low,
        "high": row.roi_high,
    }


def _tooltip(currency: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("budget:Q", format=",.0f", title=f"Budget, {currency}"),
        alt.Tooltip("net:Q", format=",.0f", title="Expected margin less spend"),
        alt.Tooltip("low:Q", format=",.0f", title="95% interval from"),
        alt.Tooltip("high:Q", format=",.0f", title="to"),
    ]
