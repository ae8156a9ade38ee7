"""Charts: each says in words what it shows, and none speaks by colour alone.

The colours are told apart by people who do not see red and green (Okabe and Ito's set, darkened
where text or thin lines need contrast).
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import altair as alt
import pandas as pd

from contracts.investment_rows import EventStudyRow
from contracts.money import minor_digits
from dashboard.format import known, number, percent, percent_between
from dashboard.verdicts import VERDICTS, Judgement

_COMPONENTS: Final = {
    "email_inbound": "#0072b2",
    "call": "#e69f00",
    "meeting": "#009e73",
    "breadth": "#cc79a7",
    "email_outbound": "#7a8694",
}
_DARK: Final = {"email_inbound", "email_outbound"}
"""The components whose colour takes white text."""
_INK: Final = "#1c2530"
_MUTED: Final = "#5a6573"
_TREATED: Final = "#0072b2"
_UNTREATED: Final = "#d55e00"


_BAND: Final = "#e4e9ee"
_LINE_HEIGHT: Final = 56
_AXIS_HEIGHT: Final = 48
"""Pixels; a chart's height holds its axes."""
_PADDING: Final = {"left": 0, "right": 4, "top": 2, "bottom": 2}
_ZERO: Final = pd.DataFrame({"zero": [0]})
_RETURN_TOOLTIP: Final = [
    alt.Tooltip("said:N", title="Investment"),
    alt.Tooltip("roi:Q", format="+,.0%", title="ROI"),
    alt.Tooltip("low:Q", format="+,.0%", title="95% interval from"),
    alt.Tooltip("high:Q", format="+,.0%", title="to"),
]
_Channel = TypeVar("_Channel", alt.Color, alt.Shape)


def component_colour(component: str) -> str:
    """Return the colour that a component of the score has on every page."""
    return _COMPONENTS.get(component, _INK)


def points_bar(components: pd.DataFrame) -> alt.LayerChart:
    """Return one bar from 0 to 100: the points of each component, end to end, are the score."""
    shown = components[components["points"] > 0].copy()
    shown["end"] = shown["points"].cumsum()
    shown["start"] = shown["end"] - shown["points"]
    shown["middle"] = (shown["start"] + shown["end"]) / 2
    shown["ink"] = ["white" if c in _DARK else _INK for c in shown["component"]]
    shown["text"] = [number(p, 1) if p > 5 else "" for p in shown["points"]]  # noqa: PLR2004 room
    said = ", ".join(
        f"{label.lower()} {number(points, 1)}"
        for label, points in zip(shown["label"], shown["points"], strict=True)
    )
    axis = alt.Axis(values=[0, 25, 50, 75, 100], grid=True, domain=False, ticks=False)
    base = alt.Chart(shown)
    bar = base.mark_bar(height=34).encode(
        x=alt.X("start:Q", scale=alt.Scale(domain=[0, 100]), axis=axis, title=None),
        x2="end:Q",
        color=alt.Color(
            "component:N",
            scale=alt.Scale(domain=list(_COMPONENTS), range=list(_COMPONENTS.values())),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Reason"),
            alt.Tooltip("points:Q", format=".2f", title="Points"),
            alt.Tooltip("weight:Q", format=".0f", title="of at most"),
        ],
    )
    text = base.mark_text(fontSize=12, fontWeight="bold").encode(
        x=alt.X("middle:Q", scale=alt.Scale(domain=[0, 100])),
        text="text:N",
        color=alt.Color("ink:N", scale=None),
    )
    score = number(shown["points"].sum(), 1)
    return _drawn([bar, text], 60, f"A score of {score} of 100, made of: {said}.")


def effect(judgement: Judgement) -> alt.LayerChart:
    """Return the effect as a dot with its 95 % interval against zero, in major units.

    The grey band holds the effects that are too small for this panel to detect.
    """
    verdict, row = VERDICTS[judgement.verdict], pd.DataFrame([_in_majors(judgement)])
    what = judgement.currency if judgement.is_money else judgement.of_what
    unit = f"{what} per {judgement.unit_kind} and month"
    base = alt.Chart(row)
    band = base.mark_rect(color=_BAND).encode(
        x=_x("unseen_low", unit), x2="unseen_high:Q", y=alt.value(0), y2=alt.value("height")
    )
    ends = base.transform_fold(["low", "high"], as_=["end", "at"])
    layers = [
        band,
        alt.Chart(_ZERO).mark_rule(color=_INK).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=3, color=verdict.colour).encode(x=_x("low", unit), x2="high:Q"),
        ends.mark_tick(thickness=3, size=18, opacity=1, color=verdict.colour).encode(x="at:Q"),
        base.mark_point(
            shape=verdict.shape, size=220, filled=True, opacity=1, color=verdict.colour
        ).encode(x="effect:Q"),
    ]
    return _drawn(layers, 88, _effect_said(judgement))


