"""When a mail's file was taken in, and how many were on each day."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime


def held_at(file: os.stat_result) -> datetime | None:
    """Return when a file's content came; None if its time is none that there can be."""
    try:
        return datetime.fromtimestamp(file.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def by_day(
    held: Iterable[tuple[str, datetime | None]], since: datetime, until: datetime
) -> Mapping[str, Counter[date]]:
    """Count by day (UTC), from since to until, what each observer holds."""
    days: dict[str, Counter[date]] = defaultdict(Counter)
    for observer, moment in held:
        counted = days[observer]  # named even if none of its mails is counted
        if moment and since <= moment < until:
            counted[moment.date()] += 1
    return days
