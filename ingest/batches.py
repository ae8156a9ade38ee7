"""Batches whose offsets are committed only after they were carried out."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from time import monotonic
from typing import Any


@dataclass(frozen=True)
class Limits:
    """When a batch is complete: with this many messages or bytes, or after this long."""

    messages: int
    seconds: float
    bytes: int = 4_000_000


async def batches(stream: Any, limits: Limits) -> AsyncGenerator[list[Any], None]:
    """Yield batches of Faust events, each acknowledged when the body asks for the next one.

    Order within a partition is kept. A batch is complete when it is full, or the given time after
    its first message. A body that raises, is cancelled or just leaves acknowledges nothing: the
    batch comes again after a restart. (Faust's own `take` acknowledges in a `finally`, and so loses
    it.) Iterate under `contextlib.aclosing`, so that leaving is noticed at once.

    An exception must stop the worker: within this process the batch would never come again.
    """
    await stream.maybe_start()
    while not stream.should_stop:
        try:
            gathered = await _gather(stream.channel, limits)
        except StopAsyncIteration:  # the channel has ended: the worker stops
            return
        if stream.app.should_stop:
            return
        batch = _of_this_generation(stream.app, gathered)
        _track(stream.app.consumer, batch)
        if batch:
            stream.events_total += len(batch)
            try:
                yield batch
            except GeneratorExit:
                _forget(stream.app.consumer, batch)
                raise
            _acknowledge(stream.app, batch)
        await asyncio.sleep(0)


async def _gather(channel: Any, limits: Limits) -> list[Any]:
    batch = [await anext(channel)]
    size = len(batch[0].message.value or b"")
    deadline = monotonic() + limits.seconds
    while len(batch) < limits.messages and size < limits.bytes:
        event = await _next(channel.queue, deadline)
        if event is None:
            break
        batch.append(event)
        size += len(event.message.value or b"")
    return batch


async def _next(queue: Any, deadline: float) -> Any | None:
    if not queue.empty():
        return queue.get_nowait()
    left = deadline - monotonic()
    if left <= 0:
        return None
    try:
        return await asyncio.wait_for(queue.get(), left)
    except TimeoutError:
        return None


def _of_this_generation(app: Any, events: list[Any]) -> list[Any]:
    """Return what still belongs to this worker: after a rebalance, the rest comes again."""
    generation = app.consumer_generation_id
    return [event for event in events if event.message.generation_id == generation]


def _track(consumer: Any, batch: list[Any]) -> None:
    """Let a worker that stops wait for the batch."""
    for event in batch:
        if not event.message.tracked:
            event.message.tracked = True
            consumer.track_message(event.message)


def _forget(consumer: Any, batch: list[Any]) -> None:
    """Let a worker that stops not wait for a batch that was left."""
    for event in batch:
        consumer.unacked.discard(event.message)


def _acknowledge(app: Any, batch: list[Any]) -> None:
    for event in batch:
        message = event.message
        if event.ack():
            app.sensors.on_message_out(message.tp, message.offset, message)