def returns(judgements: Sequence[Judgement]) -> alt.LayerChart:
    """Return the ROI of every investment with its 95 % interval, one line each, against zero."""
    rows = pd.DataFrame([_return(judgement) for judgement in judgements])
    base = alt.Chart(rows).encode(
        y=alt.Y("name:N", sort=list(rows["name"]), title=None, axis=None),
        color=_by_verdict(alt.Color, "colour"),
    )
    named = base.encode(x=alt.value(0), text="said:N")
    beneath: dict[str, Any] = {"align": "left", "baseline": "bottom", "dy": -11, "fontSize": 13}
    layers = [
        alt.Chart(_ZERO).mark_rule(color=_INK).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=3).encode(x=_x("low", "ROI", "+,.0%"), x2="high:Q"),
        base.mark_point(size=170, filled=True, opacity=1).encode(
            x="roi:Q", shape=_by_verdict(alt.Shape, "shape"), tooltip=_RETURN_TOOLTIP
        ),
        base.mark_text(align="left", dx=8, fontStyle="italic").encode(
            x=alt.datum(0), text="missing:N", color=alt.value(_MUTED)
        ),
        named.mark_text(**beneath, stroke="white", strokeWidth=4).encode(color=alt.value("white")),
        named.mark_text(**beneath).encode(color=alt.value(_INK)),
    ]
    said = "; ".join(
        f"{j.name}: {percent(j.roi, signed=True)} ({percent_between(j.roi_low, j.roi_high)})"
        for j in judgements
    )
    height = _LINE_HEIGHT * len(rows) + _AXIS_HEIGHT
    return _drawn(layers, height, f"Return on each investment. {said}.")


def event_study(judgement: Judgement, steps: Sequence[EventStudyRow]) -> alt.LayerChart:
    """Return the gap between reached and compared by months from the start, each with its interval.

    The start is a dashed line; before it, the gap should lie around nothing.
    """
    scale = _scale(judgement)
    rows = pd.DataFrame(
        [
            {
                "since": step.months_since_start,
                "gap": step.effect / scale,
                "low": step.effect_low / scale,
                "high": step.effect_high / scale,
                "when": "before" if step.months_since_start < 0 else "under it",
            }
            for step in steps
        ]
    )
    title = judgement.currency if judgement.is_money else judgement.of_what
    colour = alt.Color(
        "when:N",
        title=None,
        scale=alt.Scale(domain=["before", "under it"], range=[_UNTREATED, _TREATED]),
        legend=alt.Legend(orient="top"),
    )
    x = alt.X("since:Q", title=None, axis=alt.Axis(format="d", tickMinStep=1, grid=False))
    y = alt.Y("low:Q", title=title, axis=alt.Axis(labelExpr=_zero_plain("~s"), tickCount=4))
    base = alt.Chart(rows).encode(x=x, color=colour)
    edge = alt.Chart(pd.DataFrame({"since": [-0.5]}))
    layers = [
        alt.Chart(_ZERO).mark_rule(color=_INK).encode(y="zero:Q"),
        edge.mark_rule(color=_MUTED, strokeDash=[4, 3]).encode(x="since:Q"),
        base.mark_rule(strokeWidth=2).encode(y=y, y2="high:Q"),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            y="gap:Q",
            shape=alt.Shape("when:N", legend=None),
            tooltip=[
                alt.Tooltip("since:Q", title="Months from the start"),
                alt.Tooltip("gap:Q", format=",.0f", title="Gap"),
                alt.Tooltip("low:Q", format=",.0f", title="95% interval from"),
                alt.Tooltip("high:Q", format=",.0f", title="to"),
            ],
        ),
    ]
    said = "The gap between reached and compared, by month from the start, with its interval."
    return _drawn(layers, 200, said)


