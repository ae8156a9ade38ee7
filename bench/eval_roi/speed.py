"""How long judging takes: a large panel with inference, and fifty investments with everything.

`python -m bench.eval_roi.speed` writes `bench/results/eval-roi-speed.json`. CPU seconds of one
process, so that other work on the machine counts little, and ratios to two-way fixed effects on the
same panel in the same run.
"""

import resource
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import Final

from bench.eval_roi.asked import answered
from bench.eval_roi.lived import Lived, lived
from bench.eval_roi.rivals import two_way_fixed_effects
from bench.eval_roi.scenarios import CLEAN, PILOT_SEED, World, world_of
from bench.figures import Figure, measured, record

COMMAND: Final = "python -m bench.eval_roi.speed"
UNITS, INVESTMENTS = 5_000, 50
_LARGE_SECONDS, _ALL_SECONDS = 60, 120


def main() -> None:
    warm = world_of(CLEAN)
    answered(warm, lived(warm, PILOT_SEED))  # the imports of the libraries are not judging
    print(record("eval-roi-speed", [*large_panel(), *many_investments()]))


def large_panel() -> Iterator[Figure]:
    """One investment of a company of 5,000 over 36 months: verdict, interval, diagnostics."""
    world = replace(world_of(CLEAN), reps=UNITS)
    seen = lived(world, PILOT_SEED)
    name = f"{UNITS:,} units, 36 months, {len(seen.panel):,} rows"
    own, other = _judging(world, seen), _fixed_effects(seen)
    yield measured(f"{name}: judged", own, "CPU s", COMMAND, at_most=_LARGE_SECONDS)
    yield measured(f"{name}: two-way fixed effects", other, "CPU s", COMMAND)
    yield measured(f"{name}: ratio of the two", own / other, "times", COMMAND)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield measured(f"{name}: greatest memory", peak, "MB", COMMAND, at_most=2_000)


def many_investments() -> Iterator[Figure]:
    """Fifty investments of 200 reps over 36 months, one after the other, all diagnostics."""
    world = world_of(CLEAN)
    companies = [lived(world, PILOT_SEED + place) for place in range(INVESTMENTS)]
    own = sum(_judging(world, seen) for seen in companies)
    other = sum(_fixed_effects(seen) for seen in companies)
    name = f"{INVESTMENTS} investments, 200 units, 36 months"
    yield measured(f"{name}: judged", own, "CPU s", COMMAND, at_most=_ALL_SECONDS)
    yield measured(f"{name}: two-way fixed effects", other, "CPU s", COMMAND)
    yield measured(f"{name}: ratio of the two", own / other, "times", COMMAND)


def _judging(world: World, seen: Lived) -> float:
    started = process_time()
    answered(world, seen)
    return process_time() - started


def _fixed_effects(seen: Lived) -> float:
    panel = seen.panel
    started = process_time()
    two_way_fixed_effects(panel, (panel["start"] > 0) & (panel["period"] >= panel["start"]))
    return process_time() - started


if __name__ == "__main__":
    main()
