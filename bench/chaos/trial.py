"""One trial: a stack of its own, the load, the deeds, rest, and the reckoning."""

import asyncio
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench.chaos.deeds import SENDER, Saboteur
from bench.chaos.load import A_PIECE, Journal, accounts
from bench.chaos.reckoning import Reckoning, reckon
from cli.stack import Stack, environment
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError
from ingest.lag import lag
from ingest.publish import Publisher
from local.kafka.broker import Broker
from local.ports import free_port
from local.processes import Processes, Program
from settings import Settings

_COMPANY = '[company]\nown_domains = ["ourco.example"]\n'
_KAFKA_WORKERS = 3
_PARTITIONS = 6
_REST_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is done to whom.

    Attributes:
        log: `sqlite` or `kafka`; with the second, three workers share the load.
        plan: how often each deed is done; `Saboteur` lists them.
        mails: how many must be acknowledged, at least.
        rate: mails a second.
        mean_gap_seconds: between two deeds.
        seed: of the dice.
    """

    log: str
    plan: Mapping[str, int]
    mails: int
    rate: float
    mean_gap_seconds: float
    seed: int

    def run(self, folder: Path, tell: Callable[[str], None]) -> Reckoning:
        """Run it in a new folder, which keeps all logs and data."""
        folder.mkdir(parents=True)
        (folder / "headwater.toml").write_text(_COMPANY)
        with ExitStack() as running:
            settings = Settings(home=folder, log_partitions=_PARTITIONS)
            broker = None
            if self.log == "kafka":
                broker = running.enter_context(Broker(folder / "kafka"))
                settings = settings.model_copy(update={"log_url": f"kafka://{broker.address}"})
            processes = Processes(folder, tell)
            running.enter_context(processes.stopped_at_the_end())
            settings = Stack(settings, processes).start_warehouse()
            asyncio.run(_publish_accounts(settings))
            workers = self._start(settings, processes)
            dice = random.Random(self.seed)
            saboteur = Saboteur(settings, processes, workers, broker, dice, tell)
            saboteur.carry_out(self.plan, self.mean_gap_seconds)
            journal = Journal(folder)
            while journal.pieces() * A_PIECE < self.mails:
                saboteur.tend(1)
            _come_to_rest(settings, saboteur)
            return reckon(settings, folder, SystemClock().now())

    def _start(self, settings: Settings, processes: Processes) -> list[str]:
        """Start the workers and the load; return the workers' names."""
        count = _KAFKA_WORKERS if self.log == "kafka" else 1
        workers = [f"worker{number}" for number in range(count)]
        told = environment(settings) | {
            "HEADWATER_LOG_URL": settings.log_url,
            "HEADWATER_LOG_PARTITIONS": str(settings.log_partitions),
        }
        for worker in workers:
            own = told | {"HEADWATER_WORKER_PORT": str(free_port())}
            argv = [sys.executable, "-m", "ingest.worker"]
            processes.start(Program(name=worker, argv=argv, environment=own))
        argv = [sys.executable, "-m", "bench.chaos.load", str(settings.home), str(self.rate)]
        processes.start(Program(name=SENDER, argv=argv, environment=told))
        return workers


async def _publish_accounts(settings: Settings) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(accounts(SystemClock().now()))


def _come_to_rest(settings: Settings, saboteur: Saboteur) -> None:
    """End the load, and wait until the workers have done with all of it."""
    (settings.home / "enough").touch()
    deadline = monotonic() + _REST_SECONDS
    while monotonic() < deadline:
        saboteur.tend(1)
        try:
            if (settings.home / "done").exists() and lag(settings) == 0:
                return
        except HeadwaterError:
            continue
    saboteur.tell(f"still {lag(settings)} messages wait after {_REST_SECONDS} s of rest")
