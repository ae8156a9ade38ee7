from datetime import UTC, datetime

import pandas as pd
from msgspec.structs import replace

from dashboard import charts
from dashboard.verdicts import VERDICTS, Judgement

JUDGEMENT = Judgement(
    investment_id="I-1",
    as_of=datetime(2026, 11, 23, tzinfo=UTC),
    outcome="bookings",
    unit_kind="rep",
    estimator="callaway_santanna",
    verdict="cannot_tell",
    reason="The interval spans zero.",
    effect=95_000.0,
    std_error=88_000.0,
    effect_low=-77_480.0,
    effect_high=267_480.0,
    pretrend_p_value=0.2,
    min_detectable_effect=246_400.0,
    treated_units=6,
    control_units=18,
    treated_unit_months=36,
    gross_margin_rate=0.7,
    cost_minor=3_150_000,
    currency="EUR",
    incremental_margin=1.0,
    incremental_margin_low=0.0,
    incremental_margin_high=2.0,
    roi=-0.24,
    roi_low=-1.6,
    roi_high=1.1,
    panel_hash="abc",
    code_version="0.1.0",
    name="Roadshow",
    kind="event",
    question="Did it help?",
    registered_on=None,
    attributed_bookings_minor=0,
    attributed_deals=0,
)


def rows(chart) -> list[dict]:
    return [row for data in chart.to_dict()["datasets"].values() for row in data]


def test_an_effect_is_drawn_with_its_interval_in_major_units():
    (row,) = [row for row in rows(charts.effect(JUDGEMENT)) if "effect" in row]
    assert (row["low"], row["effect"], row["high"]) == (-774.8, 950.0, 2674.8)
    assert row["unseen_high"] == 2464.0


def test_a_return_without_an_interval_has_no_dot():
    half_known = replace(JUDGEMENT, roi_high=None)
    (row,) = [row for row in rows(charts.returns([half_known])) if "roi" in row]
    assert row["roi"] is None
    assert row["missing"]


def test_every_chart_says_in_words_what_it_shows():
    components = pd.DataFrame(
        {"component": ["call"], "label": ["We spoke"], "points": [12.0], "weight": [26.0]}
    )
    bookings = pd.DataFrame(
        {
            "month_on": ["2026-01-01"],
            "is_treated": [1],
            "mean_bookings_minor": [1_000_00],
            "currency": ["EUR"],
            "reps": [3],
        }
    )
    described = {
        "A score of 12.0 of 100": charts.points_bar(components),
        "+€950, 95% interval \N{MINUS SIGN}€775 to €2,675": charts.effect(JUDGEMENT),
        "Roadshow: \N{MINUS SIGN}24% (\N{MINUS SIGN}160% to +110%)": charts.returns([JUDGEMENT]),
        "context, not the estimate": charts.context(bookings),
    }
    for words, chart in described.items():
        assert words in chart.to_dict()["description"]


def test_verdicts_differ_in_word_and_shape_not_in_colour_alone():
    looks = list(VERDICTS.values())
    for part in ("label", "glyph", "shape", "colour"):
        assert len({getattr(look, part) for look in looks}) == len(looks)
