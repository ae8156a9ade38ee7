"""One trial: a seed of a world, asked of the judge and of its rivals, as rows to keep."""

import math
from dataclasses import asdict
from time import process_time
from typing import Final

from bench.eval_roi.asked import answered, estimated
from bench.eval_roi.kept import Row
from bench.eval_roi.lived import lived
from bench.eval_roi.rivals import claims
from bench.eval_roi.scenarios import PILOT_SEED, POWER, World, world_of

ESTIMATE: Final = "estimate"
VERDICT: Final = "verdict"
_PILOT_STEPS: Final = 6
_MULTIPLE: Final = 2.0


def tried(world: World, seed: int, depths: tuple[str, ...], effect: float | None) -> list[Row]:
    """Return a row for each depth: the estimate with its rivals', the verdict with its warnings."""
    seen = lived(world, seed, effect)
    head = {"scenario": world.name, "seed": seed, "truth": seen.truth, "roi": seen.roi}
    rows: list[Row] = []
    if ESTIMATE in depths:
        started = process_time()
        own = asdict(estimated(world, seen))
        seconds = process_time() - started
        rivals = {name: asdict(claim) for name, claim in claims(seen.panel).items()}
        rows.append({**head, "depth": ESTIMATE, **own, "seconds": seconds, "rivals": rivals})
    if VERDICT in depths:
        started = process_time()
        answer = asdict(answered(world, seen))
        rows.append({**head, "depth": VERDICT, **answer, "seconds": process_time() - started})
    return rows


def effect_for_power(seeds: int) -> float:
    """Return the effect whose truth is twice the smallest detectable effect stated beside it.

    Both are means over pilot seeds, which no other scenario uses. The detectable effect grows
    with the effect, so it is sought step by step: each step scales the effect by what is missing.
    """
    world = world_of(POWER)
    effect = float(world.investment["effect"])
    for _ in range(_PILOT_STEPS):
        companies = [lived(world, PILOT_SEED + place, effect) for place in range(seeds)]
        stated = [estimated(world, seen).min_detectable for seen in companies]
        told = [value for value in stated if math.isfinite(value)]
        wanted = _MULTIPLE * sum(told) / len(told)
        effect *= wanted / (sum(seen.truth for seen in companies) / seeds)
    return effect
