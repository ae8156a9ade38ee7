"""The order of the trials, and running those that are not kept yet."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final

from bench.eval_roi.kept import Row, Rows
from bench.eval_roi.scenarios import FIRST_SEED, POWER, WORLDS, world_of
from bench.eval_roi.trial import TRIAL, effect_for_power, tried

_PILOT: Final = "pilot"


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is run.

    Attributes:
        seeds: of each scenario.
        pilot: seeds that set the effect of the scenario of power.
        minutes: after which no more trials are begun.
    """

    seeds: int = 500
    pilot: int = 12
    minutes: float = 150
    processes: int = 2


FULL: Final = Extent()
QUICK: Final = Extent(seeds=2, pilot=2, minutes=5, processes=1)

Task = tuple[str, int, float | None]


def tasks(extent: Extent, power_effect: float) -> Iterator[Task]:
    """Yield every trial, seed by seed through all scenarios: a run cut short is even."""
    for place in range(extent.seeds):
        for world in WORLDS:
            effect = power_effect if world.name == POWER else None
            yield world.name, FIRST_SEED + place, effect


def run(rows: Rows, extent: Extent, tell: Callable[[str], None] = print) -> None:
    """Run the trials that are not kept yet, until the time is over."""
    ends = monotonic() + extent.minutes * 60
    effect = _power_effect(rows, extent.pilot)
    wanted = list(tasks(extent, effect))
    due = [task for task in wanted if (*task[:2], TRIAL) not in rows.done]
    tell(f"{len(wanted) - len(due)} trials kept, {len(due)} to run; power at {effect:.2f} sd")
    for done, row in enumerate(_made(due, extent.processes), 1):
        rows.add(row)
        if done % 200 == 0:
            tell(f"{done} of {len(due)}")
        if monotonic() > ends:
            tell(f"time is over: {len(due) - done} trials were not run")
            return


def _power_effect(rows: Rows, seeds: int) -> float:
    """Return the pilot's result, which is kept like any row."""
    if (POWER, seeds, _PILOT) not in rows.done:
        found = effect_for_power(seeds)
        rows.add({"scenario": POWER, "seed": seeds, "kind": _PILOT, "effect": found})
    kept = rows.frame(_PILOT)
    return float(kept.loc[kept["seed"] == seeds, "effect"].iloc[0])


def _made(due: list[Task], processes: int) -> Iterable[Row]:
    if processes == 1:
        yield from map(_try, due)
        return
    pool = ProcessPoolExecutor(processes)
    try:
        yield from pool.map(_try, due, chunksize=4)
    finally:
        pool.shutdown(cancel_futures=True)


def _try(task: Task) -> Row:
    name, seed, effect = task
    return tried(world_of(name), seed, effect)
