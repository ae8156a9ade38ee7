"""Follows a source: reads it again and again, waits out what fails, and proves it complete."""

import asyncio
from datetime import datetime
from random import uniform
from time import monotonic
from typing import Final

import structlog
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from contracts.capture_rows import SourceStateRow
from contracts.clock import Clock
from contracts.errors import Retryable, UserError
from ingest.count import counted
from ingest.late import Latecomers
from ingest.run import Run
from ingest.source import Countable, Patient
from warehouse.writer import Writer

MAX_WAIT_SECONDS: Final = 60.0

_FIRST_WAIT_SECONDS: Final = 1.0
_COUNT_SECONDS: Final = 3_600.0
_STATE_SECONDS: Final = 60.0
_SLICE_SECONDS: Final = 1.0
_ATTEMPTS: Final = 6

log = structlog.get_logger()


class Follower:
    """Reads a source for as long as it is wanted; one that is not followed, once."""

    def __init__(self, run: Run, late: Latecomers, writer: Writer, clock: Clock) -> None:
        self._run = run
        self._source = run.source
        self._late = late
        self._writer = writer
        self._clock = clock
        self._read_at: datetime | None = None
        self._told: tuple[str, str] = ("", "")
        self._told_at = self._counted_at = float("-inf")

    async def read_once(self) -> None:
        """Read to the end, going on from the cursor where the source fails for a moment.

        Raises:
            UserError: if it can't be read as asked.
            Retryable: if it can't be read now, and not after some tries either.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(Retryable),
            wait=wait_exponential_jitter(multiplier=0.5, max=MAX_WAIT_SECONDS / 2),
            stop=stop_after_attempt(_ATTEMPTS),
            reraise=True,
        )
        await attempts(self._pass)

    async def follow(self, *, at_once: bool = True) -> None:
        """Read, wait for what is new, and so on until cancelled.

        What fails is told, in the log and in `raw.source_state`, and tried again: soon at first,
        then more seldom; once a minute where a person has to change something.

        Args:
            at_once: whether what is wrong from the beginning is raised, and not tried again.
        """
        if at_once:
            await self.read_once()
        failed = 0
        while True:
            try:
                if at_once:
                    await self._wait(self._source.follow_seconds or MAX_WAIT_SECONDS)
                at_once = True
                await self._pass()
                failed = 0
            except (Retryable, UserError) as error:
                at_once, failed = False, failed + 1
                log.warning("source can't be read now", source=self._source.name, why=str(error))
                await self._tell("waiting", str(error))
                await asyncio.sleep(_pause(error, failed))

    async def _pass(self) -> None:
        """Read once; what is held before it began is counted, for it was heard or is missing."""
        started_at = self._clock.now()
        await self._run.read()
        await self._late.catch_up(self._run)
        self._read_at = started_at
        if isinstance(self._source, Countable) and monotonic() - self._counted_at > _COUNT_SECONDS:
            await self._run.in_thread(self._count, self._source, started_at)
            self._counted_at = monotonic()
        if self._source.follow_seconds is not None:
            await self._tell("reading", "")

    def _count(self, source: Countable, until: datetime) -> None:
        if rows := counted(source, until):
            self._writer.write(rows)

    async def _wait(self, seconds: float) -> None:
        """Wait until the source says that something is new, and no longer than this."""
        if not isinstance(self._source, Patient):
            await asyncio.sleep(seconds)
            return
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            if await self._run.in_thread(self._source.wait, min(left, _SLICE_SECONDS)):
                return

    async def _tell(self, state: str, detail: str) -> None:
        """Note how the source fares: when that changes, and once a minute."""
        if self._told == (state, detail) and monotonic() - self._told_at < _STATE_SECONDS:
            return
        row = SourceStateRow(
            source=self._source.name,
            state=state,
            detail=detail,
            read_at=self._read_at,
            checked_at=self._clock.now(),
        )
        try:
            await self._run.in_thread(self._writer.write, [row])
        except Retryable as error:
            log.warning("a source's state can't be noted now", why=str(error))
        self._told, self._told_at = (state, detail), monotonic()


def _pause(error: Exception, failed: int) -> float:
    """Return how long to leave a source alone, no two of a server's mailboxes equally long."""
    longest = MAX_WAIT_SECONDS
    if isinstance(error, Retryable):
        longest = min(_FIRST_WAIT_SECONDS * 2 ** min(failed, 10), longest)
    return longest * uniform(0.5, 1)  # noqa: S311 nothing secret
