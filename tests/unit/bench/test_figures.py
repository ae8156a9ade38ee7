"""Figures: one shape, held against their aims."""

import json
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import RESULTS, Figure, kept, measured

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_figure_is_held_against_its_aim():
    missed = measured("demo seconds", 301, "s", "make demo ONCE=1", at_most=300, now=NOW)
    assert missed == Figure(
        metric="demo seconds",
        value=301,
        unit="s",
        aim="<= 300",
        met=False,
        command="make demo ONCE=1",
        at="2026-11-23T00:00:00+00:00",
    )
    assert measured("rows", 10, "rows/s", "x", at_least=5, now=NOW).met
    assert measured("rows", 10, "rows/s", "x", now=NOW).met is None


def test_every_kept_figure_has_the_one_shape():
    for figure in kept():
        assert figure.metric
        assert figure.command
        assert datetime.fromisoformat(figure.at).tzinfo is not None
    for file in Path(RESULTS).glob("*.json"):
        assert isinstance(json.loads(file.read_text()), list)
