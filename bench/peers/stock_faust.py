"""Faust as it comes: its own transport, and `stream.take`, which acknowledges what failed too."""

import asyncio

import faust
import uvloop

from bench.events import decode
from bench.peers.sink import Sink
from bench.throughput.task import Meter, Task, spare_collector


def app_of(task: Task) -> faust.App:
    app = faust.App(
        task.group,
        broker=task.log,
        datadir=task.scratch,
        topic_partitions=task.partitions,
        web_enabled=False,
        broker_max_poll_records=500,
        stream_buffer_maxsize=task.messages,
    )
    sink, meter = Sink(task.warehouse, task.table), Meter(task.events)
    topic = app.topic(task.topic, value_type=bytes, value_serializer="raw")

    @app.agent(topic)
    async def agent(stream: faust.StreamT[bytes]) -> None:
        async for batch in stream.take(task.messages, within=0.2):
            meter.begin()
            rows = [row for data in batch for row in decode(data).events]
            await asyncio.to_thread(sink.store, rows)
            meter.stored(len(rows))

    return app


async def main(task: Task) -> None:
    app = app_of(task)
    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    spare_collector()
    uvloop.run(main(Task.given()))
