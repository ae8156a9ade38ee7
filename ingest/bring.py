"""Brings in a source: reads it, publishes what it yields, and tells what became of everything."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from contracts.clock import Clock, SystemClock
from ingest.account import Account, wait_for
from ingest.follow import Follower
from ingest.gate import Gate
from ingest.gone import withdraw_unheard
from ingest.late import Latecomers, Quarantine
from ingest.publish import LogPublisher, Publisher
from ingest.run import Progress, Run
from ingest.source import Source
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer


async def bring_in(
    settings: Settings,
    source: Source,
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Account:
    """Read a source into the log, wait until all of it has an outcome, and return the account.

    A cursor is kept only when the log has everything before it: whatever stops this, the next run
    misses nothing. A source that is followed is read until this is cancelled, which ends the run:
    the account is returned.

    Raises:
        UserError: if the source can't be read, or no worker carries out what was published.
        Retryable: if the source can't be read now, and could not for some tries.
    """
    clock = clock or SystemClock()
    began_at = clock.now()
    with warehouse(settings) as (reader, writer):
        async with Publisher(settings) as publisher:
            with running(settings, source, publisher, (reader, writer), clock) as (run, follower):
                run.tell(progress)
                await _read(follower, is_followed=source.follow_seconds is not None)
        account = await wait_for(reader, source.name, run.ingest_run, run.sent)
        if source.kind == "mail" and not source.resumes:
            withdraw_unheard(reader, writer, source.name, run.ingest_run, began_at, clock)
        return replace(account, unknown=run.unknown)


async def _read(follower: Follower, *, is_followed: bool) -> None:
    if not is_followed:
        await follower.read_once()
        return
    with suppress(asyncio.CancelledError):
        await follower.follow()
    _not_cancelled()


@contextmanager
def warehouse(settings: Settings) -> Iterator[tuple[Reader, Writer]]:
    """Have connections of one's own while the body runs."""
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    try:
        yield reader, writer
    finally:
        reader.close()
        writer.close()


@contextmanager
def running(
    settings: Settings,
    source: Source,
    publisher: LogPublisher,
    connections: tuple[Reader, Writer],
    clock: Clock,
) -> Iterator[tuple[Run, Follower]]:
    """Have a run of a source, and whoever follows it, while the body runs."""
    reader, writer = connections
    gate = Gate(reader, settings, clock)
    run = Run(source, publisher, connections, gate, clock)
    late = Latecomers(Quarantine(reader, gate.people), writer, clock)
    try:
        yield run, Follower(run, late, writer, clock)
    finally:
        run.leave()


def _not_cancelled() -> None:
    """Take back the cancellation that ended a following run: the account is still to come."""
    if task := asyncio.current_task():
        task.uncancel()
