"""The agents: each carries out a topic's batches; an offset follows only what is durable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import faust
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from contracts import topics
from contracts.clock import Clock
from contracts.errors import Rejected, Retryable
from contracts.rows import MatchRow
from contracts.topics import Topic
from contracts.wire import (
    DeadLetter,
    Recorded,
    RecordedBatch,
    decode_dead_letter,
    decode_recorded,
)
from ingest import dead_letter
from ingest.batches import batches
from ingest.capture import Capture, Message, ToRows, Write
from ingest.commands import Commands, decode_command
from ingest.publish import LogPublisher

log = structlog.get_logger()

Match = Callable[[Iterable[Recorded]], Sequence[MatchRow]]
CarryOut = Callable[[list[Message]], Awaitable[None]]
_MAX_WAIT_SECONDS: Final = 15


@dataclass(frozen=True)
class BatchLimits:
    """How much is carried out at once, and how long the first message waits for more."""

    messages: int
    seconds: float
    bytes: int = 16_000_000


class Agents:
    """Adds the agents to an app.

    Args:
        app: not started yet.
        limits: of every agent's batches.
        stop: called once with the error that must stop the worker.
    """

    def __init__(
        self,
        app: faust.App,
        publisher: LogPublisher,
        limits: BatchLimits,
        clock: Clock,
        stop: Callable[[BaseException], None],
    ) -> None:
        self._app = app
        self._publisher = publisher
        self._limits = limits
        self._clock = clock
        self._stop = stop

    def add_capture(self, topic: Topic, to_rows: ToRows, write: Write) -> None:
        """Hear a topic: decode, to_rows, write, tell the others, and then the offset."""
        capture = Capture(to_rows, write, self._clock)

        async def hear(messages: list[Message]) -> None:
            captured = await asyncio.to_thread(capture, messages)
            await self._publisher.send(topics.DEAD_LETTERS, topic.name, captured.dead)
            if captured.recorded:
                told = RecordedBatch(activities=captured.recorded)
                await self._publisher.send(topics.ACTIVITIES, topic.name, [told])

        self._add(topic, hear)

    def add_match(self, match: Match, write: Write) -> None:
        """Say of each recorded activity to whom it belongs."""

        async def decide(messages: list[Message]) -> None:
            recorded: list[Recorded] = []
            for message in messages:
                try:
                    recorded += decode_recorded(message.value).activities
                except Rejected as why:
                    await self._bury(message, why)
            if recorded:
                await asyncio.to_thread(lambda: write(match(recorded)))

        self._add(topics.ACTIVITIES, decide)

    def add_dead_letters(self, write: Write) -> None:
        """Put dead letters where people find them."""

        async def keep(messages: list[Message]) -> None:
            rows = []
            for message in messages:
                try:
                    rows.append(dead_letter.to_row(decode_dead_letter(message.value)))
                except Rejected as why:
                    log.warning("unreadable dead letter", why=str(why), offset=message.offset)
            if rows:
                await asyncio.to_thread(write, rows)

        self._add(topics.DEAD_LETTERS, keep)

    def add_commands(self, commands: Commands) -> None:
        """Carry out what people ask for."""

        async def obey(messages: list[Message]) -> None:
            for message in messages:
                try:
                    await commands.carry_out(decode_command(message.value))
                except Rejected as why:
                    await self._bury(message, why)

        self._add(topics.COMMANDS, obey)

    def _add(self, topic: Topic, carry_out: CarryOut) -> None:
        channel = self._app.topic(
            topic.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

        async def agent(stream: Any) -> None:
            limits = self._limits
            try:
                async for batch in batches(stream, limits.messages, limits.bytes, limits.seconds):
                    await _until_done(topic, carry_out, [_message(event) for event in batch])
            except Exception as error:  # noqa: BLE001 whatever it is, the batch must come again
                self._stop(error)
                await asyncio.Event().wait()

        self._app.agent(channel, name=f"ingest.{topic.name}")(agent)

    async def _bury(self, message: Message, why: Rejected) -> None:
        letter = DeadLetter(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            position=-1,
            reason=why.reason,
            detail=why.detail,
            failed_at=self._clock.now(),
            payload=message.value,
        )
        await self._publisher.send(topics.DEAD_LETTERS, message.topic, [letter])


async def _until_done(topic: Topic, carry_out: CarryOut, messages: list[Message]) -> None:
    """Try for ever what is Retryable, with back-off; anything else passes on."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("waiting", topic=topic.name, why=str(error), attempt=state.attempt_number)

    attempts = AsyncRetrying(
        retry=retry_if_exception_type(Retryable),
        wait=wait_exponential_jitter(initial=0.2, max=_MAX_WAIT_SECONDS),
        before_sleep=tell,
    )
    async for attempt in attempts:
        with attempt:
            try:
                await carry_out(messages)
            except* Retryable as waits:  # the publisher sends in parallel
                raise waits.exceptions[0] from None


def _message(event: Any) -> Message:
    message = event.message
    return Message(message.topic, message.partition, message.offset, message.value or b"")
