"""How many mails a source holds of each of the last days, as rows."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from contracts.capture_rows import ProviderCountRow
from ingest.source import Countable

COUNTED_DAYS: Final = 31


def counted(source: Countable, until: datetime, days: int = COUNTED_DAYS) -> list[ProviderCountRow]:
    """Return a row for each observer and each day (UTC) up to a moment; raises as the source does.

    Args:
        source: is asked.
        until: only what was taken in before it is counted.
        days: how many, that of `until` among them.
    """
    first = (until - timedelta(days=days - 1)).date()
    held = source.count(datetime.combine(first, time(), UTC), until)
    return [
        ProviderCountRow(
            source=source.name,
            observer=observer,
            held_on=day,
            held=by_day[day],
            counted_until=until,
        )
        for observer, by_day in held.items()
        for day in (first + timedelta(days=number) for number in range(days))
    ]
