"""Bounds on later drift by the worst that was seen before."""

import warnings

import numpy as np
import pandas as pd
import pytest
from diff_diff import CallawaySantAnna, HonestDiD

from models.comparison import compared
from models.design import Handling, Requirements, checked, survey
from models.diagnostics.magnitudes import Bounds, bounds_of, relative_magnitudes
from models.grid import laid_out


def steady(*, effect=0.0, swing=0.0, seed=1, periods=30, start=19, noise=1.0):
    """Forty units of which twenty are reached at once; `swing` moves those up and down before."""
    random = np.random.default_rng(seed)
    period = np.arange(1, periods + 1)
    outcome = random.normal(50, 5, (40, 1)) + random.normal(0, noise, (40, periods))
    outcome[:20] += effect * (period >= start) + swing * ((period >= 6) & (period <= 10))
    return pd.DataFrame(
        {
            "unit": np.repeat([f"u{n:02}" for n in range(40)], periods),
            "period": np.tile(period, 40),
            "outcome": outcome.ravel(),
            "start": np.repeat([start] * 20 + [0] * 20, periods),
        }
    )


def comparison(panel):
    frame = checked(panel, ())
    return compared(laid_out(frame, (), Handling()), survey(frame), Requirements())


def test_the_interval_is_that_of_the_library_for_the_same_gaps():
    panel = steady(effect=8.0, periods=10, start=6, noise=3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = CallawaySantAnna(base_period="universal").fit(
            panel,
            outcome="outcome",
            unit="unit",
            time="period",
            first_treat="start",
            aggregate="event_study",
        )
        told = {m: HonestDiD(method="relative_magnitude").fit(study, M=m) for m in (0.0, 0.5, 1.5)}
    gaps = {since: each["effect"] for since, each in study.event_study_effects.items()}
    path = [gaps[since] for since in sorted(gaps) if since < -1] + [0.0]
    after = [gaps[since] for since in sorted(gaps) if since >= 0]
    ours = Bounds(
        effect=float(np.mean(after)),
        std_error=told[0.0].original_se,
        worst=float(np.abs(np.diff(path)).max()),
        distance=float(np.mean(np.arange(1, len(after) + 1))),
        months=1,
        quantile=1.959964,
    )
    for magnitude, library in told.items():
        expected = (library.ci_lb, library.ci_ub)
        assert ours.interval(magnitude) == pytest.approx(expected, rel=1e-4)
    breakdown = ours.breakdown
    assert ours.interval(breakdown)[0] == pytest.approx(0, abs=1e-9)


def test_the_gaps_are_those_that_were_planted():
    bounds = bounds_of(comparison(steady(effect=10.0, swing=4.0)))
    assert bounds.effect == pytest.approx(10, abs=1)
    assert bounds.worst == pytest.approx(4, abs=1)
    assert bounds.months == 5
    # from the middle of months -8 to -4 to the middle of the twelve after, in steps of five
    assert bounds.distance == pytest.approx((5.5 + 6) / 5)


def test_the_worse_it_was_before_the_less_drift_the_sign_survives():
    calm, wild = (
        relative_magnitudes(comparison(steady(effect=10.0, swing=swing))) for swing in (0.5, 6.0)
    )
    assert calm.statistic > 2 > wild.statistic > 0
    assert "times the worst that was seen before" in wild.words
    nothing = relative_magnitudes(comparison(steady()))
    assert nothing.statistic == 0
    assert "can't be told from nothing" in nothing.words


def test_a_short_past_is_said_to_be_one():
    found = relative_magnitudes(comparison(steady(effect=10.0, periods=12, start=6)))
    assert found.verdict == "not_possible"
    assert "it takes 6 months" in found.words
