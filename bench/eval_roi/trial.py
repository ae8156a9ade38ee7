"""One trial: a seed of a world, asked of the judge and of its rivals, as a row to keep."""

import math
from dataclasses import asdict
from time import process_time
from typing import Final

from bench.eval_roi.asked import answered
from bench.eval_roi.kept import Row
from bench.eval_roi.lived import lived
from bench.eval_roi.rivals import claims
from bench.eval_roi.scenarios import PILOT_SEED, POWER, World, world_of

TRIAL: Final = "trial"
_PILOT_STEPS: Final = 6
_MULTIPLE: Final = 2.0


def tried(world: World, seed: int, effect: float | None) -> Row:
    """Return the row of a seed: truth, answer, rivals, and the CPU seconds that judging took."""
    seen = lived(world, seed, effect)
    started = process_time()
    answer = asdict(answered(world, seen))
    seconds = process_time() - started
    rivals = {name: asdict(claim) for name, claim in claims(seen.panel).items()}
    head = {"scenario": world.name, "seed": seed, "kind": TRIAL}
    truth = {"truth": seen.truth, "roi": seen.roi}
    return {**head, **truth, **answer, "seconds": seconds, "rivals": rivals}


def effect_for_power(seeds: int) -> float:
    """Return the effect whose truth is twice the smallest detectable effect stated beside it.

    Both are means over pilot seeds, which no other scenario uses. The detectable effect grows
    with the effect, so it is sought step by step: each step scales the effect by what is missing.
    """
    world = world_of(POWER)
    effect = float(world.investment["effect"])
    for _ in range(_PILOT_STEPS):
        companies = [lived(world, PILOT_SEED + place, effect) for place in range(seeds)]
        stated = [answered(world, seen).min_detectable for seen in companies]
        told = [value for value in stated if math.isfinite(value)]
        wanted = _MULTIPLE * sum(told) / len(told)
        effect *= wanted / (sum(seen.truth for seen in companies) / seeds)
    return effect
