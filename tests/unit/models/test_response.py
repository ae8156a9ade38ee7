import numpy as np
import pandas as pd
import pytest

from contracts.errors import UserError
from models.response import POINT_COLUMNS, fit, told
from models.response_grid import Prior

M = 1_000_000.0


def points(*rows):
    return pd.DataFrame(rows, columns=list(POINT_COLUMNS))


def hill(spend, rate, half):
    return rate * half * spend / (spend + half)


@pytest.fixture(scope="module")
def rich():
    """Three kinds, each judged often and precisely, whose true curves are known."""
    truth = {"event": (0.0, 20 * M), "tool": (2.0, 40 * M), "training": (4.0, 10 * M)}
    rows = [
        (kind, spend, hill(spend, *curve), 0.03 * spend)
        for kind, curve in truth.items()
        for spend in (2 * M, 5 * M, 10 * M, 20 * M, 40 * M)
    ]
    return truth, fit(points(*rows), draws=400)


def test_the_interval_of_a_curve_holds_the_truth_where_much_was_judged(rich):
    truth, response = rich
    for kind, curve in truth.items():
        shown = told(response, kind, [5 * M, 20 * M])
        true = hill(shown["spend"], *curve)
        assert (shown["low"] <= true).all()
        assert (true <= shown["high"]).all()


def test_returns_diminish(rich):
    _, response = rich
    for kind in ("tool", "training"):
        shown = told(response, kind, [2 * M, 10 * M, 40 * M])
        assert shown["margin"].is_monotonic_increasing
        assert shown["marginal"].is_monotonic_decreasing


def test_beyond_what_was_judged_a_curve_is_flagged_and_its_interval_wider(rich):
    _, response = rich
    plain = fit_like(response, stretch=0.0)
    inside, beyond = told(response, "training", [40 * M, 160 * M]).to_dict("records")
    assert (inside["is_extrapolated"], beyond["is_extrapolated"]) == (False, True)
    unstretched = told(plain, "training", [40 * M, 160 * M]).to_dict("records")
    assert width(inside) == pytest.approx(width(unstretched[0]))
    assert width(beyond) > 1.5 * width(unstretched[1])


def test_a_kind_never_judged_learns_its_mean_from_the_others_and_is_wider_than_any(rich):
    truth, _ = rich
    rows = [(k, s, hill(s, *c), 0.1 * s) for k, c in truth.items() for s in (5 * M, 20 * M)]
    response = fit(points(*rows), ["spif"], draws=2_000)
    widths = {kind: width(told(response, kind, 10 * M).iloc[0]) for kind in response.kinds}
    assert max(widths, key=widths.get) == "spif"
    assert response.count.tolist() == [2, 0, 2, 2]
    assert told(response, "spif", 10 * M)["is_extrapolated"].item()


def test_a_noisy_judgement_is_pulled_towards_the_other_kinds():
    rows = [(f"kind {n}", 10 * M, 8 * M, 1 * M) for n in range(6)]
    alone = fit(points(("odd", 10 * M, 40 * M, 15 * M)))
    among = fit(points(*rows, ("odd", 10 * M, 40 * M, 15 * M)))
    pulled, believed = (told(r, "odd", 10 * M)["margin"].item() for r in (among, alone))
    assert 8 * M < pulled < 0.6 * believed
    precise = fit(points(*rows, ("odd", 10 * M, 40 * M, 0.5 * M)), draws=2_000)
    assert told(precise, "odd", 10 * M)["margin"].item() > 0.75 * 40 * M


def test_without_any_judgement_the_prior_is_told_and_it_is_wide():
    response = fit(points(), ["training"], draws=2_000)
    shown = told(response, "training", Prior().typical_spend).iloc[0]
    assert shown["low"] < 0 < shown["margin"]
    assert shown["high"] > 2 * shown["spend"]
    assert response.count.tolist() == [0]


def test_nothing_is_spent_for_nothing_and_the_same_seed_gives_the_same_draws():
    rows = points(("tool", 5 * M, 9 * M, 1 * M))
    first, again = fit(rows, seed=3), fit(rows, seed=3)
    assert not first.margin("tool", 0.0).any()
    assert np.array_equal(first.margin("tool", 7 * M), again.margin("tool", 7 * M))


def test_the_scale_of_money_changes_nothing():
    rows = [("tool", 5.0, 9.0, 1.0), ("event", 3.0, 1.0, 1.0)]
    small, large = (
        fit(points(*[(k, *(scale * v for v in values)) for k, *values in rows]))
        for scale in (M, 1_000 * M)
    )
    assert np.allclose(small.margin("tool", 7 * M) * 1_000, large.margin("tool", 7_000 * M))


@pytest.mark.parametrize(
    ("column", "value"), [("spend", 0), ("std_error", 0), ("margin", float("nan"))]
)
def test_a_point_without_its_numbers_is_refused_by_name(column, value):
    wrong = points(("tool", 1.0, 1.0, 1.0)).assign(**{column: value})
    with pytest.raises(UserError, match=column):
        fit(wrong)


def test_an_unknown_kind_and_a_missing_column_are_refused_by_name(rich):
    with pytest.raises(UserError, match=r"'retreat'.*training"):
        told(rich[1], "retreat", 1.0)
    with pytest.raises(UserError, match="std_error"):
        fit(points().drop(columns="std_error"))


def width(shown):
    return shown["high"] - shown["low"]


def fit_like(response, stretch):
    from dataclasses import replace

    return replace(response, stretch=stretch)
