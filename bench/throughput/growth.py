"""How throughput grows with workers, and who has the machine's cores meanwhile."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from bench.events import events
from bench.throughput.contenders import ON_KAFKA, running
from bench.throughput.course import EVENTS_A_BATCH, fill_kafka, messages
from bench.throughput.race import Race

_READY_SECONDS = 60
_WINDOW_SECONDS = 6
_PIECE = 50_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Pace:
    """What some workers did together while all of them were reading.

    Attributes:
        events: a second.
        cores: how many were busy, of the workers, the broker and the warehouse.
    """

    workers: int
    events: float
    cores: dict[str, float]


def paces(race: Race, most: int, size: int) -> Iterator[Pace]:
    """Yield the pace of one worker, two, and so on, from a log with more events than they need."""
    for seed, _ in enumerate(range(0, size, _PIECE), 1):
        values = messages(list(events(_PIECE, seed)), 1)
        fill_kafka(race.broker.address, "growth", values, 1)
    for workers in range(1, most + 1):
        yield _pace(race, workers, size)


def _pace(race: Race, workers: int, size: int) -> Pace:
    task = race.task(ON_KAFKA, "growth", size)
    race.judge.make(task.table)
    with ExitStack() as stack:
        scratch = [f"{task.scratch}/{number}" for number in range(workers)]
        pids = [
            stack.enter_context(running(ON_KAFKA, replace(task, scratch=folder))).pid
            for folder in scratch
        ]
        asyncio.run(_until_joined(race.broker.address, task.group, workers))
        while not race.judge.count(task.table):
            sleep(0.1)
        who = {"workers": pids, "broker": [race.broker.pid], "warehouse": [race.warehouse_pid]}
        return _watched(race, task.table, who, workers, size)


def _watched(race: Race, table: str, who: dict[str, list[int]], workers: int, size: int) -> Pace:
    def now() -> tuple[float, int, dict[str, float]]:
        spent = {name: sum(map(_cpu_seconds, pids)) for name, pids in who.items()}
        return monotonic(), race.judge.count(table), spent

    began, before, spent_before = now()
    sleep(_WINDOW_SECONDS)
    ended, after, spent = now()
    assert after < size - EVENTS_A_BATCH, "the log ran dry before the window ended"
    seconds = ended - began
    cores = {name: (spent[name] - spent_before[name]) / seconds for name in who}
    return Pace(workers, (after - before) / seconds, cores)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _until_joined(broker: str, group: str, members: int) -> None:
    """Wait until a group has shared out its partitions among so many members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    deadline = monotonic() + _READY_SECONDS
    try:
        while await _joined(admin, group) < members:
            assert monotonic() < deadline, f"{group}: not everyone has joined"
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _joined(admin: AIOKafkaAdminClient, group: str) -> int:
    try:
        (answer,) = await admin.describe_consumer_groups([group])
    except GroupCoordinatorNotAvailableError:  # a new broker makes the place for offsets
        return 0
    ((_, _, state, _, _, members, *_),) = answer.groups
    return len(members) if state == "Stable" else 0
