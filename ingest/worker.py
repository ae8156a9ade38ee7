"""`python -m ingest.worker`: hears the log until SIGTERM; its exit code says how it ended."""

import asyncio
import logging
import signal
import sys
from typing import Final

import structlog
import uvloop

from contracts.clock import SystemClock
from contracts.errors import Fatal, HeadwaterError
from ingest.app import build_app
from settings import Settings, load

log = structlog.get_logger()

STOPPED: Final = 0
FAILED: Final = 1


async def serve(settings: Settings) -> int:
    """Run the worker until a signal or an error stops it; return the exit code.

    On SIGTERM what is being written is finished or abandoned without its offset: it comes again.
    """
    stopped: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def stop(error: BaseException | None = None) -> None:
        if not stopped.done():
            stopped.set_result(error)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    app = build_app(settings, SystemClock(), stop)
    await app.start()
    crashed: asyncio.Future[object] = asyncio.ensure_future(app._crashed.wait())  # noqa: SLF001 Faust tells it nowhere else
    waited: set[asyncio.Future[object]] = {stopped, crashed}  # type: ignore[arg-type] invariant
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    crashed.cancel()
    why = stopped.result() if stopped.done() else app.crash_reason
    if why is not None:
        log.error("the worker stops", why=str(why), exc_info=not isinstance(why, HeadwaterError))
    await app.stop()
    return STOPPED if why is None else FAILED


def main() -> None:
    """Run the worker of this environment's settings."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    try:
        code = uvloop.run(serve(load()))
    except HeadwaterError as error:
        log.error("the worker can't start", why=str(error), fatal=isinstance(error, Fatal))  # noqa: TRY400
        code = FAILED
    sys.exit(code)


if __name__ == "__main__":
    main()
