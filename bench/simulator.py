"""The simulator: how fast, how real, and whether its truth is one.

`python -m bench.simulator` writes `bench/results/simulator.json`. The public corpora of
`HEADWATER_DATA`, where they are, give the figures that realism is held against.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import monotonic, process_time

import numpy as np
import pandas as pd

from bench.figures import Figure, measured, record
from bench.realism import enron, maven, simulated, spamassassin
from models.incremental import Terms, judge
from simulator.company import History, live
from simulator.panel import judged_panel
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_of
from simulator.stock import StockEngine
from simulator.truth import investment_truth

COMMAND = "python -m bench.simulator"
REPS, MONTHS = 200, 36
COMPANIES = 60
JUDGED_SEEDS = 20

FOOLING = {
    "nothing confounds": {},
    "skill chooses": {"on_skill": 2.0},
    "recent results choose": {"on_recent": 3.0},
    "a null, while the skilled pull away": {"effect": 0.0, "on_skill": 2.0},
}
TRENDS = {"market": {"trend_by_skill": 0.015, "growth_log": 0.01}}


def main() -> None:
    figures = [*panel_speed()]
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        figures += form_speed("activities", REPS, MONTHS // 12, Path(folder) / "activities")
        figures += form_speed("messages", 20, 1, Path(folder) / "messages")
        figures += win_scores(Path(folder) / "activities")
        figures += realism(Path(folder) / "activities")
    for name, knobs in FOOLING.items():
        figures += naive_against_truth(name, knobs)
    print(record("simulator", figures))


def panel_speed() -> Iterator[Figure]:
    """How many companies of 200 reps and 36 months a second, on one core and on two."""
    knobs = {"investments": [{"kind": "training", "effect": 1.0}]}
    for name, scenario, aim in (
        ("one investment, three worlds", scenario_of(knobs), 50),
        ("no investment", Scenario(), None),
    ):
        _one(scenario, 0)
        started = process_time()
        for seed in range(COMPANIES):
            _one(scenario, seed)
        rate = COMPANIES / (process_time() - started)
        yield measured(f"panel, {name}", rate, "companies/CPU s", COMMAND)
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(_one, [scenario] * 2, range(2)))
            started = monotonic()
            list(pool.map(_one, [scenario] * COMPANIES, range(COMPANIES), chunksize=10))
            rate = COMPANIES / (monotonic() - started)
        yield measured(f"panel, {name}, two cores", rate, "companies/s", COMMAND, at_least=aim)


def _one(scenario: Scenario, seed: int) -> float:
    return float(live(scenario, REPS, MONTHS, seed, StockEngine).amount.sum())


def form_speed(form: str, reps: int, years: int, out: Path) -> Iterator[Figure]:
    """What `headwater simulate` says of itself."""
    options = ["--form", form, "--reps", str(reps), "--years", str(years), "--seed", "1"]
    command = " ".join(["headwater simulate", *options])
    argv = [str(Path(sys.executable).parent / "headwater"), "simulate", *options, "--out", str(out)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    name = f"{form}, {reps} reps, {years} years"
    yield measured(f"{name}: rows", told["rows"], "rows", command)
    yield measured(f"{name}: seconds", told["seconds"], "s", command, at_most=300)
    yield measured(f"{name}: rows a second", told["rows"] / told["seconds"], "rows/s", command)
    yield measured(f"{name}: memory", told["peak_mb"], "MB", command, at_most=1000)


def win_scores(folder: Path) -> Iterator[Figure]:
    """Who tells best which deals are won within the month, in log loss: the truth must.

    The opponent sees the talk of the month before and the deal's age, and is fitted on the very
    rows that it is scored on.
    """
    months = pd.read_parquet(folder / "sealed" / "deal_months.parquet")
    deals = pd.read_parquet(folder / "sealed" / "deals.parquet").set_index("opportunity_id")
    of = deals.loc[months["opportunity_id"]]
    month = pd.to_datetime(months["month_on"]).to_numpy().astype("datetime64[M]")
    ended = of["ended_at"].to_numpy().astype("datetime64[M]")
    won = ((of["outcome"] == "won").to_numpy() & (ended == month)).astype(float)
    truth = months["win_this_month_probability"].to_numpy()
    entropy = float(-(truth * np.log(truth) + (1 - truth) * np.log(1 - truth)).mean())
    seen = _fitted(won, _talk_before(folder, months, month), of, month)
    base = np.full(won.size, won.mean())
    yield measured("win this month: log loss that the generator expects", entropy, "nat", COMMAND)
    yield measured(
        "win this month: oracle's log loss", log_loss(won, truth), "nat", COMMAND,
        at_most=round(entropy * 1.02, 4),
    )  # fmt: skip
    yield measured("win this month: log loss of talk and age", log_loss(won, seen), "nat", COMMAND)
    yield measured("win this month: log loss of the base rate", log_loss(won, base), "nat", COMMAND)


def log_loss(happened: np.ndarray, chance: np.ndarray) -> float:
    """Return the mean negative log likelihood."""
    return float(-(happened * np.log(chance) + (1 - happened) * np.log(1 - chance)).mean())


def _talk_before(folder: Path, months: pd.DataFrame, month: np.ndarray) -> np.ndarray:
    """Return how much was said of each deal in the month before each of its months."""
    seen = pd.read_parquet(folder / "activities.parquet", columns=["activity_id", "event_time"])
    truth = pd.read_parquet(folder / "sealed" / "activities.parquet").set_index("activity_id")
    deal = truth.loc[seen["activity_id"], "opportunity_id"].to_numpy()
    at = seen["event_time"].dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    said = pd.Series(1, index=pd.MultiIndex.from_arrays([deal, at + 1])).groupby(level=[0, 1]).sum()
    asked = pd.MultiIndex.from_arrays([months["opportunity_id"], month])
    return said.reindex(asked, fill_value=0).to_numpy()


def _fitted(won: np.ndarray, said: np.ndarray, of: pd.DataFrame, month: np.ndarray) -> np.ndarray:
    """Return the share won in each cell of talk and age."""
    age = (month - of["opened_at"].to_numpy().astype("datetime64[M]")).astype(int).clip(0, 3)
    cell = pd.Series(np.minimum(said, 25) * 4 + age)
    return pd.Series(won).groupby(cell).transform("mean").clip(0.001, 0.999).to_numpy()


def realism(folder: Path) -> Iterator[Figure]:
    """The same figures of the simulated company and of public data."""
    for name, figures in (
        ("simulated", simulated(folder)),
        ("maven_crm", maven()),
        ("enron_raw", enron()),
        ("spamassassin_raw", spamassassin()),
    ):
        for metric, (value, unit) in figures.items():
            yield measured(f"realism: {metric}: {name}", value, unit, COMMAND)


def naive_against_truth(name: str, knobs: dict[str, float]) -> Iterator[Figure]:
    """What plain comparisons claim, and what is true, in major units a rep and month."""
    programme = {"kind": "training", "effect": 2.0, **knobs}
    trends = TRENDS if programme["effect"] == 0 else {}
    scenario = scenario_of({"investments": [programme], **trends})
    told = pd.DataFrame(
        _claims(live(scenario, REPS, MONTHS, seed, StockEngine)) for seed in range(JUDGED_SEEDS)
    )
    told_share = float(told["models.incremental"].notna().mean())
    yield measured(f"{name}: models.incremental tells", told_share, "share", COMMAND)
    for who, claims in (told.dropna(axis="columns", how="all") / 100).items():
        yield measured(f"{name}: {who}", claims.mean(), "a rep-month", COMMAND)


def _claims(history: History) -> dict[str, float | None]:
    panel = judged_panel(history, "INV-01")
    (truth,) = investment_truth(history)
    reached = panel["start"] > 0
    after = reached & (panel["period"] >= panel["start"])
    late = panel["period"] >= panel.loc[reached, "start"].min()
    outcome = panel["outcome"]
    terms = Terms(cost_minor=truth["cost"], gross_margin_rate=0.75)
    return {
        "truth": truth["effect"],
        "before and after": outcome[after].mean() - outcome[reached & ~after].mean(),
        "reached and not": outcome[after].mean() - outcome[late & ~reached].mean(),
        "models.incremental": judge(panel, terms).effect,
    }


if __name__ == "__main__":
    main()
