"""When the meetings of a series take place, as far as a rule is followed (RFC 5545, 3.3.10)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

MAX_MEETINGS: Final = 1_000
"""Of a series; those after them are not followed."""

_WEEKDAY: Final = re.compile(r"([+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)")
_MAX_INTERVAL: Final = 99
_MAX_POSITION: Final = 4  # every weekday comes as often in a month
_ALWAYS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_FOLLOWED: Final[Mapping[str, frozenset[str]]] = {
    "DAILY": frozenset({"BYDAY"}),
    "WEEKLY": frozenset({"BYDAY"}),
    "MONTHLY": frozenset({"BYDAY", "BYSETPOS"}),
    "YEARLY": frozenset(),
}

Rule = Mapping[str, Sequence[object]]


def followed(rule: Rule, start: datetime) -> str:
    """Return a rule as text, without what its first meeting tells anyway.

    What calendars write is followed: every so many days, weeks, months or years, on weekdays, or on
    the first to fourth or the last of one in a month. A rule that may never come true again would
    be searched for up to the year 9999, and no meeting is held every hour.

    Args:
        rule: its parts, such as `{"FREQ": ["WEEKLY"], "BYDAY": ["MO"]}`.
        start: of the first meeting, on its own clock.

    Raises:
        ValueError: if it is none of these.
    """
    parts = {name.upper(): [*map(str, values)] for name, values in rule.items()}
    every = "".join(parts.get("FREQ", ())).upper()
    if parts.get("BYMONTHDAY") == [str(start.day)] and every in {"MONTHLY", "YEARLY"}:
        del parts["BYMONTHDAY"]
    if parts.get("BYMONTH") == [str(start.month)] and every == "YEARLY":
        del parts["BYMONTH"]
    if every not in _FOLLOWED or not parts.keys() <= _ALWAYS | _FOLLOWED[every]:
        raise ValueError("its recurrence is none that is followed")
    _refuse_what_may_never_come(parts, every)
    if "UNTIL" in parts:
        parts["UNTIL"] = [_until(rule["UNTIL"], start)]
    told = ";".join(f"{name}={','.join(values)}" for name, values in parts.items())
    rrulestr(told, dtstart=start)  # `INTERVAL=2,3`: what is stored must be readable ever after
    return told


def meetings(rule: str, start: datetime, time_zone: str) -> Iterator[datetime]:
    """Yield when each begins (UTC), in order: at the same time of day on the series' clock.

    The first is always among them; at most `MAX_MEETINGS` are.
    """
    clock = ZoneInfo(time_zone or "UTC")
    found = rrulestr(rule, dtstart=start.astimezone(clock))
    yield start
    yield from islice(
        (moment for one in found if (moment := one.astimezone(UTC)) != start), MAX_MEETINGS - 1
    )


def _refuse_what_may_never_come(parts: Mapping[str, Sequence[str]], every: str) -> None:
    days = [_WEEKDAY.fullmatch(day) for day in parts.get("BYDAY", ())]
    has_ordinal = any(day and day.group(1) for day in days)
    interval = _whole(parts, "INTERVAL", 1)
    positions = [int(position) for position in parts.get("BYSETPOS", ())]
    if (
        None in days
        or not 1 <= interval <= _MAX_INTERVAL
        or _whole(parts, "COUNT", 1) < 1
        or (has_ordinal and (every != "MONTHLY" or positions))
        or (days and every == "DAILY" and interval > 1)
        or any(not 1 <= abs(position) <= _MAX_POSITION for position in positions)
    ):
        raise ValueError("its recurrence may never come true")


def _whole(parts: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    return int(parts[name][0]) if parts.get(name) else default


def _until(values: Sequence[object], start: datetime) -> str:
    """Return the end as the standard wants it: UTC; a day ends with it, on the series' clock."""
    ends = values[0]
    if isinstance(ends, datetime):
        moment = ends if ends.tzinfo else ends.replace(tzinfo=start.tzinfo)
    elif isinstance(ends, date):
        moment = start.replace(year=ends.year, month=ends.month, day=ends.day, hour=23, minute=59)
    else:
        raise ValueError(f"its recurrence ends at {ends!s:.40}")  # noqa: TRY004 strangers' bytes
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
