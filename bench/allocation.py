"""How much of what the best allocation would bring is left on the table, in simulated companies.

Each world has ten kinds of investment with true Hill curves, some past judgements of each with
noise, and a budget. Regret is (oracle's margin - margin) / oracle's margin, by the true curves, at
the same spend; the oracle knows the curves. Beside it: an equal split, pro-rata to past spend, and
greedy on the judged mean return (the best first, up to twice what was ever spent on it).

The worlds are not drawn from the model's prior: rates are skewed, two in ten kinds bring nothing,
and saturation has nothing to do with past spend, which follows custom. How much was learnt is
varied, because that, more than the method, decides how near to the oracle anybody can come; the
last cells allocate, judge what was allocated, and allocate again, year by year.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from bench.figures import Figure, measured, record, table
from models.allocation import Curve, allocate, curves_of
from models.response import fit
from models.rules import Option, Rules, broken

COMMAND = "python -m bench.allocation"
WORLDS = 300
YEARS = 5
KINDS = tuple(f"kind {number}" for number in range(10))
OPTIONS = [Option(option_id=kind, pool=kind) for kind in KINDS]
COLUMNS = ["kind", "spend", "margin", "std_error"]
DRAWS = 512
AIM = 0.05


class Learnt(NamedTuple):
    """How much was learnt of each kind.

    Attributes:
        noise: the standard error of a judgement, as a share of what a kind of average return
            brings at that spend.
    """

    judgements: int
    noise: float


CELLS = (Learnt(2, 0.4), Learnt(6, 0.4), Learnt(6, 0.2), Learnt(12, 0.2), Learnt(12, 0.1))
FIRST = CELLS[0]
"""What the yearly cells begin with."""


class World(NamedTuple):
    """The truth by kind, what the company is used to spending, and its budget."""

    rate: np.ndarray
    half: np.ndarray
    power: np.ndarray
    past: np.ndarray

    @property
    def rules(self) -> Rules:
        """The budget is what was spent before, and all of it is spent."""
        return Rules(budget=float(self.past.sum()), spend_all=True)

    def margin(self, spend: np.ndarray) -> np.ndarray:
        """Return the true margin of a spend by kind (the last axis)."""
        raised = (spend / self.half) ** self.power
        margin: np.ndarray = self.rate * self.half * raised / (1 + raised)
        return margin

    def curves(self) -> dict[str, Curve]:
        """Return the true curves, as the oracle sees them."""
        most = self.rules.budget
        grid = np.concatenate([[0.0], np.geomspace(most / 1024, most, 128)])
        margin = self.margin(np.repeat(grid[:, None], len(KINDS), axis=1))
        return {kind: Curve(grid, margin[:, [k]]) for k, kind in enumerate(KINDS)}


def world(seed: int) -> World:
    random = np.random.default_rng(seed)
    count = len(KINDS)
    rate = random.lognormal(0.5, 0.6, count)
    rate[random.permutation(count)[:2]] = 0.0
    return World(
        rate=rate,
        half=random.lognormal(np.log(2e7), 0.7, count),
        power=random.uniform(0.85, 1.3, count),
        past=random.lognormal(np.log(1e7), 0.6, count),
    )


def judged(
    truth: World, spend: np.ndarray, noise: float, random: np.random.Generator
) -> pd.DataFrame:
    """Return a judgement of each kind on which something is spent."""
    error = noise * 1.5 * spend * random.lognormal(0, 0.2, len(KINDS))
    margin = truth.margin(spend) + error * random.standard_normal(len(KINDS))
    rows = pd.DataFrame(dict(zip(COLUMNS, (KINDS, spend, margin, error), strict=True)))
    return rows[rows["spend"] > 0]


def history(truth: World, learnt: Learnt, seed: int) -> pd.DataFrame:
    """Return past judgements, at spends from about a third to three times the usual."""
    random = np.random.default_rng([seed, learnt.judgements])
    spends = truth.past * random.lognormal(0, 0.7, (learnt.judgements, len(KINDS)))
    return pd.concat([judged(truth, spend, learnt.noise, random) for spend in spends])


def ours(truth: World, points: pd.DataFrame) -> np.ndarray:
    curves = curves_of(fit(points, KINDS, draws=DRAWS), truth.rules.budget)
    return allocate(curves, OPTIONS, truth.rules).spend


def equal(truth: World, _: pd.DataFrame) -> np.ndarray:
    return np.full(len(KINDS), truth.rules.budget / len(KINDS))


def pro_rata(truth: World, _: pd.DataFrame) -> np.ndarray:
    return truth.past


def greedy_on_mean(truth: World, points: pd.DataFrame) -> np.ndarray:
    totals = points.groupby("kind")[["margin", "spend"]].sum()
    most = 2 * points.groupby("kind")["spend"].max()
    spend, left = pd.Series(0.0, index=list(KINDS)), truth.rules.budget
    for kind in (totals["margin"] / totals["spend"]).sort_values(ascending=False).index:
        spend[kind] = min(most[kind], left)
        left -= spend[kind]
    return spend.to_numpy() + left / len(KINDS)


STRATEGIES: Mapping[str, Callable[[World, pd.DataFrame], np.ndarray]] = {
    "ours": ours,
    "greedy on mean": greedy_on_mean,
    "pro-rata": pro_rata,
    "equal split": equal,
}


def best(truth: World) -> float:
    """Return the most that the budget can bring."""
    return float(truth.margin(allocate(truth.curves(), OPTIONS, truth.rules).spend).sum())


class Found(NamedTuple):
    """Regret by world and strategy, the rules that ours broke, and its CPU seconds a world."""

    regret: pd.DataFrame
    broken: int
    seconds: float


def compared(worlds: Mapping[int, World], bests: Mapping[int, float], learnt: Learnt) -> Found:
    rows, violations, seconds = [], 0, 0.0
    for seed, truth in worlds.items():
        points = history(truth, learnt, seed)
        started = process_time()
        spends = {"ours": ours(truth, points)}
        seconds += process_time() - started
        violations += len(broken(truth.rules, OPTIONS, list(spends["ours"])))
        spends |= {n: s(truth, points) for n, s in STRATEGIES.items() if n != "ours"}
        rows.append({n: 1 - truth.margin(s).sum() / bests[seed] for n, s in spends.items()})
    return Found(pd.DataFrame(rows), violations, seconds / len(worlds))


def by_year(worlds: Mapping[int, World], bests: Mapping[int, float], years: int) -> np.ndarray:
    """Return the mean regret of the first allocation and of each year's after it."""
    regrets = np.zeros(years + 1)
    for seed, truth in worlds.items():
        points, random = history(truth, FIRST, seed), np.random.default_rng([seed, 99])
        for year in range(years + 1):
            spend = ours(truth, points)
            regrets[year] += (1 - truth.margin(spend).sum() / bests[seed]) / len(worlds)
            points = pd.concat([points, judged(truth, spend, FIRST.noise, random)])
    return regrets


