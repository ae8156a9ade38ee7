"""When a mail was sent, and by whose clock: headers lie, relays less, and the future is a lie."""

import re
from calendar import timegm
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from contracts.activity import TimeQuality
from transforms import mime
from transforms.mime import Part

MAX_DATE_CHARS: Final = 200
FUTURE_TOLERANCE: Final = timedelta(days=1)
UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_OFFSET_MINUTES: Final = 14 * 60

_ZONE: Final = re.compile(r"[+-]\d{4}\b|\b(?:GMT|UTC?|Z|[ECMP][SD]T)\b")


def event_time(message: Part, received_at: datetime) -> tuple[datetime, TimeQuality]:
    """Return when it was sent: as stated, else as first believable relay says, else unknown.

    Long ago is believed, for an old activity counts for little; the future is not.
    """
    stated = stated_time(message)
    if stated and stated <= received_at + FUTURE_TOLERANCE:
        return stated, TimeQuality.STATED
    for received in mime.raw_all(message, "Received"):
        relayed, _ = _moment(received.rpartition(";")[2])
        if relayed and relayed <= received_at + FUTURE_TOLERANCE:
            return relayed, TimeQuality.RELAYED
    return UNKNOWN_TIME, TimeQuality.HEARD


def stated_time(message: Part) -> datetime | None:
    """Return what the Date header says, in UTC; None for nonsense and before 1970."""
    return _moment(mime.words(message, "Date"))[0]


def utc_offset_minutes(message: Part, sent_at: datetime, time_zone: str) -> int:
    """Return the offset of the author's clock that the Date header states, else of a time zone's.

    `-0000` says that the clock is not known (RFC 5322).
    """
    _, stated = _moment(mime.words(message, "Date"))
    if stated is not None and abs(stated) <= MAX_OFFSET_MINUTES:
        return stated
    offset = _zone(time_zone).utcoffset(sent_at.replace(tzinfo=None))
    return int(offset.total_seconds()) // 60 if offset else 0


@lru_cache(maxsize=64)
def _moment(value: str) -> tuple[datetime | None, int | None]:
    """Return a header's date in UTC, to the second, and its stated offset in minutes.

    None for nonsense and before 1970. A date without a zone is read as UTC.
    """
    try:
        parsed = parsedate_tz(value[:MAX_DATE_CHARS])
        seconds = timegm(parsed[:6]) - (parsed[9] or 0) if parsed else -1
        if not parsed or seconds <= 0:
            return None, None
        stated = _ZONE.search(value)
        offset = (parsed[9] or 0) // 60 if stated and stated.group() != "-0000" else None
        return datetime.fromtimestamp(seconds, UTC), offset
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None, None


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
