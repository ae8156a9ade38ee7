"""Batches whose offsets are committed only after they were carried out."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any


async def batches(
    stream: Any,
    max_messages: int,
    max_bytes: int,
    within_seconds: float,
) -> AsyncIterator[list[Any]]:
    """Yield batches of Faust events, each acknowledged when the body asks for the next one.

    Order within a partition is kept. A batch is complete when it is full, or `within_seconds` after
    its first message. A body that raises or is cancelled acknowledges nothing: the batch comes
    again after a restart. (Faust's own `take` acknowledges in a `finally`, and so loses it.)

    An exception must stop the worker: within this process the batch would never come again.
    """
    await stream.maybe_start()
    consumer = stream.app.consumer
    while not stream.should_stop:
        batch = await _gather(stream.channel, max_messages, max_bytes, within_seconds)
        generation = stream.app.consumer_generation_id
        batch = [event for event in batch if event.message.generation_id == generation]
        for event in batch:
            if not event.message.tracked:
                event.message.tracked = True
                consumer.track_message(event.message)
        if batch:
            stream.events_total += len(batch)
            yield batch
        for event in batch:
            event.ack()
        await asyncio.sleep(0)


async def _gather(
    channel: Any,
    max_messages: int,
    max_bytes: int,
    within_seconds: float,
) -> list[Any]:
    batch = [await anext(channel)]
    size = len(batch[0].message.value or b"")
    deadline = monotonic() + within_seconds
    while len(batch) < max_messages and size < max_bytes:
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
