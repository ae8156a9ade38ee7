"""Time as an argument: a clock is passed in, wall time is read in one place."""

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2299, 12, 31, tzinfo=UTC)
"""The first and the last moment that a table keeps of what others say."""


class Clock(Protocol):
    """Tells what time it is, as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)  # noqa: TID251 the one place where wall time enters


class ManualClock:
    """A clock that moves when told to, for tests and replays."""

    def __init__(self, now: datetime) -> None:
        self._now = utc(now)

    def now(self) -> datetime:
        """Return the moment last set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration."""
        self._now += by


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC; a naive one is refused.

    Raises:
        ValueError: if the datetime carries no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: pass an aware datetime")
    return moment.astimezone(UTC)
