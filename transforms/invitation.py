"""The calendars in a mail (iCalendar, RFC 5545; iTIP, RFC 5546): what they say of meetings.

A library reads them, after all that is not needed was taken out: a time zone that the mail itself
defines would be remembered for every other mail, and what alarms, attachments and descriptions hold
is none of our business.
"""

import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.company import Company
from contracts.invitation import Invitation, Method
from transforms import mime
from transforms.calendar_event import CalendarEvent
from transforms.encodings import clean
from transforms.mime import Part

# What the library guesses of strangers' clocks would be told, and remembered, each time anew.
warnings.filterwarnings("ignore", module=r"icalendar\.")

MAX_CHARS: Final = 200_000
MAX_LINES: Final = 2_000
MAX_EVENTS: Final = 50

_METHODS: Final[dict[str, Method]] = {
    "REQUEST": "request", "REPLY": "reply", "CANCEL": "cancel", "COUNTER": "counter",
}  # fmt: skip
_FOLD: Final = re.compile(r"\n[ \t]")
_NAME: Final = re.compile(r"[A-Za-z-]{1,40}(?=[;:])")
_READ: Final = frozenset({
    "BEGIN", "END", "METHOD", "UID", "RECURRENCE-ID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND",
    "DURATION", "STATUS", "SUMMARY", "ORGANIZER", "ATTENDEE", "RRULE", "EXDATE",
})  # fmt: skip
_COMPONENTS: Final = frozenset({"VCALENDAR", "VEVENT"})


class Read(NamedTuple):
    """The invitations of a mail, and the first thing in them that can't be read; else empty."""

    invitations: tuple[Invitation, ...] = ()
    unread: str = ""


def invitations(message: Part, sent_at: datetime, company: Company) -> Read:
    """Return what a mail's calendars say. Never raises: what can't be read is told.

    Of several copies of one calendar in a mail the first counts.

    Args:
        message: the mail.
        sent_at: when it was sent, for what a calendar leaves out.
        company: its clock is that of a time without a zone.
    """
    found: dict[tuple[str, str], Invitation] = {}
    unread: list[str] = []
    for part in mime.leaves(message):
        if part.content_type == "text/calendar" and part.body.strip():
            for one in _said(part, sent_at, ZoneInfo(company.time_zone)):
                if isinstance(one, Invitation):
                    found.setdefault((one.uid, one.recurrence_id), one)
                else:
                    unread.append(one)
    return Read(tuple(found.values()), next(iter(unread), ""))


def _said(part: Part, sent_at: datetime, clock: ZoneInfo) -> Iterator[Invitation | str]:
    """Yield what each event of a calendar says, or why it can't be read."""
    from icalendar import Calendar  # noqa: PLC0415 few mails need it

    try:
        calendar = Calendar.from_ical("\r\n".join(_needed(mime.text_of(part))))
        stated = calendar.get("METHOD") or mime.parameter(part, "Content-Type", "method")
        method = _method(str(stated))
        events = calendar.walk("VEVENT")
    except Exception as error:  # noqa: BLE001 strangers' bytes: whatever the library trips over
        yield _why(error)
        return
    for event in events[:MAX_EVENTS]:
        try:
            yield CalendarEvent(event, sent_at, clock).invitation(method)
        except Exception as error:  # noqa: BLE001 likewise
            yield _why(error)


def _method(stated: str) -> Method:
    if stated.upper() not in _METHODS:
        raise ValueError(f"its method is {stated[:20] or 'not stated'}: nothing is made of it")
    return _METHODS[stated.upper()]


def _needed(text: str) -> Iterator[str]:
    """Yield the unfolded lines of what is read: events, and of them what an `Invitation` needs."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"it has more than {MAX_CHARS:,} characters")
    inside: list[str] = []
    count = 0
    for line in _FOLD.sub("", text).split("\n"):
        found = _NAME.match(line)
        name = found.group().upper() if found else ""
        if name == "BEGIN":
            inside.append(line.partition(":")[2].strip().upper())
        if name in _READ and _COMPONENTS.issuperset(inside):
            count += 1
            yield line
        if name == "END" and inside:
            inside.pop()
        if count > MAX_LINES:
            raise ValueError(f"it has more than {MAX_LINES:,} lines that matter")


def _why(error: Exception) -> str:
    return clean(" ".join(str(error).split()))[:200] or type(error).__name__
