"""All that calendars said of a meeting, or of a series of them, to the meetings themselves.

In whatever order it is heard, the same is made of it: the organizer's newest word holds, by
SEQUENCE and then by when it was said; of a series, each word for what comes before the next.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from contracts.company import Company
from contracts.invitation import InvitationRow
from transforms import recurrence
from transforms.calendar_event import recurrence_id
from transforms.calls import CallRecord
from transforms.colleagues import is_ours

PROVIDER: Final = "calendar"

_AT_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


class Due(NamedTuple):
    """The meetings that ended in some time, and when the next one ends; None if there is none."""

    meetings: list[CallRecord]
    next_at: datetime | None


class _Meeting(NamedTuple):
    """A meeting, and the word by which it is held or called off."""

    recurrence_id: str
    starts_at: datetime
    ends_at: datetime
    word: InvitationRow
    is_called_off: bool


def series_id(uid: str) -> UUID:
    """Return the id of all that is said of a UID."""
    return UUID(bytes=sha256(f"series\0{uid}".encode("utf-8", "replace")).digest()[:16])


def due(said: Sequence[InvitationRow], company: Company, after: datetime, until: datetime) -> Due:
    """Return the meetings of a series that ended after one moment and until another.

    Who declined did not take part; where nobody outside is left, or it was called off, the meeting
    was not held (`missed`). A whole day is none, nor is a meeting with oneself.

    Args:
        said: all that was said of the series, in any order.
        company: tells who is ours.
        after: the moment after which they ended.
        until: the moment until which they did.
    """
    believed = _believed(said)
    calls: list[CallRecord] = []
    next_at: datetime | None = None
    for meeting in _meetings(believed, until):
        if meeting.ends_at > until:
            next_at = min(next_at or meeting.ends_at, meeting.ends_at)
        elif meeting.ends_at > after and (call := _call(meeting, believed, company)):
            calls.append(call)
    return Due(calls, next_at)


def _believed(said: Sequence[InvitationRow]) -> list[InvitationRow]:
    """Return what was said, oldest first, without what others than the organizer decreed.

    The organizer is whoever invited first.
    """
    in_order = sorted(said, key=lambda row: (row.sequence, row.stamped_at, str(row.activity_id)))
    organizer = next((row.organizer_address for row in in_order if row.method == "request"), None)
    return [
        row
        for row in in_order
        if row.method == "reply"
        or (row.method in {"request", "cancel"} and organizer in {None, row.organizer_address})
    ]


def _meetings(said: Sequence[InvitationRow], until: datetime) -> Iterator[_Meeting]:
    """Yield the meetings that end until a moment, and the next ones after it."""
    names = sorted({row.recurrence_id for row in said} - {""})
    single = {name: _words(said, name) for name in names}
    for name, words in single.items():
        yield from _newest(name, words)
    words = _words(said, "")
    if not any(word.recurrence_rule for word in words):
        yield from _newest("", words)
        return
    for meeting in _of_series(words):
        own = single.get(meeting.recurrence_id, [])
        if not any(word.starts_at for word in own):
            yield meeting._replace(is_called_off=bool(own) and _calls_off(own[-1]))
        if meeting.ends_at > until:
            return


def _words(said: Sequence[InvitationRow], name: str) -> list[InvitationRow]:
    """Return the organizer's words on a meeting; the answers to it where none is known."""
    of_it = [row for row in said if row.recurrence_id == name]
    words = [row for row in of_it if row.method != "reply"]
    return words or (of_it if not name else [])


def _newest(name: str, words: Sequence[InvitationRow]) -> Iterator[_Meeting]:
    """Yield a meeting as its newest words tell it, if any of them says when it is."""
    timed = next((word for word in reversed(words) if word.starts_at and word.ends_at), None)
    if timed and timed.starts_at and timed.ends_at:
        told = next((word for word in reversed(words) if word.attendee_address), words[-1])
        yield _Meeting(name, timed.starts_at, timed.ends_at, told, _calls_off(words[-1]))


def _calls_off(word: InvitationRow) -> bool:
    return word.method == "cancel" or word.status == "cancelled"


def _of_series(words: Sequence[InvitationRow]) -> Iterator[_Meeting]:
    """Yield a series' meetings in order, by each word those that end before the next is said."""
    said_at = [*(word.stamped_at for word in words), _AT_LAST]
    for word, (since, till) in zip(words, pairwise(said_at), strict=True):
        if _calls_off(word) or word.starts_at is None or word.ends_at is None:
            continue
        lasts = word.ends_at - word.starts_at
        for starts in recurrence.meetings(word.recurrence_rule, word.starts_at, word.time_zone):
            name, ends = recurrence_id(starts), starts + lasts
            if ends > till:
                break
            if ends > since and name not in word.excluded_recurrence:
                yield _Meeting(name, starts, ends, word, is_called_off=False)


def _call(meeting: _Meeting, said: Sequence[InvitationRow], company: Company) -> CallRecord | None:
    """Return the meeting as who held it would report it; None where it is none."""
    word, answers = meeting.word, _answers(meeting, said)
    organizer = word.organizer_address if "@" in word.organizer_address else ""
    invited = [who for who in answers if "@" in who and who != organizer]  # not the erased
    came = [who for who in invited if answers[who] != "declined"]
    is_held = not meeting.is_called_off and not all(
        is_ours(who, company) for who in [organizer, *came] if who
    )
    if word.is_all_day or not invited or (not organizer and len(invited) == 1):
        return None
    name = f"{word.uid}/{meeting.recurrence_id}" if meeting.recurrence_id else word.uid
    return CallRecord(
        provider=PROVIDER,
        call_id=name,
        shared_id=name,
        kind="meeting",
        started_at=meeting.starts_at,
        ended_at=meeting.ends_at,
        organizer=organizer,
        attendees=list(came if is_held else invited),
        outcome="connected" if is_held else "missed",
        title=word.title,
        is_scheduled=True,
    )


def _answers(meeting: _Meeting, said: Sequence[InvitationRow]) -> Mapping[str, str]:
    """Return the newest answer of each who is invited; one to an older plan has lapsed."""
    word = meeting.word
    answers = dict(zip(word.attendee_address, word.attendee_answer, strict=True))
    for row in sorted(said, key=lambda row: row.recurrence_id):  # those to this meeting come last
        is_meant = row.recurrence_id in {"", meeting.recurrence_id}
        if row.method != "reply" or not is_meant or row.sequence < word.sequence:
            continue
        for who, answer in zip(row.attendee_address, row.attendee_answer, strict=True):
            if who in answers or word.method == "reply":
                answers[who] = answer
    return answers
