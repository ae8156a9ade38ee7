"""`python -m ingest.worker`: hears the log until SIGTERM; its exit code says how it ended."""

import asyncio
import errno
import gc
import os
import signal
import sys
from enum import IntEnum
from typing import Final

import faust
import structlog
import uvloop

from contracts.clock import SystemClock
from contracts.errors import HeadwaterError, Retryable
from ingest.app import build_app
from ingest.logs import configure_logs
from settings import Settings, load

log = structlog.get_logger("ingest.worker")

_STOP_SECONDS: Final = 10
_COLLECT_EVERY: Final = 50_000


class Exit(IntEnum):
    """How the worker ended; the numbers are those of sysexits.h."""

    STOPPED = 0
    """It was asked to."""
    FAILED = 70
    """An error that nobody foresaw; what it was carrying out comes again."""
    NOT_NOW = 75
    """Something is missing that may come back, such as room on the disk, or a free port."""
    REFUSED = 78
    """It can't go on before a person changes something; the last line says what."""


async def run(app: faust.App) -> None:
    """Run an app until SIGTERM, SIGINT, or an error that leaves an agent.

    What is being carried out when the signal comes is finished, and its offset committed; what is
    waiting for the warehouse is left, and comes again.

    Raises:
        BaseException: what stopped the app.
    """
    _spare_collector()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    living = asyncio.create_task(_live(app))
    asking = asyncio.create_task(asked.wait())
    await asyncio.wait({living, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    await _stop(app)
    await living
    if app.crash_reason is not None:
        raise app.crash_reason


def _spare_collector() -> None:
    """Look for reference cycles seldom, and not among what is here already.

    Messages and rows are many, short-lived and without cycles: by its defaults, the collector takes
    a third of a worker's time (docs/throughput.md).
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 20)


async def _live(app: faust.App) -> None:
    await app.start()
    await app.wait_until_stopped()


async def _stop(app: faust.App) -> None:
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await app.stop()
    except TimeoutError as error:
        os._exit(end(error))  # a thread waits for the warehouse: it would keep the process alive


def end(error: BaseException | None) -> Exit:
    """Say why the worker ends, and return the exit code that says the same."""
    match error:
        case None:
            log.info("the worker was asked to stop")
            return Exit.STOPPED
        case Retryable():
            log.error("the worker stops", why=str(error))
            return Exit.NOT_NOW
        case HeadwaterError():
            log.error("the worker stops until someone changes that", why=str(error))
            return Exit.REFUSED
        case TimeoutError():
            log.error("the worker stops without waiting for the warehouse any longer")
            return Exit.NOT_NOW
        case OSError(errno=errno.EADDRINUSE):
            log.error("the worker stops", why=f"{error}: set HEADWATER_WORKER_PORT to a free port")
            return Exit.NOT_NOW
        case _:
            log.error("the worker stops on an unforeseen error", exc_info=error)
            return Exit.FAILED


async def _serve(settings: Settings) -> None:
    await run(build_app(settings, SystemClock()))


def main() -> None:
    """Run the worker of this environment's settings."""
    try:
        settings = load()
        configure_logs(settings.log_level)
        uvloop.run(_serve(settings))
    except Exception as error:  # noqa: BLE001 the exit code says what it was
        sys.exit(end(error))
    sys.exit(end(None))


if __name__ == "__main__":
    main()
