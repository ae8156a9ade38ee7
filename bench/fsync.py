"""What it costs that the local log waits for the disk: appends with fsync, and without.

`python -m bench.fsync` writes `bench/results/fsync.json`.
"""

import os
import tempfile
from pathlib import Path
from statistics import median
from time import monotonic

from bench.figures import Figure, measured, record
from local.log.store import Draft, Log

_COMMAND = "python -m bench.fsync"
_MESSAGE = os.urandom(594)
_SECONDS = 2.0
_ROUNDS = 5


def appends_a_second(folder: Path, synchronous: str, at_once: int) -> float:
    """Return how many messages a second a new log takes, so many in a transaction."""
    log = Log(folder / "log.db")
    log._db.execute(f"PRAGMA synchronous = {synchronous}")  # noqa: SLF001 what is compared
    drafts = [Draft("bench", None, _MESSAGE)] * at_once
    started, count = monotonic(), 0
    while (elapsed := monotonic() - started) < _SECONDS:
        log.append(drafts)
        count += at_once
    log.close()
    return count / elapsed


def figures() -> list[Figure]:
    """Measure both in turn, so that what else the machine does hits both."""
    kept = []
    for at_once in (1, 50):
        rounds: dict[str, list[float]] = {"FULL": [], "OFF": []}
        for _ in range(_ROUNDS):
            for synchronous, rates in rounds.items():
                with tempfile.TemporaryDirectory() as folder:
                    rates.append(appends_a_second(Path(folder), synchronous, at_once))
        durable, hasty = median(rounds["FULL"]), median(rounds["OFF"])
        said = f"{at_once} a transaction"
        kept += [
            measured(f"appends with fsync, {said}", durable, "1/s", _COMMAND),
            measured(f"appends without fsync, {said}", hasty, "1/s", _COMMAND),
            measured(f"with fsync over without, {said}", durable / hasty, "ratio", _COMMAND),
        ]
    return kept


if __name__ == "__main__":
    print(record("fsync", figures()))
