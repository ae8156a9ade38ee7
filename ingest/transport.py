"""The log through Faust: the two transports, each with our drain."""

from typing import Any, Final

import faust
from faust.transport.drivers import aiokafka as kafka
from mode.utils.futures import notify
from typing_extensions import override
from yarl import URL

from contracts import topics
from contracts.errors import UserError
from contracts.topics import Topic
from ingest.drain import Drain
from local.log import transport as sqlite
from settings import Settings

MAX_MESSAGE_BYTES: Final = 4_000_000
_COMMIT_SECONDS: Final = 0.5
_SESSION_SECONDS: Final = 10
_HEARTBEAT_SECONDS: Final = 3
_METADATA_SECONDS: Final = 5
"""A topic that was not seen yet when the group first shared out is read after this long, not after
the client's five minutes."""
_BUSY_FETCH_MS: Final = 20
_IDLE_FETCH_MS: Final = 200
"""How long the broker may hold a fetch that finds nothing, while agents are given messages and more
of other partitions wait here, and else; by Faust, 1.5 seconds."""
_SECONDS_A_DAY: Final = 86_400


class SqliteConsumer(Drain, sqlite.Consumer):
    """Reads the log of one machine."""


class SqliteTransport(sqlite.Transport):
    """`sqlite:////path/log.db`."""

    Consumer = SqliteConsumer


class KafkaConsumerThread(kafka.AIOKafkaConsumerThread):
    """Asks the broker for messages."""

    def look_again(self) -> None:
        """Let a call that waits for messages see what has been fetched of more partitions.

        It looks at the set of partitions that may be read anew each time it is woken.
        """
        if not self.should_stop:
            self.thread_loop.call_soon_threadsafe(self._look_again)

    def _look_again(self) -> None:
        for waiter in self._ensure_consumer()._fetcher._fetch_waiters:  # noqa: SLF001
            notify(waiter)

    @override
    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        """Return messages, and say how long the broker may hold the next fetch.

        Only one is under way to a broker. A partition whose messages waited here when it began is
        not in it: once they are read, it has to wait for its end.
        """
        records = await super()._fetch_records(consumer, *args, **kwargs)
        fetcher = consumer._fetcher  # noqa: SLF001 neither Faust nor its client has a setting
        is_busy = records and fetcher._records  # noqa: SLF001
        fetcher._fetch_max_wait_ms = _BUSY_FETCH_MS if is_busy else _IDLE_FETCH_MS  # noqa: SLF001
        return records

    @override
    async def seek_to_committed(self) -> Any:
        """Seek all partitions to what is committed, and to their start where nothing is.

        Kafka's client leaves those where they are: what was fetched of them and dropped in a
        rebalance would be taken for read, and lost.
        """
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Any:
        consumer = self._ensure_consumer()
        committed = await consumer.seek_to_committed()
        if unread := [place for place, offset in committed.items() if not offset]:
            for place, start in (await consumer.beginning_offsets(unread)).items():
                consumer.seek(place, start)
        return committed


class KafkaConsumer(Drain, kafka.Consumer):
    """Reads Apache Kafka."""

    _thread: KafkaConsumerThread

    @override
    def _new_consumer_thread(self) -> KafkaConsumerThread:
        return KafkaConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @override
    def look_again(self) -> None:
        self._thread.look_again()


class KafkaTransport(kafka.Transport):
    """`kafka://host:9092`."""

    Consumer = KafkaConsumer


_TRANSPORTS: Final = {"sqlite": SqliteTransport, "kafka": KafkaTransport}


def connect(settings: Settings, group: str, **options: Any) -> faust.App:
    """Return a Faust app on the configured log, not started.

    Args:
        settings: name the log.
        group: the consumer group that it reads for.
        options: further settings of Faust's.

    Raises:
        UserError: if the log's address is of an unknown kind.
    """
    url = URL(settings.broker_url)
    if url.scheme not in _TRANSPORTS:
        raise UserError(
            f"log_url: {url.scheme or 'no'} scheme: write sqlite:////PATH or kafka://HOST:PORT"
        )
    app = faust.App(
        group,
        broker=settings.broker_url,
        datadir=str(settings.home / "faust"),
        autodiscover=False,
        topic_partitions=settings.log_partitions,
        broker_commit_interval=_COMMIT_SECONDS,
        broker_session_timeout=_SESSION_SECONDS,
        broker_heartbeat_interval=_HEARTBEAT_SECONDS,
        consumer_metadata_max_age_ms=_METADATA_SECONDS * 1_000,
        producer_acks=-1,
        producer_max_request_size=MAX_MESSAGE_BYTES,
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        **options,
    )
    # By scheme alone, Faust would choose the stock transport, whose drain is slow.
    app.transport = app.producer_transport = _TRANSPORTS[url.scheme]([url], app)
    return app


async def declare_topics(app: faust.App) -> None:
    """Make the platform's topics, where they are missing, on an app whose producer has started."""
    for topic in topics.ALL:
        await channel(app, topic).declare()


def channel(app: faust.App, topic: Topic) -> Any:
    """Return Faust's topic for one of ours: its messages are bytes."""
    return app.topic(
        topic.name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        internal=True,  # a worker makes it where it is missing
        retention=topic.retention_days * _SECONDS_A_DAY,
        config={
            "max.message.bytes": MAX_MESSAGE_BYTES,
            "segment.ms": topics.SEGMENT_DAYS * _SECONDS_A_DAY * 1_000,
        },
    )
