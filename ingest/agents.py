"""The agents: each carries out a topic's batches; an offset follows only what is durable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Final, TypeVar

import faust
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from contracts import topics
from contracts.clock import Clock
from contracts.command import Command
from contracts.command_rows import CommandRow
from contracts.errors import Rejected, Retryable
from contracts.rows import ActivityRow, MatchRow, Row
from contracts.topics import Topic
from contracts.wire import (
    OPENING,
    DeadLetter,
    Event,
    Recorded,
    RecordedBatch,
    decode_dead_letter,
    decode_envelope,
    decode_recorded,
    encode,
)
from ingest import dead_letter
from ingest.batches import Limits, batches
from ingest.commands import decode_command
from ingest.pipeline import Message, Outcome, Pipeline, Refused, Write
from ingest.publish import LogPublisher
from ingest.transport import channel

log = structlog.get_logger()

CarryOut = Callable[[list[Message]], Awaitable[None]]
Item = TypeVar("Item")
_MAX_WAIT_SECONDS: Final = 15
_MAX_RECORDED: Final = 1_000


class Agents:
    """Adds the agents to an app.

    Args:
        app: not started yet.
        limits: of every agent's batches.
    """

    def __init__(
        self, app: faust.App, publisher: LogPublisher, limits: Limits, clock: Clock
    ) -> None:
        self._app = app
        self._publisher = publisher
        self._limits = limits
        self._clock = clock

    def add_capture(
        self, topic: Topic, to_rows: Callable[[Event], Sequence[Row]], write: Write
    ) -> None:
        """Hear a topic: decode, to_rows, write, tell the others, and then the offset."""
        pipeline = Pipeline(lambda data: decode_envelope(data).events, to_rows, write)

        async def hear(messages: list[Message]) -> None:
            outcome = await asyncio.to_thread(pipeline.carry_out, messages)
            await self._bury(outcome)
            await self._publisher.send(topics.ACTIVITIES, topic.name, _recorded(outcome.rows))

        self.add(topic, hear)

    def add_match(
        self, match: Callable[[Iterable[Recorded]], Sequence[MatchRow]], write: Write
    ) -> None:
        """Say of each recorded activity to whom it belongs; one that fails is buried alone."""
        pipeline = Pipeline(lambda data: (decode_recorded(data).activities,), match, write)

        async def decide(messages: list[Message]) -> None:
            await self._bury(await asyncio.to_thread(pipeline.carry_out, messages))

        self.add(topics.ACTIVITIES, decide)

    def add_dead_letters(self, write: Write) -> None:
        """Put dead letters where people find them."""
        pipeline = Pipeline(
            lambda data: (decode_dead_letter(data),),
            lambda letter: (dead_letter.to_row(letter),),
            write,
        )

        async def keep(messages: list[Message]) -> None:
            outcome = await asyncio.to_thread(pipeline.carry_out, messages)
            rows = [dead_letter.to_row(self._letter(refused)) for refused in outcome.refused]
            if rows:
                await asyncio.to_thread(write, rows)

        self.add(topics.DEAD_LETTERS, keep)

    def add_commands(self, carry_out: Callable[[Command], Awaitable[CommandRow | None]]) -> None:
        """Carry out what people ask for, one after the other."""

        async def obey(messages: list[Message]) -> None:
            for message in messages:
                try:
                    await carry_out(decode_command(message.value))
                except Rejected as why:
                    await self._bury(Outcome(refused=[Refused(message, -1, None, why)]))

        self.add(topics.COMMANDS, obey)

    def add(self, topic: Topic, carry_out: CarryOut) -> None:
        """Hear a topic in batches; a batch's offsets follow when it has been carried out."""

        async def agent(stream: Any) -> None:
            async with aclosing(batches(stream, self._limits)) as them:
                async for batch in them:
                    if not await self._is_done(topic, carry_out, list(map(_message, batch))):
                        return

        self._app.agent(channel(self._app, topic), name=f"ingest.{topic.name}")(agent)

    async def _is_done(self, topic: Topic, carry_out: CarryOut, messages: list[Message]) -> bool:
        """Try for ever what is Retryable, with back-off; false if the worker stops before."""

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.warning("waiting", topic=topic.name, why=str(error), attempt=state.attempt_number)

        attempts = AsyncRetrying(
            retry=retry_if_exception_type(Retryable),
            wait=wait_exponential_jitter(initial=0.2, max=_MAX_WAIT_SECONDS),
            sleep=self._app.sleep,  # ends early when the worker stops
            stop=lambda _: self._app.should_stop,
            before_sleep=tell,
            reraise=True,
        )
        try:
            await attempts(carry_out, messages)
        except Retryable:
            return False
        return True

    async def _bury(self, outcome: Outcome[Item]) -> None:
        letters = [self._letter(refused) for refused in outcome.refused]
        for topic, of_topic in groupby(letters, attrgetter("topic")):
            await self._publisher.send(topics.DEAD_LETTERS, topic, of_topic)

    def _letter(self, refused: Refused[Item]) -> DeadLetter:
        event = refused.item if isinstance(refused.item, Event) else None
        alone = refused.item if isinstance(refused.item, Recorded) else None
        payload = encode(RecordedBatch(activities=(alone,))) if alone else refused.message.value
        return DeadLetter(
            topic=refused.message.topic,
            partition=refused.message.partition,
            offset=refused.message.offset,
            position=refused.position,
            reason=refused.why.reason,
            detail=refused.why.detail,
            failed_at=self._clock.now(),
            event=event,
            payload=b"" if event else payload,
        )


def _message(message: Any) -> Message:
    return Message(message.topic, message.partition, message.offset, message.value or b"")


def _recorded(rows: Iterable[Row]) -> Iterable[RecordedBatch]:
    """Return what the match agent needs to know of the activities among some rows."""
    recorded = (told(row) for row in rows if isinstance(row, ActivityRow))
    while piece := tuple(islice(recorded, _MAX_RECORDED)):
        yield RecordedBatch(activities=piece)


def told(row: ActivityRow) -> Recorded:
    """Return what the match agent needs to know of an activity."""
    outside, ours = _sides(row, is_ours=False), _sides(row, is_ours=True)
    return Recorded(
        activity_id=row.activity_id,
        event_time=row.event_time,
        outside=outside,
        ours=ours,
        thread_id=row.thread_id,
        channel=row.channel,
        subject=row.subject,
        opening=row.body[:OPENING],
    )


def _sides(row: ActivityRow, *, is_ours: bool) -> tuple[str, ...]:
    """Return the addresses of one side, each once."""
    people = zip(row.participant_address, row.participant_is_ours, strict=True)
    return tuple(dict.fromkeys(address for address, ours in people if ours is is_ours))
