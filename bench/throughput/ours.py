"""The platform's own path: its transport, drain, batches, pipeline and writer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import faust
import uvloop
from mode import CrashingSupervisor
from pydantic import SecretStr

from bench.events import EventRow, decode
from bench.throughput.task import Meter, Task
from contracts.clock import SystemClock
from contracts.rows import Row
from contracts.topics import Topic
from ingest.agents import Agents
from ingest.batches import Limits
from ingest.pipeline import Message, Pipeline
from ingest.publish import LogPublisher
from ingest.transport import connect
from ingest.worker import run
from settings import Settings
from warehouse.writer import Writer


def app_of(task: Task) -> faust.App:
    """Return an app that carries out a task with one agent, as the worker's agents do."""
    settings = Settings(home=Path(task.scratch), log_url=task.log, log_partitions=task.partitions)
    app = connect(
        settings,
        task.group,
        agent_supervisor=CrashingSupervisor,
        broker_max_poll_records=500,
        stream_buffer_maxsize=4,
        web_enabled=False,
    )
    meter = Meter(task.events)
    EventRow.table = task.table
    write = Writer(SecretStr(task.warehouse)).write if task.table else _forget
    pipeline = Pipeline(lambda data: decode(data).events, lambda row: (row,), write)

    async def store(messages: list[Message]) -> None:
        meter.begin()
        outcome = await asyncio.to_thread(pipeline.carry_out, messages)
        meter.stored(len(outcome.rows))

    limits = Limits(task.messages, settings.batch_seconds)
    Agents(app, LogPublisher(app), limits, SystemClock()).add(Topic(task.topic), store)
    return app


def _forget(_: Sequence[Row]) -> None:
    """Store nothing."""


if __name__ == "__main__":
    uvloop.run(run(app_of(Task.given())))
