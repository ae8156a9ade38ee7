"""Quix Streams: an expanded dataframe into a sink that writes at each checkpoint."""

from quixstreams import Application
from quixstreams.models import BytesDeserializer
from quixstreams.sinks.base import BaseSink

from bench.events import EventRow, decode
from bench.peers.sink import Sink
from bench.throughput.task import Meter, Task, spare_collector


class EventSink(BaseSink):
    """Gathers the rows of all partitions, and stores them when the checkpoint asks for it."""

    def __init__(self, task: Task, meter: Meter) -> None:
        super().__init__()
        self._sink = Sink(task.warehouse, task.table)
        self._meter = meter
        self._rows: list[EventRow] = []

    def add(self, value: EventRow, *_: object, **__: object) -> None:
        """Take a row."""
        self._rows.append(value)

    def flush(self) -> None:
        """Store what was taken."""
        if self._rows:
            self._sink.store(self._rows)
            self._meter.stored(len(self._rows))
            self._rows = []


def main(task: Task) -> None:
    app = Application(
        broker_address=task.kafka,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        commit_every=task.messages,
        commit_interval=0.5,
        state_dir=task.scratch,
        auto_create_topics=False,
        loglevel="WARNING",
    )
    meter = Meter(task.events)

    def rows(data: bytes) -> tuple[EventRow, ...]:
        meter.begin()
        return decode(data).events

    topic = app.topic(task.topic, value_deserializer=BytesDeserializer())
    frame = app.dataframe(topic).apply(rows, expand=True)
    frame.sink(EventSink(task, meter))
    app.run()


if __name__ == "__main__":
    spare_collector()
    main(Task.given())