def context(frame: pd.DataFrame) -> alt.Chart:
    """Return mean bookings by month of those reached so far, and of those not yet reached."""
    currency = frame["currency"].iloc[0]
    shown = frame.assign(
        month=pd.to_datetime(frame["month_on"]),
        bookings=frame["mean_bookings_minor"] / 10 ** minor_digits(currency),
        who=["reached so far" if treated else "not yet reached" for treated in frame["is_treated"]],
    )
    domain, colours = ["reached so far", "not yet reached"], [_TREATED, _UNTREATED]
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_line(point=alt.OverlayMarkDef(size=36, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("month:T", title=None, axis=alt.Axis(format="%b %y", tickCount=6, grid=False)),
            y=alt.Y(
                "bookings:Q",
                title=f"{currency} per rep",
                axis=alt.Axis(labelExpr=_zero_plain("~s"), tickCount=4),
                scale=alt.Scale(zero=True),
            ),
            color=alt.Color(
                "who:N",
                title=None,
                scale=alt.Scale(domain=domain, range=colours),
                legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=300),
            ),
            strokeDash=alt.StrokeDash(
                "who:N", title=None, scale=alt.Scale(domain=domain, range=[[1, 0], [5, 3]])
            ),
            tooltip=[
                alt.Tooltip("month:T", format="%B %Y", title="Month"),
                alt.Tooltip("who:N", title="Reps"),
                alt.Tooltip("reps:Q", title="How many"),
                alt.Tooltip("bookings:Q", format=",.0f", title=f"Mean bookings, {currency}"),
            ],
        )
        .properties(
            height=190,
            padding=_PADDING,
            description="Mean bookings by month of the reps reached so far and of those not yet "
            "reached: context, not the estimate.",
        )
    )
    return chart


def _drawn(layers: list[alt.Chart], height: int, description: str) -> alt.LayerChart:
    return alt.LayerChart(layer=layers, height=height, padding=_PADDING, description=description)


def _x(field: str, title: str, form: str = "~s") -> alt.X:
    """Return a quantitative axis whose zero reads 0, without a sign or a unit."""
    axis = alt.Axis(labelExpr=_zero_plain(form), tickCount=6, domain=False, ticks=False)
    return alt.X(f"{field}:Q", title=title, axis=axis, scale=alt.Scale(zero=True, padding=14))


def _zero_plain(form: str) -> str:
    return f"datum.value == 0 ? '0' : format(datum.value, '{form}')"


def _by_verdict(channel: type[_Channel], look: str) -> _Channel:
    """Return an encoding by verdict that looks the same wherever a verdict is told."""
    looks = [getattr(verdict, look) for verdict in VERDICTS.values()]
    return channel("verdict:N", scale=alt.Scale(domain=list(VERDICTS), range=looks), legend=None)


def _return(judgement: Judgement) -> dict[str, object]:
    """Return one line of the chart of returns: no dot where there is no interval."""
    is_known = all(map(known, (judgement.roi, judgement.roi_low, judgement.roi_high)))
    return {
        "name": judgement.investment_id,
        "said": f"{judgement.name}: {VERDICTS[judgement.verdict].label.lower()}",
        "verdict": judgement.verdict,
        "roi": judgement.roi if is_known else None,
        "low": judgement.roi_low,
        "high": judgement.roi_high,
        "missing": "" if is_known else "no interval, so no dot",
    }


def _in_majors(judgement: Judgement) -> dict[str, float | None]:
    scale = _scale(judgement)
    unseen = judgement.min_detectable_effect
    minors = {
        "effect": judgement.effect,
        "low": judgement.effect_low,
        "high": judgement.effect_high,
        "unseen_low": None if unseen is None else -unseen,
        "unseen_high": unseen,
    }
    return {name: None if minor is None else minor / scale for name, minor in minors.items()}


def _effect_said(judgement: Judgement) -> str:
    between = judgement.between(judgement.effect_low, judgement.effect_high)
    return (
        f"Effect per {judgement.unit_kind} and month: "
        f"{judgement.told(judgement.effect, signed=True)}, 95% interval {between}."
    )


def _scale(judgement: Judgement) -> int:
    """Return how many units of the outcome are one on an axis: 100 cents are a dollar."""
    return 10 ** minor_digits(judgement.currency) if judgement.is_money else 1
