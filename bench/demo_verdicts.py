"""What the judge says of the demo's six investments, over many seeds of its company.

`python -m bench.demo_verdicts [SEEDS]` writes `bench/results/demo_verdicts.json`; docs/demo.md has
the table. The panels are the scenario's own: 24 whole months, no covariate.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

import simulator
from bench.figures import measured, record
from contracts.investments import LASTING
from models.incremental import Terms, judge
from simulator.company import History, live
from simulator.demo import MONTHS, REPS
from simulator.panel import unit_months
from simulator.programmes import NEVER
from simulator.scenario_file import read_scenario
from simulator.stock import StockEngine
from simulator.truth import investment_truth

COMMAND = "python -m bench.demo_verdicts"
SEEDS = 100


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    scenario = read_scenario(Path(simulator.__file__).parent / "demo.toml")
    counts: dict[str, Counter[str]] = {each.id: Counter() for each in scenario.investments}
    for seed in range(seeds):
        history = live(scenario, REPS, MONTHS, seed, StockEngine)
        for place, truth in enumerate(investment_truth(history)):
            counts[scenario.investments[place].id][_verdict(history, place, truth["cost"])] += 1
    figures = [
        measured(f"{name}: {verdict}", count / seeds, "share", COMMAND)
        for name, verdicts in counts.items()
        for verdict, count in verdicts.most_common()
    ]
    print(record("demo_verdicts", figures))


def _verdict(history: History, place: int, cost: float) -> str:
    programme = history.scenario.investments[place]
    terms = Terms(cost_minor=round(cost), gross_margin_rate=programme.gross_margin_rate)
    return judge(_panel(history, place), terms).verdict


def _panel(history: History, place: int) -> pd.DataFrame:
    """Return the panel of one investment; what is learned stays, so that only tools stop."""
    panel, person = unit_months(history), history.person.ravel()
    first = int(panel["period"].iloc[0])
    start, stop = history.start[place][person], history.stop[place][person]
    reached = (start < history.months) & (start < history.left[person])
    lasts = history.scenario.investments[place].kind in LASTING
    panel["start"] = np.where(reached, start + first, 0)
    panel["stop"] = np.where(reached & (stop < NEVER) & (not lasts), stop + first, 0)
    return panel[["unit", "period", "outcome", "start", "stop", "team", "region"]]


if __name__ == "__main__":
    main()
