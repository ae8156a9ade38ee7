"""Bytewax: a dataflow of whole batches. Without its recovery store, it remembers no offset."""

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from bench.events import EventRow, decode
from bench.peers.sink import Sink
from bench.throughput.task import Meter, Task, spare_collector


class EventSink(DynamicSink[EventRow]):
    """Each worker has a connection."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def build(self, *_: object) -> "EventPartition":
        """Connect."""
        return EventPartition(self._task)


class EventPartition(StatelessSinkPartition[EventRow]):
    """Stores what comes, batch by batch."""

    def __init__(self, task: Task) -> None:
        self._sink = Sink(task.warehouse, task.table)
        self._meter = Meter(task.events)

    def write_batch(self, items: list[EventRow]) -> None:
        """Store a batch."""
        self._meter.begin()
        self._sink.store(items)
        self._meter.stored(len(items))


def flow_of(task: Task) -> Dataflow:
    flow = Dataflow("events")
    source = KafkaSource([task.kafka], [task.topic], batch_size=task.messages // task.partitions)
    heard = op.input("heard", flow, source)
    rows = op.flat_map_batch(
        "rows",
        heard,
        lambda batch: [row for message in batch for row in decode(message.value).events],
    )
    op.output("stored", rows, EventSink(task))
    return flow


if __name__ == "__main__":
    spare_collector()
    run_main(flow_of(Task.given()))
