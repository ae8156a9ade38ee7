"""The sizing table: computed from the kept figures, and printed in the deployment's document."""

import re
from pathlib import Path

import pytest

from bench.sizing import ACTIVITIES_A_DAY, SELLERS, Costs, costs, main, need

COSTS = Costs(seconds_a_mail=0.01, bytes_a_row=100, rows_a_second=50_000)


def test_a_need_grows_with_the_sellers_and_with_the_costs():
    small, large = need(10, COSTS), need(1_000, COSTS)
    assert small.peak_events == pytest.approx(10 * ACTIVITIES_A_DAY * 0.2 / 3600)
    assert small.backfill_hours == pytest.approx(365_000 * 0.01 / 3600)
    assert small.year_gigabytes == pytest.approx(365_000 * 2_300 / 1e9)
    assert large.restore_hours == pytest.approx(100 * small.restore_hours)
    slow = Costs(seconds_a_mail=0.02, bytes_a_row=100, rows_a_second=50_000)
    assert need(10, slow).worker_share == pytest.approx(2 * small.worker_share)


def test_the_costs_are_figures_that_are_kept():
    measured = costs()
    assert min(measured.seconds_a_mail, measured.bytes_a_row, measured.rows_a_second) > 0


def test_the_document_has_the_table_s_shape(capsys):
    main()
    head, _, *rows = capsys.readouterr().out.splitlines()
    text = (Path(__file__).parents[3] / "docs/deployment.md").read_text()
    assert head in text
    for sellers, row in zip(SELLERS, rows, strict=True):
        assert row.startswith(f"| {sellers:,} |")
        assert re.search(rf"^\| {sellers:,} \|", text, re.MULTILINE)
