"""One broker, one warehouse, the same events in every log; contenders run one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from pydantic import SecretStr

from bench.events import events
from bench.throughput.contenders import Contender, Run, measure
from bench.throughput.course import (
    PARTITIONS,
    Judge,
    fill_kafka,
    fill_sqlite,
    messages,
    warehouse,
)
from bench.throughput.task import Task
from local.kafka.broker import Broker

FORMS = {1: "single messages", 100: "envelopes of 100"}
"""How many events a message holds, and what that is called."""

_EVENTS_AN_INSERT = {1: 2_000, 100: 6_600}
"""As the platform's own limits, 2,000 messages or 4 MB, make them."""


class Race:
    """What is the same for all contenders.

    Args:
        folder: of all scratch data.
        broker: runs.
        url: of a warehouse with an empty database `bench`.
        warehouse_pid: the process that serves it.
        size: how many events each contender stores.
    """

    def __init__(
        self, folder: Path, broker: Broker, url: SecretStr, warehouse_pid: int, size: int
    ) -> None:
        self.broker, self.url, self.warehouse_pid = broker, url, warehouse_pid
        self._folder, self._size = folder, size
        self._numbers = count()
        sent = list(events(size))
        self.judge = Judge(url, sent)
        for events_a_message in FORMS:
            values = messages(sent, events_a_message)
            topic = f"events.{events_a_message}"
            fill_kafka(broker.address, topic, values, events_a_message)
            fill_sqlite(self._sqlite, topic, values)

    def run(self, contender: Contender, events_a_message: int, *, stored: bool = True) -> Run:
        """Let a contender run; refuse its figures if it has not stored every event exactly once.

        What is not to be stored is decoded and thrown away.
        """
        task = self.task(contender, f"events.{events_a_message}", self._size, events_a_message)
        if not stored:
            return measure(contender, replace(task, table=""))
        self.judge.make(task.table)
        run = measure(contender, task)
        self.judge.check(task.table)
        return run

    def task(self, contender: Contender, topic: str, size: int, events_a_message: int = 1) -> Task:
        """Return a task with a group, a table and a folder of its own."""
        name = f"run_{next(self._numbers)}"
        return Task(
            log=f"kafka://{self.broker.address}"
            if contender.log == "kafka"
            else f"sqlite:///{self._sqlite}",
            group=name,
            topic=topic,
            partitions=PARTITIONS,
            events=size,
            warehouse=self.url.get_secret_value(),
            table=f"bench.{name}",
            messages=_EVENTS_AN_INSERT[events_a_message] // events_a_message,
            scratch=str(self._folder / name),
        )

    @property
    def _sqlite(self) -> Path:
        return self._folder / "log.db"


@contextmanager
def race(folder: Path, size: int) -> Iterator[Race]:
    """Set up a race; needs Apache Kafka's jars."""
    with Broker(folder / "kafka") as broker, warehouse(folder / "home") as (url, pid):
        yield Race(folder, broker, url, pid, size)
