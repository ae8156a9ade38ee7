"""`make bench`: the platform's path beside the limit and the peers, and with more workers.

Writes `bench/results/throughput.json`; docs/throughput.md says what the figures mean.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import Figure, measured, record
from bench.throughput.contenders import LIMIT, ON_KAFKA, OTHERS, OURS, Contender, Run, missing
from bench.throughput.growth import paces
from bench.throughput.race import FORMS, Race, race

COMMAND = "make bench"
EVENTS = 100_000
ROUNDS = 3
WORKERS = 3
GROWTH_EVENTS = 1_000_000
OF_THE_LIMIT = {1: 0.3, 100: 0.8}
TIMES_STOCK_FAUST = 3


def main() -> None:
    if why := missing():
        print(f"the limit and the peers are skipped: {why}")
    contenders = [*OURS] if why else [*OURS, LIMIT, *OTHERS]
    with (
        tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder,
        race(Path(folder), EVENTS) as course,
    ):
        figures = [
            figure
            for events_a_message in FORMS
            for figure in _of_form(course, contenders, events_a_message)
        ]
        figures += _of_growth(course)
    for figure in figures:
        print(figure.metric, figure.value, figure.unit, figure.aim, figure.met)
    if not why:
        print(record("throughput", figures))


def _of_form(
    course: Race, contenders: Sequence[Contender], events_a_message: int
) -> Iterator[Figure]:
    form = FORMS[events_a_message]
    best = _best(course, contenders, events_a_message)
    for contender, run in best.items():
        what = f"{contender.name}, {form}"
        emptied = course.run(contender, events_a_message, stored=False)
        yield measured(f"{what}: wall", EVENTS / run.seconds, "events/s", COMMAND)
        yield measured(f"{what}: per core", EVENTS / run.cpu_seconds, "events/s", COMMAND)
        yield measured(f"{what}: CPU", run.cpu_seconds / EVENTS * 1e6, "us/event", COMMAND)
        spent = emptied.cpu_seconds / EVENTS * 1e6
        yield measured(f"{what}, nothing stored: CPU", spent, "us/event", COMMAND)
        yield measured(f"{what}: peak memory", run.peak_bytes / 1e6, "MB", COMMAND)
    for other in contenders[len(OURS) :]:
        what = f"{ON_KAFKA.name} / {other.name}, {form}"
        aim = _aim(other, events_a_message)
        ours, theirs = best[ON_KAFKA], best[other]
        per_core, wall = theirs.cpu_seconds / ours.cpu_seconds, theirs.seconds / ours.seconds
        yield measured(f"{what}: per core", per_core, "ratio", COMMAND, at_least=aim)
        yield measured(f"{what}: wall", wall, "ratio", COMMAND, at_least=aim)


def _aim(other: Contender, events_a_message: int) -> float:
    if other == LIMIT:
        return OF_THE_LIMIT[events_a_message]
    return TIMES_STOCK_FAUST if other.name == "stock Faust" else 1


def _best(
    course: Race, contenders: Sequence[Contender], events_a_message: int
) -> dict[Contender, Run]:
    """Let all run in turn, and back again, so that a busy machine meets each alike."""
    runs: dict[Contender, list[Run]] = {contender: [] for contender in contenders}
    for number in range(ROUNDS):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            runs[contender].append(course.run(contender, events_a_message))
            print(contender.name, FORMS[events_a_message], runs[contender][-1], flush=True)
    return {contender: _best_of(mine) for contender, mine in runs.items()}


def _best_of(runs: Sequence[Run]) -> Run:
    """Return the shortest time, the least CPU and the highest peak of some runs."""
    return Run(
        seconds=min(run.seconds for run in runs),
        cpu_seconds=min(run.cpu_seconds for run in runs),
        peak_bytes=max(run.peak_bytes for run in runs),
    )


def _of_growth(course: Race) -> Iterator[Figure]:
    for pace in paces(course, WORKERS, GROWTH_EVENTS):
        what = f"{ON_KAFKA.name}, {pace.workers} of {WORKERS} workers"
        yield measured(f"{what}: wall", pace.events, "events/s", COMMAND)
        for who, cores in pace.cores.items():
            yield measured(f"{what}: busy with the {who}", cores, "cores", COMMAND)


if __name__ == "__main__":
    main()
