"""What happened once between people, however many mailboxes, calendars or tools saw it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class Channel(StrEnum):
    """The way in which people spoke."""

    EMAIL = "email"
    CALL = "call"
    MEETING = "meeting"


class Direction(StrEnum):
    """Who spoke to whom, seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """A participant's part in an activity."""

    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    CALLER = "caller"
    CALLEE = "callee"
    ORGANIZER = "organizer"
    ATTENDEE = "attendee"


class TimeQuality(StrEnum):
    """Where `event_time` comes from; what is only `heard` never counts in a score."""

    STATED = "stated"
    RELAYED = "relayed"
    HEARD = "heard"


class Participant(msgspec.Struct, frozen=True):
    """One person's part in an activity.

    Attributes:
        address: a normalised e-mail address, or a phone number in E.164.
        is_ours: whether the address belongs to the company.
    """

    address: str
    name: str
    role: Role
    is_ours: bool


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail, call or meeting, decoded and normalised; nothing in it was looked up.

    Attributes:
        activity_id: the same for every sighting of the same activity.
        event_time: when it happened, UTC.
        knowable_at: when it could have been known: event time plus the source's usual lag.
        thread_id: the first Message-ID of its thread, or its own.
        body: what the sender wrote, without quoted text and signature.
        duration_seconds: 0 for mail; for a call, the time people really spoke.
        labels: sensitivity and what it was sorted under, in lower case; they decide what is kept.
        is_automatic: sent by a machine (bounce, out-of-office, bulk): it never counts in a score.
    """

    activity_id: UUID
    channel: Channel
    direction: Direction
    event_time: datetime
    time_quality: TimeQuality
    knowable_at: datetime
    participants: tuple[Participant, ...]
    message_id: str = ""
    thread_id: str = ""
    subject: str = ""
    body: str = ""
    duration_seconds: int = 0
    is_automatic: bool = False
    labels: tuple[str, ...] = ()

    @property
    def outside(self) -> tuple[str, ...]:
        """The addresses of those who are not ours, each once, in order."""
        return tuple(dict.fromkeys(p.address for p in self.participants if not p.is_ours))
