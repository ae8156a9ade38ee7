"""What every broker must do, read through our drain and batches."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import faust
import pytest
from mode import CrashingSupervisor

from contracts.topics import GROUP, MAIL, Topic
from ingest.batches import Limits, batches
from ingest.lag import lag
from ingest.transport import channel, connect
from local.log.store import Log
from settings import Settings
from tests.waiting import PATIENCE_SECONDS

Body = Callable[[list], Awaitable[None]]
PARTITIONS = 2
LIMITS = Limits(messages=50, seconds=0.02)


class SqliteBroker:
    """The log of one machine."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder, log_partitions=PARTITIONS)

    async def committed(self, group: str, topic: Topic) -> int:
        """Return how many messages of a topic a group has done with."""
        log = Log(self.settings.home / "log" / "log.db")
        committed = log.committed(group)
        log.close()
        return sum(offset for place, offset in committed.items() if place.topic == topic.name)


class KafkaBroker:
    """A real Apache Kafka."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.settings = Settings(
            home=folder, log_url=f"kafka://{address}", log_partitions=PARTITIONS
        )

    async def committed(self, group: str, topic: Topic) -> int:
        """Return how many messages of a topic a group has done with."""
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(group)
        finally:
            await admin.close()
        return sum(at.offset for place, at in offsets.items() if place.topic == topic.name)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.stack]),
    ]
)
def broker(request, tmp_path):
    if request.param == "sqlite":
        return SqliteBroker(tmp_path)
    return KafkaBroker(tmp_path, request.getfixturevalue("kafka").address)


@pytest.fixture
def topic() -> Topic:
    return Topic(f"t-{uuid4().hex[:8]}")


@pytest.fixture
def group() -> str:
    return f"g-{uuid4().hex[:8]}"


class Sink:
    """A body that remembers what it was given, and does what it is told before it returns."""

    def __init__(self) -> None:
        self.messages: list = []
        self.before_return: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, messages: list) -> None:
        self.messages += messages
        if self.before_return:
            await self.before_return()

    @property
    def values(self) -> list[bytes]:
        return [message.value for message in self.messages]


@pytest.fixture
def sink() -> Sink:
    return Sink()


async def test_what_is_sent_is_read_in_its_order_in_each_partition(broker, topic, group, sink):
    sent = [(b"key%d" % (n % 5), b"%d" % n) for n in range(500)]
    await send(broker, topic, sent)
    async with reading(broker, topic, group, sink):
        await until(lambda: len(sink.messages) == 500)
    for key in {key for key, _ in sent}:
        mine = [message for message in sink.messages if message.key == key]
        assert [message.value for message in mine] == [v for k, v in sent if k == key]
        assert len({message.partition for message in mine}) == 1
    for partition in range(PARTITIONS):
        offsets = [m.offset for m in sink.messages if m.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_headers_keys_and_empty_values_arrive_as_they_were_sent(broker, topic, group, sink):
    app = connect(broker.settings, "sender")
    async with producing(app, topic) as producer:
        headers = {"who": b"\x00\xff", "what": b""}
        await producer.send_and_wait(topic.name, b"\x00key", b"value", None, None, headers)
        await producer.send_and_wait(topic.name, None, b"", None, None, None)
    async with reading(broker, topic, group, sink):
        await until(lambda: len(sink.messages) == 2)
    by_value = {message.value: message for message in sink.messages}
    assert list(by_value[b"value"].headers) == list(headers.items())
    assert by_value[b"value"].key == b"\x00key"
    assert by_value[b""].key is None


async def test_a_message_of_three_megabytes_goes_through(broker, topic, group, sink):
    big = os.urandom(3_000_000)
    await send(broker, topic, [(b"k", big), (b"k", b"after")])
    async with reading(broker, topic, group, sink):
        await until(lambda: len(sink.messages) == 2)
    assert sink.values == [big, b"after"]


async def test_thousands_of_messages_are_each_read_once_while_nothing_fails(
    broker, topic, group, sink
):
    async with reading(broker, topic, group, sink):
        await send(broker, topic, [(None, b"%d" % n) for n in range(5_000)])
        await until(lambda: len(sink.messages) >= 5_000)
    assert sorted(map(int, sink.values)) == list(range(5_000))


async def test_a_reader_goes_on_where_its_group_left_off(broker, topic, group, sink):
    await send(broker, topic, [(b"k", b"first")])
    async with reading(broker, topic, group, sink):
        await until(lambda: sink.values == [b"first"])
    await send(broker, topic, [(b"k", b"second")])
    async with reading(broker, topic, group, sink):
        await until(lambda: len(sink.messages) > 1)
    assert sink.values == [b"first", b"second"]


async def test_an_agent_that_is_busy_does_not_hold_up_another_topic(broker, topic, group, sink):
    may_return, other, sink_of_other = asyncio.Event(), Topic(f"{topic.name}-other"), Sink()
    sink.before_return = may_return.wait
    await send(broker, topic, [(None, b"%d" % n) for n in range(5_000)])
    await send(broker, other, [])
    app = reader(broker.settings, topic, group, sink)
    hear(app, other, sink_of_other)
    await app.start()
    try:
        await until(lambda: sink.messages)
        held = len(sink.messages)
        await send(broker, other, [(None, b"%d" % n) for n in range(500)])
        await until(lambda: len(sink_of_other.messages) == 500)
        assert len(sink.messages) == held <= LIMITS.messages
        may_return.set()
        await until(lambda: len(sink.messages) == 5_000)
    finally:
        await app.stop()
    assert sorted(map(int, sink.values)) == list(range(5_000))


async def test_what_an_agent_has_no_room_for_waits_in_the_log_until_it_has(
    broker, topic, group, sink
):
    may_return, lists, messages_a_list = asyncio.Event(), 4, 5
    sink.before_return = may_return.wait
    await send(broker, topic, [(None, b"%d" % n) for n in range(5_000)])
    app = reader(
        broker.settings,
        topic,
        group,
        sink,
        broker_max_poll_records=messages_a_list,
        stream_buffer_maxsize=lists,
    )
    await app.start()
    try:
        await until(lambda: len(app.consumer._buffered_partitions) == PARTITIONS)
        read = app.consumer._read_offset.values()
        handed_over = sum(offset + 1 for offset in read if offset is not None)
        assert handed_over <= LIMITS.messages + messages_a_list * (lists + PARTITIONS)
        may_return.set()
        await until(lambda: len(sink.messages) == 5_000)
    finally:
        await app.stop()
    assert sorted(map(int, sink.values)) == list(range(5_000))


async def test_groups_do_not_take_each_others_messages(broker, topic, sink):
    await send(broker, topic, [(b"k", b"for both")])
    other = Sink()
    async with reading(broker, topic, "a-" + topic.name, sink):
        await until(lambda: sink.values == [b"for both"])
    async with reading(broker, topic, "b-" + topic.name, other):
        await until(lambda: other.values == [b"for both"])


async def test_an_offset_is_committed_only_after_the_body_has_returned(broker, topic, group, sink):
    may_return = asyncio.Event()
    sink.before_return = may_return.wait
    await send(broker, topic, [(b"k", b"a"), (b"k", b"b")])
    async with reading(broker, topic, group, sink) as app:
        await until(lambda: sink.messages)
        await app.consumer.commit()
        assert await broker.committed(group, topic) == 0
        may_return.set()
        await until(lambda: len(sink.messages) == 2 and not app.consumer.unacked)
        await app.consumer.commit()
        assert await broker.committed(group, topic) == 2


async def test_what_a_new_group_has_read_and_not_committed_comes_again_after_a_seek(
    broker, topic, group, sink
):
    """As after a rebalance, in which what was fetched is dropped."""
    may_return = asyncio.Event()
    sink.before_return = may_return.wait
    await send(broker, topic, [(b"k", b"a")])
    async with reading(broker, topic, group, sink) as app:
        await until(lambda: sink.messages)
        await app.consumer.perform_seek()
        may_return.set()
        await until(lambda: sink.values == [b"a", b"a"])


async def test_the_lag_is_what_the_workers_have_not_committed(broker, sink):
    await send(broker, MAIL, [(None, b"%d" % n) for n in range(20)])
    before = await asyncio.to_thread(lag, broker.settings)
    async with reading(broker, MAIL, GROUP, sink) as app:
        await until(lambda: len(sink.messages) == before)
        await until(lambda: not app.consumer.unacked)
        await app.consumer.commit()
        assert await asyncio.to_thread(lag, broker.settings) == 0
    assert before >= 20


async def test_a_body_that_is_busy_when_the_reader_stops_is_finished_and_committed(
    broker, topic, group, sink
):
    may_return = asyncio.Event()
    sink.before_return = may_return.wait
    await send(broker, topic, [(b"k", b"a")])
    async with reading(broker, topic, group, sink) as app:
        await until(lambda: sink.values == [b"a"])
        stopping = asyncio.create_task(app.stop())
        await until(lambda: app.should_stop)
        may_return.set()
        await stopping
    assert await broker.committed(group, topic) == 1


@pytest.mark.parametrize("how", ["exception", "leaving"])
async def test_a_batch_whose_body_does_not_finish_comes_again(broker, topic, group, sink, how):
    async def fail() -> None:
        raise RuntimeError("the sink is broken")

    async def leave() -> None:
        raise Leave

    sink.before_return = fail if how == "exception" else leave
    await send(broker, topic, [(b"k", b"%d" % n) for n in range(10)])
    async with reading(broker, topic, group, sink) as app:
        await until(lambda: app.crashed or app.left)
        assert app.crashed is (how == "exception")
    assert await broker.committed(group, topic) == 0
    again = Sink()
    async with reading(broker, topic, group, again):
        await until(lambda: len(again.messages) >= 10)
    assert again.values == [b"%d" % n for n in range(10)]


async def test_what_was_done_before_an_exception_is_committed_and_the_rest_comes_again(
    broker, topic, group, sink
):
    async def fail_on_the_third() -> None:
        if len(sink.messages) > 2 * LIMITS.messages:
            raise RuntimeError("the sink is broken")

    sink.before_return = fail_on_the_third
    await send(broker, topic, [(b"k", b"%d" % n) for n in range(500)])
    async with reading(broker, topic, group, sink) as app:
        await until(lambda: app.crashed)
    done = await broker.committed(group, topic)
    assert 0 < done <= 2 * LIMITS.messages
    again = Sink()
    async with reading(broker, topic, group, again):
        await until(lambda: len(again.messages) >= 500 - done)
    assert again.values == [b"%d" % n for n in range(done, 500)]


async def test_another_process_may_append_while_one_reads(broker, topic, group, sink):
    async with reading(broker, topic, group, sink):
        senders = [process("send", broker, topic, group, str(n)) for n in range(3)]
        for sender in senders:
            assert await asyncio.to_thread(sender.wait, PATIENCE_SECONDS) == 0
        await until(lambda: len(sink.messages) >= 300)
    for number in range(3):
        own = [v for v in sink.values if v.startswith(b"%d-" % number)]
        assert own == [b"%d-%d" % (number, n) for n in range(100)]


async def test_a_standby_takes_over_after_kill_9_and_nothing_is_missing(broker, topic, group):
    await send(broker, topic, [(b"k", b"%d" % n) for n in range(100)])
    first = process("read", broker, topic, group, "0.01")
    await until_read(first, 20)
    second = process("read", broker, topic, group, "0")
    first.kill()
    read = [int(line) for line in (await asyncio.to_thread(first.communicate))[0].split()]
    more = await until_read(second, 100, stop_at=99)
    second.terminate()
    await asyncio.to_thread(second.wait, PATIENCE_SECONDS)
    assert set(read) | set(more) | set(range(20)) == set(range(100))
    assert more == sorted(more)


# How a test reads and sends


class Leave(Exception):
    """The agent just ends."""


@asynccontextmanager
async def reading(broker, topic: Topic, group: str, body: Body) -> AsyncIterator[faust.App]:
    """Read a topic while the body runs; stops as a worker stops."""
    app = reader(broker.settings, topic, group, body)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def reader(settings: Settings, topic: Topic, group: str, body: Body, **options: int) -> faust.App:
    app = connect(
        settings, group, agent_supervisor=CrashingSupervisor, web_enabled=False, **options
    )
    hear(app, topic, body)
    return app


def hear(app: faust.App, topic: Topic, body: Body) -> None:
    app.left = False

    async def agent(stream) -> None:
        with suppress(Leave):
            async with aclosing(batches(stream, LIMITS)) as them:
                async for batch in them:
                    await body(batch)
        app.left = True

    app.agent(channel(app, topic), name=topic.name)(agent)


@asynccontextmanager
async def producing(app: faust.App, topic: Topic) -> AsyncIterator:
    await app.producer.start()
    await channel(app, topic).declare()
    try:
        yield app.producer
    finally:
        await app.producer.stop()


async def send(broker, topic: Topic, messages: list[tuple[bytes | None, bytes]]) -> None:
    async with producing(connect(broker.settings, "sender"), topic) as producer:
        sent = [
            await producer.send(topic.name, key, value, None, None, None) for key, value in messages
        ]
        await asyncio.gather(*sent)


async def until(holds: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        assert monotonic() < deadline, f"it did not come to hold within {PATIENCE_SECONDS} s"
        await asyncio.sleep(0.01)


def process(task: str, broker, topic: Topic, group: str, argument: str) -> subprocess.Popen:
    """Run this file as a program that sends or reads."""
    settings = broker.settings
    argv = [task, str(settings.home), settings.log_url, topic.name, group, argument]
    return subprocess.Popen(
        [sys.executable, __file__, json.dumps(argv)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


async def until_read(program: subprocess.Popen, count: int, stop_at: int = -1) -> list[int]:
    """Return the numbers that a reading program tells, up to a count or a last one."""

    def lines() -> list[int]:
        numbers: list[int] = []
        while len(numbers) < count and stop_at not in numbers:
            numbers.append(int(program.stdout.readline()))
        return numbers

    return await asyncio.wait_for(asyncio.to_thread(lines), PATIENCE_SECONDS)


async def _send(settings: Settings, topic: Topic, group: str, number: str) -> None:
    async with producing(connect(settings, group), topic) as producer:
        for n in range(100):
            value = f"{number}-{n}".encode()
            await producer.send_and_wait(topic.name, b"k", value, None, None, None)


async def _read(settings: Settings, topic: Topic, group: str, seconds: str) -> None:
    async def tell(messages: list) -> None:
        for message in messages:
            print(message.value.decode(), flush=True)
            await asyncio.sleep(float(seconds))

    app = reader(settings, topic, group, tell)
    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    task, home, log_url, name, *rest = json.loads(sys.argv[1])
    told = Settings(home=Path(home), log_url=log_url, log_partitions=PARTITIONS)
    asyncio.run({"send": _send, "read": _read}[task](told, Topic(name), *rest))
