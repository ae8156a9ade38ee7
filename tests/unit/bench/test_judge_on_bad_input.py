"""Bad input to the judge: a verdict with its reason or an error that says what to do, no crash."""

import numpy as np
import pandas as pd
import pytest

from bench.eval_roi.lived import lived
from bench.eval_roi.scenarios import world_of
from contracts.errors import UserError
from models.incremental import Terms, judge

TERMS = Terms(cost_minor=5_000_000, gross_margin_rate=0.75)


@pytest.fixture(scope="module")
def panel():
    """Forty reps over 36 months, numbered from 0; half of them reached in three cohorts."""
    made = lived(world_of("small"), 7).panel
    first = int(made["period"].min())
    start = np.where(made["start"] > 0, made["start"] - first, 0)
    return made.assign(unit=made["unit"].astype(str), period=made["period"] - first, start=start)


def _stayed(panel):
    """Return those who were there throughout."""
    return panel[panel.groupby("unit")["period"].transform("size") == 36]


def _some(panel, reached, others):
    starts = panel.groupby("unit")["start"].first()
    kept = [*starts[starts > 0].index[:reached], *starts[starts == 0].index[:others]]
    return panel[panel["unit"].isin(kept)]


def _moved(panel):
    """Return the panel with every unit in another team in its later half."""
    later = panel["period"] >= 18
    return panel.assign(team=np.where(later, panel["team"].max() - panel["team"], panel["team"]))


REFUSED = {
    "everybody at once": lambda p: _stayed(p).assign(start=18),
    "everybody at once, newcomers aside": lambda p: p.assign(
        start=np.where(p.groupby("unit")["period"].transform("min") < 18, 18, 0)
    ),
    "nobody": lambda p: p.assign(start=0),
    "nobody yet": lambda p: p.assign(start=np.where(p["start"] > 0, 99, 0)),
    "reached before the first month": lambda p: p.assign(start=np.where(p["start"] > 0, 1, 0)),
    "two units": lambda p: _some(p, 1, 1),
    "three to compare with": lambda p: _some(p, 99, 3),
    "no months before": lambda p: p[(p["start"] == 0) | (p["period"] >= p["start"])],
    "nothing varies": lambda p: p.assign(outcome=5),
}
JUDGED = {
    "one reached": lambda p: _some(p, 1, 99),
    "negative margins": lambda p: p.assign(outcome=-p["outcome"]),
    "some negative months": lambda p: p.assign(outcome=p["outcome"] - 3_000_000),
    "units that change team": _moved,
    "no team on record": lambda p: p.assign(team=np.nan),
    "one team": lambda p: p.assign(team=0),
    "months without a row": lambda p: p[np.random.default_rng(1).random(len(p)) > 0.2],
    "rows in any order": lambda p: p.sample(frac=1, random_state=1),
    "periods as text": lambda p: p.assign(period=p["period"].astype(str)),
}
MALFORMED = {
    "no rows": (lambda p: p.iloc[:0], "empty"),
    "no start": (lambda p: p.drop(columns="start"), "no column start"),
    "a missing outcome": (lambda p: p.assign(outcome=p["outcome"].where(p.index != 5)), "outcome"),
    "an endless outcome": (
        lambda p: p.assign(outcome=p["outcome"].astype(float).where(p.index != 5, np.inf)),
        "outcome",
    ),
    "an outcome in words": (lambda p: p.assign(outcome="lots"), "'lots'"),
    "half a period": (lambda p: p.assign(period=p["period"] + 0.5), "whole number"),
    "two rows for a month": (lambda p: pd.concat([p, p.iloc[:1]]), "two rows"),
    "a stop before its start": (
        lambda p: p.assign(stop=np.where(p["start"] > 0, p["start"] - 2, 0)),
        "start",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_is_refused_with_its_reason(panel, case):
    judgement = judge(REFUSED[case](panel), TERMS)
    assert judgement.verdict == "not_identified"
    assert len(judgement.reason) > 40
    assert judgement.effect is None
    assert judgement.roi is None


@pytest.mark.parametrize("case", JUDGED)
def test_what_is_odd_but_sound_has_a_verdict_and_its_reason(panel, case):
    judgement = judge(JUDGED[case](panel), TERMS)
    assert judgement.verdict in {"pays_off", "does_not_pay_off", "cannot_tell", "not_identified"}
    assert len(judgement.reason) > 40


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_an_error_that_names_it(panel, case):
    make, named = MALFORMED[case]
    with pytest.raises(UserError, match=named):
        judge(make(panel), TERMS)


def test_without_a_cost_the_effect_is_told_and_no_return(panel):
    judgement = judge(panel, Terms(cost_minor=None, gross_margin_rate=0.75))
    assert judgement.verdict in {"cannot_tell", "not_identified"}
    assert judgement.roi is None
    assert "cost" in judgement.reason or judgement.verdict == "not_identified"


@pytest.mark.parametrize(
    "terms",
    [
        {"cost_minor": -1, "gross_margin_rate": 0.7},
        {"cost_minor": 1, "gross_margin_rate": 0},
        {"cost_minor": 1, "gross_margin_rate": 1.2},
        {"cost_minor": 1, "gross_margin_rate": float("nan")},
    ],
)
def test_impossible_terms_are_refused(terms):
    with pytest.raises(UserError):
        Terms(**terms)


def test_sales_that_lose_money_never_pay_off(panel):
    judgement = judge(panel, Terms(cost_minor=5_000_000, gross_margin_rate=-0.2))
    assert judgement.verdict != "pays_off"
    assert judgement.roi is None or judgement.roi < 0 or judgement.effect < 0
