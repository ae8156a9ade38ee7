"""The quick form of `make eval-roi`: every scenario once or twice, and only what is missing."""

import io
import re

import pytest
from rich.console import Console

from bench.eval_roi.kept import Rows
from bench.eval_roi.run import QUICK, run
from bench.eval_roi.scenarios import WORLDS
from bench.eval_roi.show import Results, calibration_figures, figures, print_all
from bench.eval_roi.trial import TRIAL

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    run(Rows(folder), QUICK, lambda said: None)
    return folder


def _results(folder) -> Results:
    return Results(Rows(folder).frame(TRIAL))


def test_every_scenario_is_printed_the_missed_ones_too(ran):
    out = io.StringIO()
    print_all(_results(ran), Console(file=out, width=200))
    for world in WORLDS:
        assert len(re.findall(rf"^ ?{re.escape(world.name)} ", out.getvalue(), re.MULTILINE)) == 3
    assert "demands missed" in out.getvalue()


def test_everybody_at_once_is_refused_and_every_verdict_has_its_reason(ran):
    trials = Rows(ran).frame(TRIAL)
    at_once = trials[trials["scenario"] == "all at once"]
    assert set(at_once["verdict"]) == {"not_identified"}
    assert (trials["reason"].str.len() > 20).all()


def test_every_scenario_has_its_figures(ran):
    kept = list(figures(_results(ran)))
    assert {each.metric.partition(":")[0] for each in kept} == {world.name for world in WORLDS}
    assert all(each.met is None for each in calibration_figures(_results(ran)))


def test_a_run_that_is_taken_up_again_runs_nothing_twice(ran):
    told: list[str] = []
    run(Rows(ran), QUICK, told.append)
    assert told[0].startswith(f"{len(WORLDS) * QUICK.seeds} trials kept, 0 to run")
