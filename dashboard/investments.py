"""The investments page: what each investment returned, how sure that is, and what it rests on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import blocks, cards, charts, reading
from dashboard.evidence import Evidence
from dashboard.format import plural
from dashboard.outage import asked
from dashboard.verdicts import VERDICTS, Judgement

INCREMENTAL: Final = (
    "Incremental, not attributed: what would not have happened without the investment."
)
REGISTER: Final = blocks.Advice(
    "An investment is judged from its costs, whom it reached and when, and what everybody booked. "
    "They come with your CRM's export (investments.csv, investment_costs.csv, exposures.csv):",
    "headwater ingest crm PATH/TO/EXPORT",
)
JUDGE: Final = blocks.Advice(
    "They are judged every night while `headwater up` runs. To have it now:",
    "headwater compute",
)


@dataclass(frozen=True)
class Seen:
    """What one look at the warehouse showed.

    Attributes:
        judged: each judgement, with the mean bookings around it, and what it rests on.
        registered: how many investments the company has told us of.
    """

    judged: list[tuple[Judgement, pd.DataFrame, Evidence]]
    registered: int


@st.fragment(run_every=15)
def investments() -> None:
    """Show every investment's newest judgement; say so when the warehouse does not answer."""
    seen = asked(look)
    if seen is None:
        return
    if not seen.judged:
        show_nothing(seen.registered)
        return
    judgements = [judgement for judgement, *_ in seen.judged]
    st.html(blocks.heading("Where sales investments pay off", f"{tally(judgements)} {INCREMENTAL}"))
    st.altair_chart(charts.returns(judgements))
    for judgement, context, evidence in seen.judged:
        cards.show(judgement, context, evidence, reading.now(), reading.zone())


def look() -> Seen:
    """Read what the page shows; raises what `warehouse.reader.Reader.frame` raises."""
    judged = [
        (
            each,
            reading.context(each.investment_id),
            reading.evidence_of(each.investment_id, each.as_of),
        )
        for each in reading.judgements()
    ]
    return Seen(judged, reading.registered_investments())


def show_nothing(registered: int) -> None:
    """Say that nothing was judged, and which step is next."""
    if registered:
        waiting = f"{plural(registered, 'investment')} registered, none judged yet"
        st.html(blocks.empty(waiting, JUDGE))
    else:
        st.html(blocks.empty("No investment is registered yet", REGISTER, JUDGE))


def tally(judged: Sequence[Judgement]) -> str:
    """Return how many investments were judged, and how often each verdict was reached."""
    counts = Counter(judgement.verdict for judgement in judged)
    told = (
        f"{counts[verdict]} {look.label.lower()}"
        for verdict, look in VERDICTS.items()
        if counts[verdict]
    )
    return f"{plural(len(judged), 'investment')} judged: {', '.join(told)}."


investments()
