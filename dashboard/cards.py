"""One investment's judgement on one card; a figure never stands without its interval."""

from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard import blocks, charts
from dashboard import evidence as evidences
from dashboard.evidence import Evidence, share
from dashboard.format import (
    age,
    known,
    many,
    moment,
    money,
    money_between,
    number,
    p_value,
    percent,
    percent_between,
    plural,
)
from dashboard.verdicts import VERDICTS, Judgement

_SUSPECT_BELOW: Final = 0.05
_HASH_SHOWN: Final = 12
_DOT: Final = " \N{MIDDLE DOT} "
_ASKED: Final = {
    "beforehand": "asked beforehand",
    "afterwards": "asked afterwards",
    "unknown": "nobody told when it was asked",
}
_CONTEXT: Final = (
    "Context, not the estimate. Who has been reached changes from month to month, and those "
    "reached early may always have booked more."
)


def show(
    judgement: Judgement,
    context: pd.DataFrame,
    evidence: Evidence,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """Show the question, the verdict, the figures with their intervals, and what they rest on."""
    with st.container(border=True):
        st.html(_head(judgement))
        pictures, figures = st.columns(2, gap="medium")
        with pictures:
            _show_effect(judgement)
            if judgement.unit_kind == "rep":
                _show_context(context)
        figures.html(blocks.facts(_facts(judgement)))
        figures.html(_attributed(judgement))
        evidences.show(judgement, evidence)
        st.html(_proof(judgement, now, zone))


def _show_effect(judgement: Judgement) -> None:
    st.html(blocks.caption(f"Effect per {judgement.unit_kind} and month, with its 95% interval"))
    if not all(map(known, (judgement.effect, judgement.effect_low, judgement.effect_high))):
        st.html(blocks.note("No interval, so nothing is drawn: the reason is given above."))
        return
    st.altair_chart(charts.effect(judgement))
    if known(judgement.min_detectable_effect):
        st.html(blocks.note("Grey: effects too small for this panel to be relied on to see."))


def _show_context(context: pd.DataFrame) -> None:
    if not context.empty:
        st.html(blocks.caption("Mean bookings per rep, by whole month", _CONTEXT))
        st.altair_chart(charts.context(context))


def _head(judgement: Judgement) -> str:
    verdict = VERDICTS[judgement.verdict]
    question = f'<p class="question">{escape(judgement.question)}</p>' * bool(judgement.question)
    asked = f'<span class="asked">{_ASKED[judgement.asked]}</span>' if judgement.question else ""
    care = "".join(f"<li>{escape(words)}</li>" for words in _warnings(judgement))
    return (
        f'<div class="hw hw-card"><span class="kind">{escape(judgement.kind)}</span>'
        f"<h3>{escape(judgement.name)}</h3>"
        f'<span class="hw-verdict {judgement.verdict}">{verdict.glyph} {verdict.label}</span>'
        f'{asked}{question}<p class="reason">{escape(judgement.reason)}</p>'
        + (f'<ul class="care" aria-label="Read with care">{care}</ul>' * bool(care))
        + "</div>"
    )


def _warnings(judgement: Judgement) -> Iterator[str]:
    """Yield what the reason does not say already, and how the panel was made."""
    yield from (words for words in judgement.warnings if words not in judgement.reason)
    yield from judgement.notes


def _attributed(judgement: Judgement) -> str:
    """Return what attribution would credit, visibly apart from the return: never added to it."""
    amount = money(judgement.attributed_bookings_minor, judgement.currency)
    deals = plural(judgement.attributed_deals, "deal")
    return (
        '<div class="hw hw-apart"><b>Attributed, for comparison</b> '
        f"<span>{amount} of bookings from {deals} (last touch)</span><small>Most of it would have "
        "come anyway: it is no return, and is never added to one.</small></div>"
    )


def _facts(judgement: Judgement) -> Iterator[tuple[str, str, str]]:
    j, currency, unit = judgement, judgement.currency, judgement.unit_kind
    yield (
        f"Effect on {j.of_what} per {unit} and month",
        j.told(j.effect, signed=True) if known(j.effect) else "no estimate",
        _within(j.between(j.effect_low, j.effect_high)),
    )
    yield (
        "Incremental margin",
        money(j.incremental_margin, currency) if known(j.incremental_margin) else "no estimate",
        _within(money_between(j.incremental_margin_low, j.incremental_margin_high, currency)),
    )
    margin_rate = f"margin is {percent(j.gross_margin_rate)} of {j.of_what} gained"
    yield "Cost", money(j.cost_minor, currency), f"spent on it so far; {margin_rate}"
    yield (
        "ROI",
        percent(j.roi, signed=True) if known(j.roi) else "no estimate",
        _within(percent_between(j.roi_low, j.roi_high)),
    )
    if known(j.roi_positive_probability):
        yield (
            "Probability of a gain",
            share(j.roi_positive_probability),
            "that the return is above the cost, as far as this panel tells",
        )
    yield "Alike before it began?", p_value(j.pretrend_p_value), _pretrend(j)
    yield (
        "Smallest visible effect",
        j.told(j.min_detectable_effect),
        f"per {unit} and month: found in 80% of cases at the 5% level",
    )
    yield (
        "Panel",
        f"{plural(j.treated_units, unit)} reached, {number(j.control_units)} to compare with",
        f"{plural(j.treated_unit_months, f'{unit}-month')} under it",
    )


def _within(between: str) -> str:
    return f"95% interval: {between}" if between else "no interval"


def _pretrend(judgement: Judgement) -> str:
    if judgement.pretrend_p_value is None:
        return "It could not be tested on this panel."
    who = f"{many(judgement.unit_kind)} reached and not reached"
    if judgement.pretrend_p_value < _SUSPECT_BELOW:
        return f"No: {who} were drifting apart already; the effect may be that drift."
    return f"No sign that {who} were on different paths before. A small panel can miss it."


def _proof(judgement: Judgement, now: datetime, zone: ZoneInfo) -> str:
    ago = age((now - judgement.as_of).total_seconds())
    title = f' title="{escape(judgement.panel_hash)}"'
    pieces = (
        f"Judged {ago} ago ({moment(judgement.as_of, zone)} {escape(zone.key)})",
        f"outcome {escape(judgement.outcome)}",
        f"estimator {escape(judgement.estimator)}",
        f"panel <code{title}>{escape(judgement.panel_hash[:_HASH_SHOWN])}</code>",
        f"code {escape(judgement.code_version)}",
    )
    return f'<p class="hw hw-proof">{_DOT.join(pieces)}</p>'
