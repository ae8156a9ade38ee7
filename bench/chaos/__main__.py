"""`python -m bench.chaos`: the whole trial on both logs; writes `bench/results/chaos.json`."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Final

from bench.chaos.trial import Trial
from bench.figures import measured, record

KILLS: Final = {"kill worker": 10, "kill warehouse": 10, "kill sender": 10}
OTHERS: Final = {
    "stop worker": 3,
    "stop warehouse": 2,
    "warehouse away": 1,
    "write nothing": 1,
    "write half": 1,
}
KAFKA_ALONE: Final = {"kill broker": 10, "restart broker": 2, "pause worker": 3}
_MAILS: Final = 50_000
_RATE: Final = 150
_COMMAND: Final = "make chaos"


def trials(seed: int) -> list[Trial]:
    """Return the whole trial: one on each log."""
    plans = {"sqlite": KILLS | OTHERS, "kafka": KILLS | OTHERS | KAFKA_ALONE}
    return [
        Trial(log=log, plan=plan, mails=_MAILS, rate=_RATE, mean_gap_seconds=5, seed=seed)
        for log, plan in plans.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the dice")
    parser.add_argument(
        "--log", choices=["sqlite", "kafka"], help="this log alone; keeps no figure"
    )
    options = parser.parse_args()
    started = monotonic()
    chosen = [trial for trial in trials(options.seed) if options.log in (None, trial.log)]
    folder = Path(tempfile.mkdtemp(prefix="headwater-chaos-"))
    sums: dict[str, int] = {}
    figures = []
    for trial in chosen:
        reckoned = asdict(trial.run(folder / trial.log, _tell(started))) | {
            "kills": sum(times for deed, times in trial.plan.items() if deed.startswith("kill"))
        }
        for metric, value in reckoned.items():
            sums[metric] = sums.get(metric, 0) + value
            at_most = 0 if metric in ("lost", "repeated", "misjudged", "live_differs") else None
            figures.append(measured(f"{metric}, {trial.log}", value, "", _COMMAND, at_most=at_most))
    figures.append(measured("sent", sums["sent"], "", _COMMAND, at_least=100_000))
    if options.log is None:
        record("chaos", figures)
    print(f"logs and data: {folder}")
    print(json.dumps(sums | {"seconds": round(monotonic() - started)}))
    sys.exit(bool(sums["lost"] or sums["repeated"] or sums["misjudged"] or sums["live_differs"]))


def _tell(started: float) -> Callable[[str], None]:
    return lambda said: print(f"[{monotonic() - started:6.1f} s] {said}", flush=True)


if __name__ == "__main__":
    main()