def figures(count: int, command: str, years: int = YEARS) -> Iterator[Figure]:
    worlds = {seed: world(seed) for seed in range(count)}
    bests = {seed: best(truth) for seed, truth in worlds.items()}
    for learnt in CELLS:
        yield from _of_cell(compared(worlds, bests, learnt), learnt, command)
    for year, regret in enumerate(by_year(worlds, bests, years)):
        begun = f"begun with {FIRST.judgements} a kind, noise {FIRST.noise:g}"
        metric = f"regret, ours, after {year} years of judging what was allocated ({begun})"
        yield measured(metric, regret, "share", command, at_most=AIM)


def _of_cell(found: Found, learnt: Learnt, command: str) -> Iterator[Figure]:
    cell = f"{learnt.judgements} judgements a kind, noise {learnt.noise:g}"
    mean = found.regret.mean()
    for strategy in STRATEGIES:
        aim = AIM if strategy == "ours" else None
        yield measured(f"regret, {strategy}; {cell}", mean[strategy], "share", command, at_most=aim)
    ratio = mean["ours"] / mean["pro-rata"]
    yield measured(f"regret, ours / pro-rata; {cell}", ratio, "ratio", command, at_most=0.5)
    yield measured(f"rules broken; {cell}", found.broken, "count", command, at_most=0)
    yield measured(f"CPU to fit and allocate; {cell}", found.seconds, "s", command)


def main(count: int = WORLDS) -> None:
    command = COMMAND if count == WORLDS else f"{COMMAND} {count}"
    found = list(figures(count, command))
    record("allocation", found)
    Console(width=200).print(table(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
