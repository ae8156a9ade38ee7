"""Publishes to the log, through Faust's producer on either transport."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, Self

import faust

from contracts.errors import HeadwaterError, Retryable
from contracts.topics import HEARD, Topic
from contracts.wire import DeadLetter, Envelope, Event, RecordedBatch, encode
from ingest.transport import register
from settings import Settings

MAX_EVENTS: Final = 100
MAX_BYTES: Final = 256_000
"""An envelope holds no more than this, but for a single larger event: memory stays bounded."""


class LogPublisher:
    """Sends through the producer of an app that is running.

    Everything returns once the log has it, on the disk.
    """

    def __init__(self, app: faust.App) -> None:
        self._app = app

    async def publish(self, events: Iterable[Event]) -> None:
        """Send events, in as few envelopes as their size allows; order is kept a source.

        Raises:
            Retryable: the log can't take them; some may be in it already.
        """
        await self._send_all(
            (HEARD[envelope.events[0].kind], envelope.events[0].source, envelope)
            for envelope in _envelopes(events)
        )

    async def send(
        self, topic: Topic, key: str, messages: Iterable[RecordedBatch | DeadLetter]
    ) -> None:
        """Send messages of the platform itself; raises as `publish` does."""
        await self._send_all((topic, key, message) for message in messages)

    async def send_bytes(self, topic: Topic, key: str, value: bytes) -> None:
        """Send a message that is encoded already; raises as `publish` does."""
        producer: Any = self._app.producer
        try:
            await producer.send_and_wait(topic.name, key.encode(), value, None, None, None)
        except HeadwaterError:
            raise
        except Exception as error:
            raise Retryable(f"the log does not take a message of {topic.name}: {error}") from error

    async def _send_all(
        self, messages: Iterable[tuple[Topic, str, Envelope | RecordedBatch | DeadLetter]]
    ) -> None:
        async with asyncio.TaskGroup() as group:
            for topic, key, message in messages:
                group.create_task(self.send_bytes(topic, key, encode(message)))


class Publisher(LogPublisher):
    """A producer of its own, for those who publish outside the worker."""

    def __init__(self, settings: Settings) -> None:
        register()
        app = faust.App(
            "headwater-publisher",
            broker=settings.broker_url,
            topic_partitions=settings.log_partitions,
            autodiscover=False,
        )
        super().__init__(app)

    async def __aenter__(self) -> Self:
        await self._app.producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._app.producer.stop()


def _envelopes(events: Iterable[Event]) -> Iterator[Envelope]:
    for _, run in groupby(events, lambda event: (event.kind, event.source)):
        yield from (Envelope(events=tuple(piece)) for piece in _pieces(list(run)))


def _pieces(events: Sequence[Event]) -> Iterator[list[Event]]:
    piece: list[Event] = []
    size = 0
    for event in events:
        if piece and (len(piece) >= MAX_EVENTS or size + len(event.payload) > MAX_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(event)
        size += len(event.payload)
    if piece:
        yield piece
