"""FastStream over confluent-kafka: a batch subscriber, acknowledged after the handler."""

import asyncio
import logging

import uvloop
from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker, KafkaMessage

from bench.events import decode
from bench.peers.sink import Sink
from bench.throughput.task import Meter, Task, spare_collector


async def bytes_of(message: KafkaMessage) -> list[bytes]:
    """Decode nothing: the handler takes the bodies as they are."""
    return message.body


def app_of(task: Task) -> FastStream:
    broker = KafkaBroker(task.kafka, apply_types=False, log_level=logging.WARNING)
    sink, meter = Sink(task.warehouse, task.table), Meter(task.events)

    @broker.subscriber(
        task.topic,
        group_id=task.group,
        auto_offset_reset="earliest",
        batch=True,
        max_records=task.messages,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=bytes_of,
    )
    async def store(batch: list[bytes]) -> None:
        meter.begin()
        rows = [row for data in batch for row in decode(data).events]
        await asyncio.to_thread(sink.store, rows)
        meter.stored(len(rows))

    return FastStream(broker)


if __name__ == "__main__":
    spare_collector()
    uvloop.run(app_of(Task.given()).run())
