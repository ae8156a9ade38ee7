"""Batches whose offsets are committed only after they were carried out."""

import asyncio
from collections import deque
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
    """Yield batches of Faust messages, each acknowledged when the body asks for the next one.

    They come through our drain. Order within a partition is kept. A batch is complete when it is
    full, or the given time after its first message. A body that raises, is cancelled or just leaves
    acknowledges nothing: the batch comes again after a restart. (Faust's own `take` acknowledges in
    a `finally`, and so loses it.) Iterate under `contextlib.aclosing`, so that leaving is noticed
    at once.

    An exception must stop the worker: within this process the batch would never come again.
    """
    await stream.maybe_start()
    waiting: deque[Any] = deque()
    while not stream.should_stop:
        try:
            gathered = await _gather(stream.channel, waiting, limits)
        except StopAsyncIteration:  # the channel has ended: the worker stops
            return
        if stream.app.should_stop:
            return
        batch = _of_this_generation(stream.app, gathered)
        consumer = stream.app.consumer
        consumer.track(batch)
        if batch:
            stream.events_total += len(batch)
            try:
                yield batch
            except GeneratorExit:
                consumer.forget(batch)
                raise
            consumer.acknowledge(batch)
        await asyncio.sleep(0)


async def _gather(channel: Any, waiting: deque[Any], limits: Limits) -> list[Any]:
    """Take a batch from the messages that wait, and from the channel where they don't suffice."""
    if not waiting:
        waiting.extend(await anext(channel))
    batch: list[Any] = []
    size = 0
    deadline = monotonic() + limits.seconds
    while len(batch) < limits.messages and size < limits.bytes:
        if not waiting:
            waiting.extend(await _next(channel.queue, deadline))
            if not waiting:
                break
        message = waiting.popleft()
        batch.append(message)
        size += len(message.value or b"")
    return batch


async def _next(queue: Any, deadline: float) -> list[Any]:
    """Return the channel's next messages; none if they don't come in time."""
    if not queue.empty():
        return queue.get_nowait()
    left = deadline - monotonic()
    if left <= 0:
        return []
    try:
        return await asyncio.wait_for(queue.get(), left)
    except TimeoutError:
        return []


def _of_this_generation(app: Any, messages: list[Any]) -> list[Any]:
    """Return what still belongs to this worker: after a rebalance, the rest comes again."""
    generation = app.consumer_generation_id
    return [message for message in messages if message.generation_id == generation]
