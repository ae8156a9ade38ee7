"""The course that every contender runs: the same events in each log, one broker, one warehouse."""

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from bench.events import EventEnvelope, EventRow, create_table, encode
from local.clickhouse.launch import address, server_command
from local.log.store import Draft, Log
from warehouse.connection import connect
from warehouse.writer import Writer

PARTITIONS = 6
EVENTS_A_BATCH = 100
_BATCH_BYTES = 131_072
_READY_SECONDS = 120


@contextmanager
def warehouse(home: Path) -> Iterator[tuple[SecretStr, int]]:
    """Serve a warehouse with an empty database `bench`; give its address and its process."""
    with subprocess.Popen(server_command(home)) as process:
        try:
            deadline = monotonic() + _READY_SECONDS
            while (served := address(home)) is None:
                assert process.poll() is None
                assert monotonic() < deadline
                sleep(0.05)
            password = served.password.get_secret_value()
            url = SecretStr(f"clickhouse://headwater:{password}@{served.host}:{served.port}")
            connect(url).execute("CREATE DATABASE bench")
            yield url, served.pid
        finally:
            process.terminate()


def messages(events: Sequence[EventRow], events_a_message: int) -> list[bytes]:
    """Return the events as messages of the log."""
    starts = range(0, len(events), events_a_message)
    pieces = (tuple(events[start : start + events_a_message]) for start in starts)
    return [encode(EventEnvelope(events=piece)) for piece in pieces]


def fill_sqlite(path: Path, topic: str, values: Sequence[bytes]) -> None:
    """Put messages in a log of one machine."""
    log = Log(path, PARTITIONS)
    for start in range(0, len(values), 1_000):
        log.append([Draft(topic, None, value) for value in values[start : start + 1_000]])
    log.close()


def fill_kafka(broker: str, topic: str, values: Sequence[bytes], events_a_message: int) -> None:
    """Put messages in a topic, in batches of 100 events, turn by turn to each partition."""
    asyncio.run(_fill_kafka(broker, topic, values, EVENTS_A_BATCH // events_a_message))


async def _fill_kafka(broker: str, topic: str, values: Sequence[bytes], a_batch: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    if topic not in await admin.list_topics():
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    async with AIOKafkaProducer(
        bootstrap_servers=broker, max_batch_size=_BATCH_BYTES, acks="all"
    ) as producer:
        sent = []
        for number, piece in enumerate(_pieces(values, a_batch)):
            batch = producer.create_batch()
            for value in piece:
                assert batch.append(key=None, value=value, timestamp=None)
            partition = number % PARTITIONS
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)


def _pieces(values: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (values[start : start + size] for start in range(0, len(values), size))


class Judge:
    """Says whether a table holds exactly the events that were sent.

    Args:
        url: of the warehouse, where the events are stored once more to compare with.
    """

    def __init__(self, url: SecretStr, events: Sequence[EventRow]) -> None:
        self._client = connect(url)
        self.make("bench.expected")
        EventRow.table = "bench.expected"
        writer = Writer(url)
        for start in range(0, len(events), 10_000):
            writer.write(events[start : start + 10_000])
        writer.close()
        self._expected = self._sum("bench.expected")

    def make(self, table: str) -> None:
        """Make an empty table."""
        self._client.execute(f"DROP TABLE IF EXISTS {table}")
        self._client.execute(create_table(table))

    def check(self, table: str) -> None:
        """Refuse a table that holds other events, or one of them twice; then forget it."""
        found = self._sum(table)
        assert found == self._expected, f"{table}: {found} is not {self._expected}"
        self._client.execute(f"DROP TABLE {table}")

    def count(self, table: str) -> int:
        """Return how many rows a table holds."""
        return int(self._client.execute(f"SELECT count() FROM {table}")[0][0])

    def _sum(self, table: str) -> tuple[int, int]:
        """Return how many rows there are, and the sum of their hashes."""
        rows, total = self._client.execute(f"SELECT count(), sum(cityHash64(*)) FROM {table}")[0]
        return int(rows), int(total)
