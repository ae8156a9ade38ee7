"""Where a panel is plain, the effect and its error are those of the textbook."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.incremental import estimate


@st.composite
def plain_panels(draw):
    """Everybody there throughout, one start, nothing below which it would be a proportion."""
    reached, others = draw(st.integers(5, 9)), draw(st.integers(5, 30))
    before, after = draw(st.integers(5, 14)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    outcome = random.normal(size=(reached + others, before + after))
    outcome *= random.lognormal(size=(reached + others, 1))
    unit, period = np.indices(outcome.shape)
    start = np.where(unit < reached, before, 0)
    columns = {"unit": unit, "period": period, "outcome": outcome, "start": start}
    return pd.DataFrame({name: each.ravel() for name, each in columns.items()})


@given(plain_panels())
def test_a_plain_panel_s_effect_and_interval_are_welch_s_of_how_units_changed(panel):
    told = estimate(panel)
    start = panel["start"].max()
    wide = panel.pivot_table(index="unit", columns="period", values="outcome")
    quiet = min(3, start // 4)
    change = wide.loc[:, start:].mean(axis=1) - wide.loc[:, : start - quiet - 1].mean(axis=1)
    is_reached = panel.groupby("unit")["start"].first() > 0
    groups = [change[is_reached], change[~is_reached]]
    parts = [group.var() / len(group) for group in groups]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True)
    )
    assert told.effect == pytest.approx(groups[0].mean() - groups[1].mean(), abs=1e-6)
    assert told.std_error == pytest.approx(
        np.sqrt(sum(parts) * len(change) / (len(change) - 1)), rel=1e-6
    )
    assert freedom - 1 - 1e-6 < told.freedom <= freedom + 1e-6
