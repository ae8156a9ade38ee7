"""What is done to the stack, one deed after another, while the load goes on."""

import os
import random
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic, sleep

from contracts.errors import HeadwaterError
from local.kafka.broker import Broker
from local.processes import Processes, alive
from settings import Settings
from warehouse.connection import connect, fates

SENDER = "sender"
WAREHOUSE = "warehouse"
_TEND_SECONDS = 0.2
_PAUSE_SECONDS = 15


class Saboteur:
    """Does what is on its plan, at moments and to victims that its dice choose.

    Args:
        settings: of the stack.
        processes: its supervisor, which is tended all the while.
        workers: the names of the workers.
        broker: where the log is Apache Kafka.
        dice: so that a run can be had again.
        tell: is told of each deed.
    """

    def __init__(
        self,
        settings: Settings,
        processes: Processes,
        workers: list[str],
        broker: Broker | None,
        dice: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._processes = processes
        self._workers = workers
        self._broker = broker
        self._dice = dice
        self.tell = tell
        self._deeds: Mapping[str, Callable[[], None]] = {
            "kill worker": lambda: self._signal(self._a_worker(), signal.SIGKILL),
            "kill warehouse": lambda: self._signal(WAREHOUSE, signal.SIGKILL),
            "kill sender": lambda: self._signal(SENDER, signal.SIGKILL),
            "kill broker": self._kill_broker,
            "stop worker": lambda: self._signal(self._a_worker(), signal.SIGTERM),
            "stop warehouse": lambda: self._signal(WAREHOUSE, signal.SIGTERM),
            "restart broker": self._restart_broker,
            "pause worker": self._pause_worker,
            "warehouse away": lambda: self._warehouse_away(60),
            "write nothing": lambda: self._without("raw.activity"),
            "write half": lambda: self._without("raw.sighting"),
        }

    def carry_out(self, plan: Mapping[str, int], mean_gap_seconds: float) -> None:
        """Do every deed as often as planned, in an order and at gaps that the dice choose."""
        deeds = [deed for deed, times in plan.items() for _ in range(times)]
        self._dice.shuffle(deeds)
        for number, deed in enumerate(deeds, 1):
            self.tend(self._dice.expovariate(1 / mean_gap_seconds))
            self.tell(f"{number}/{len(deeds)} {deed}")
            self._deeds[deed]()

    def tend(self, seconds: float) -> None:
        """Let time pass, while the supervisor does its work."""
        until = monotonic() + seconds
        while monotonic() < until:
            self._processes.tend()
            sleep(_TEND_SECONDS)

    def _a_worker(self) -> str:
        return self._dice.choice(self._workers)

    def _signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process, once it lives."""
        while (found := alive(self._settings.home, name)) is None:
            self.tend(_TEND_SECONDS)
        os.kill(found.pid, number)

    def _kill_broker(self) -> None:
        assert self._broker
        self._broker.kill()
        self.tend(self._dice.uniform(0, 5))
        self._broker.start()

    def _restart_broker(self) -> None:
        assert self._broker
        self._broker.stop()
        self._broker.start()

    def _pause_worker(self) -> None:
        """Stop a worker's clock for longer than its session, so that its partitions move."""
        name = self._a_worker()
        self._signal(name, signal.SIGSTOP)
        self.tend(_PAUSE_SECONDS)
        self._signal(name, signal.SIGCONT)

    def _warehouse_away(self, seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until:
            if found := alive(self._settings.home, WAREHOUSE):
                with suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGKILL)
            self.tend(_TEND_SECONDS)

    def _without(self, table: str) -> None:
        """Take a table away: the batch fails there, and the exception leaves the worker."""
        self._sql(f"RENAME TABLE {table} TO {table}_away")
        try:
            self.tend(3)
        finally:
            self._sql(f"RENAME TABLE {table}_away TO {table}")

    def _sql(self, statement: str) -> None:
        """Run a statement, as soon as the warehouse can be reached."""
        while True:
            client = connect(self._settings.warehouse_url)
            try:
                with fates(statement):
                    client.execute(statement)
            except HeadwaterError:
                self.tend(0.5)
            else:
                return
            finally:
                client.disconnect()
