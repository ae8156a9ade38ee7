"""How soon a dashboard query sees what was sent, under a steady load, and what it takes.

`python -m bench.freshness --rate 1000 --seconds 300` writes `bench/results/freshness.json`;
`--soak` keeps the figures in `soak.json` instead. The stack is the local one, with one worker and
the limits that people get; the events are signed calls' JSON, as the webhook puts them on the log.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic
from uuid import UUID

import numpy as np

from bench.figures import Figure, measured, record
from cli.stack import WORKER, Stack, connected
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError
from contracts.rows import ActivityRow
from contracts.wire import Event
from ingest.lag import lag
from ingest.publish import Publisher
from local.clickhouse.launch import address
from local.ports import free_port
from local.processes import Processes, alive
from settings import Settings, load
from transforms.rows import to_rows
from warehouse.reader import Reader

_COMPANY = '[company]\nown_domains = ["ourco.example"]\nown_numbers = ["+14155550100"]\n'
_TICK_SECONDS = 0.02
_PROBES_A_SECOND = 5
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 5
_VISIBLE = "SELECT activity_id FROM live.activity WHERE activity_id IN %(waited_for)s"


@dataclass
class Watch:
    """What a dashboard's query sees, and what the processes take, while the load goes on."""

    settings: Settings
    waited_for: dict[UUID, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=lambda: {WORKER: [], "warehouse": []})
    lags: list[int] = field(default_factory=list)
    over: Flag = field(default_factory=Flag)

    def look(self) -> None:
        """Ask again and again which of the probes can be seen, until it is over."""
        reader = Reader(self.settings.warehouse_url)
        while not (self.over.is_set() and not self.waited_for):
            asked = list(self.waited_for)
            if asked:
                seen = reader.frame(_VISIBLE, {"waited_for": asked})["activity_id"]
                now = monotonic()
                self.delays += [now - self.waited_for.pop(one) for one in seen]
            self.over.wait(_POLL_SECONDS)
        reader.close()

    def weigh(self) -> None:
        """Note memory and lag every few seconds, until it is over."""
        while not self.over.wait(_LOOK_SECONDS):
            worker, served = alive(self.settings.home, WORKER), address(self.settings.home)
            for name, found in ((WORKER, worker), ("warehouse", served)):
                if found:
                    self.memory[name].append(_resident_mib(found.pid))
            try:
                self.lags.append(lag(self.settings))
            except HeadwaterError as error:
                print(error)


def run(rate: float, seconds: float) -> Watch:
    """Send calls at a rate to a stack of its own, and return what was seen."""
    home = Path(tempfile.mkdtemp(prefix="headwater-freshness-"))
    (home / "headwater.toml").write_text(f"worker_port = {free_port()}\n{_COMPANY}")
    settings = load(home)
    processes = Processes(home, print)
    with processes.stopped_at_the_end():
        stack = Stack(settings, processes)
        settings = stack.start_warehouse()
        stack.start_worker()
        stack.wait_ready(WORKER)
        watch = Watch(connected(settings))
        threads = [Thread(target=watch.look), Thread(target=watch.weigh)]
        for thread in threads:
            thread.start()
        try:
            asyncio.run(_send(watch, rate, seconds))
        finally:
            watch.over.set()
            for thread in threads:
                thread.join(60)
    return watch


async def _send(watch: Watch, rate: float, seconds: float) -> None:
    clock, started, sent = SystemClock(), monotonic(), 0
    probe_every = max(1, int(rate / _PROBES_A_SECOND))
    async with Publisher(watch.settings) as publisher:
        while (elapsed := monotonic() - started) < seconds:
            numbers = range(sent, int(elapsed * rate) + 1)
            events = [_call(number, clock) for number in numbers]
            at = monotonic()
            for number, event in zip(numbers, events, strict=True):
                if number % probe_every == 0:
                    watch.waited_for |= dict.fromkeys(_activities(event, watch.settings), at)
            await publisher.publish(events)
            sent = numbers.stop
            await asyncio.sleep(_TICK_SECONDS)


def _call(number: int, clock: SystemClock) -> Event:
    now = clock.now()
    call = {
        "provider": "bench",
        "call_id": str(number),
        "direction": "inbound",
        "from": f"+1415666{number % 10_000:04d}",
        "to": "+14155550100",
        "started_at": now.isoformat(),
        "duration_seconds": number % 900 + 30,
    }
    return Event(
        kind="call",
        source="webhook:bench",
        external_id=str(number),
        observer="bench",
        ingest_run="bench",
        received_at=now,
        payload=json.dumps(call).encode(),
    )


def _activities(event: Event, settings: Settings) -> Iterator[UUID]:
    rows = to_rows(event, settings.company)
    return (row.activity_id for row in rows if isinstance(row, ActivityRow))


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def figures(watch: Watch, rate: float, command: str, *, soak: bool) -> Iterator[Figure]:
    """Return the figures; a soak holds its last fifth against its second."""
    p50, p95, p99 = np.percentile(watch.delays, [50, 95, 99])
    yield measured("events a second", rate, "1/s", command)
    yield measured("sent to visible, p50", p50, "s", command)
    yield measured("sent to visible, p95", p95, "s", command)
    yield measured("sent to visible, p99", p99, "s", command, at_most=2)
    yield measured("probes", len(watch.delays), "", command)
    yield measured("lag, largest", max(watch.lags), "messages", command)
    yield measured("lag, at the end", watch.lags[-1], "messages", command)
    for name, memory in watch.memory.items():
        yield measured(f"{name}, peak memory", max(memory), "MiB", command)
        if soak:
            second, last = (np.median(part) for part in np.array_split(memory, 5)[1::3])
            growth = last / second
            yield measured(
                f"{name}, memory, last fifth over second", growth, "", command, at_most=1.1
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness", description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--soak", action="store_true", help="hold memory against itself as well")
    options = parser.parse_args()
    soak = " --soak" if options.soak else ""
    command = (
        f"python -m bench.freshness --rate {options.rate:g} --seconds {options.seconds:g}{soak}"
    )
    watch = run(options.rate, options.seconds)
    kept = list(figures(watch, options.rate, command, soak=options.soak))
    for figure in kept:
        print(f"{figure.metric:50}{figure.value:>12g} {figure.unit}")
    record("soak" if options.soak else "freshness", kept)


if __name__ == "__main__":
    main()
