"""Publishes to the log, through Faust's producer on either transport."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, Self

import faust

from contracts.errors import HeadwaterError, Retryable
from contracts.topics import HEARD, Topic
from contracts.wire import DeadLetter, Envelope, Event, RecordedBatch, encode
from ingest.transport import connect, declare_topics
from settings import Settings

MAX_EVENTS: Final = 100
MAX_BYTES: Final = 256_000
"""An envelope holds no more than this, but for a single larger event: memory stays bounded."""
MAX_IN_FLIGHT: Final = 64
"""How many messages may wait for the disk; who publishes more waits."""


class LogPublisher:
    """Sends through the producer of an app that is running.

    Everything returns once the log has it, on the disk.
    """

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)

    async def publish(self, events: Iterable[Event]) -> None:
        """Send events, in as few envelopes as their size allows; order is kept a source.

        Raises:
            Retryable: the log can't take them; some may be in it already.
        """
        await self._send_all(
            (HEARD[envelope.events[0].kind], envelope.events[0].source, encode(envelope))
            for envelope in _envelopes(events)
        )

    async def send(
        self, topic: Topic, key: str, messages: Iterable[RecordedBatch | DeadLetter]
    ) -> None:
        """Send messages of the platform itself; raises as `publish` does."""
        await self._send_all((topic, key, encode(message)) for message in messages)

    async def send_bytes(self, topic: Topic, key: str, value: bytes) -> None:
        """Send a message that is encoded already; raises as `publish` does."""
        await self._send_all([(topic, key, value)])

    async def _send_all(self, messages: Iterable[tuple[Topic, str, bytes]]) -> None:
        sent = []
        try:
            for topic, key, value in messages:
                await self._in_flight.acquire()
                sent.append(await self._sent(topic, key, value))
        finally:
            outcomes = await asyncio.gather(*sent, return_exceptions=True)
        for error in outcomes:
            if isinstance(error, HeadwaterError):
                raise error
            if isinstance(error, BaseException):
                raise Retryable(f"the log does not take what is published: {error}") from error

    async def _sent(self, topic: Topic, key: str, value: bytes) -> "asyncio.Future[Any]":
        """Send a message and return the future of its being durable."""
        producer: Any = self._app.producer
        try:
            sent = await producer.send(topic.name, key.encode(), value, None, None, None)
        except BaseException as error:
            self._in_flight.release()
            if isinstance(error, HeadwaterError) or not isinstance(error, Exception):
                raise
            raise Retryable(f"the log does not take what is published: {error}") from error
        sent.add_done_callback(lambda _: self._in_flight.release())
        return asyncio.ensure_future(sent)


class Publisher(LogPublisher):
    """A producer of its own, for those who publish outside the worker."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect(settings, "headwater-publisher"))

    async def __aenter__(self) -> Self:
        await self._app.producer.start()
        await declare_topics(self._app)
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
