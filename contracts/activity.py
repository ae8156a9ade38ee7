"""What happened once between people, however many mailboxes, calendars or tools saw it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from contracts.invitation import Invitation


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
    """Where `event_time` comes from; what is only `heard` never counts in a score.

    A meeting is `scheduled` while nobody but a calendar told of it.
    """

    STATED = "stated"
    RELAYED = "relayed"
    HEARD = "heard"
    SCHEDULED = "scheduled"


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


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail's signature says of its author, who is not ours.

    Attributes:
        phones: in E.164, each once; a fax's is left out.
        text: the lines it was read from.
    """

    name: str = ""
    title: str = ""
    company: str = ""
    phones: tuple[str, ...] = ()
    text: str = ""


class Understanding(msgspec.Struct, frozen=True, kw_only=True):
    """What was read out of a mail beside who, when and what; each with its evidence.

    Attributes:
        mail_kind: `personal`, `bounce`, `out_of_office`, `auto_reply`, `calendar`, `bulk` or
            `robot`; empty for what is no mail.
        kind_evidence: what says so: a header, a content type, the sender; empty for a person's.
        bounced_address: the addresses that a bounce says were not reached.
        absent_until_on: the last day of an absence, or the first after it, as it was stated.
        language: ISO 639-1; empty where it cannot be told.
        is_request: whether it asks for something.
        request_probability: that its likeliest sentence asks; None where only a rule could tell.
        request_sentence: that sentence.
        request_version: of the weights or the rule; empty where nothing was looked at.
        reply_to_id: the Message-ID that it answers.
        thread_evidence: `references`, `in_reply_to` or `none`.
        thread_subject: without the marks of answers, forwards and lists, in lower case.
        is_subject_reply: whether its subject says that it is an answer.
        utc_offset_minutes: of the author's clock, as the mail states it, else of the company's.
    """

    mail_kind: str = ""
    kind_evidence: str = ""
    bounced_address: tuple[str, ...] = ()
    absent_until_on: date | None = None
    language: str = ""
    language_probability: float = 0.0
    is_request: bool = False
    request_probability: float | None = None
    request_sentence: str = ""
    request_version: str = ""
    reply_to_id: str = ""
    thread_evidence: str = ""
    thread_subject: str = ""
    is_subject_reply: bool = False
    utc_offset_minutes: int = 0


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
        understood: what else a mail tells.
        signature: what its author's signature tells; None for our own people and without one.
        invitations: what the calendars in a mail say of meetings.
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
    understood: Understanding = Understanding()
    signature: Signature | None = None
    invitations: tuple[Invitation, ...] = ()

    @property
    def outside(self) -> tuple[str, ...]:
        """The addresses of those who are not ours, each once, in order."""
        return tuple(dict.fromkeys(p.address for p in self.participants if not p.is_ours))
