"""The limit: a bare confluent-kafka consumer, a decoder, an insert, a commit; no framework."""

from confluent_kafka import Consumer

from bench.events import decode
from bench.peers.sink import Sink
from bench.throughput.task import Meter, Task, spare_collector


def main(task: Task) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": task.kafka,
            "group.id": task.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([task.topic])
    sink, meter = Sink(task.warehouse, task.table), Meter(task.events)
    while True:
        messages = consumer.consume(task.messages, 0.2)
        if messages:
            meter.begin()
            rows = [row for message in messages for row in decode(message.value()).events]
            sink.store(rows)
            consumer.commit(asynchronous=True)
            meter.stored(len(rows))


if __name__ == "__main__":
    spare_collector()
    main(Task.given())
