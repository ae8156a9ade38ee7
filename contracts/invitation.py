"""What a calendar's mail says of a meeting (iTIP, RFC 5546): an invitation, a change, an answer."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from contracts.rows import Row

Method = Literal["request", "reply", "cancel", "counter"]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What one mail says of one meeting, or of a series of them.

    Attributes:
        method: `request` invites or changes, `reply` answers, `cancel` calls off, and `counter`
            proposes another time.
        uid: names the meeting, or the series, in every calendar.
        recurrence_id: the one meeting of a series that is meant, by when it was to begin:
            `20261123T100000Z`, or `20261123` for a whole day; empty for all of it.
        sequence: grows with each change that the organizer makes.
        stamped_at: when the mail's calendar said so.
        status: `confirmed`, `tentative`, `cancelled`, or empty.
        starts_at: with `ends_at` the meeting's time, or that of a series' first; None in a
            cancellation that states none.
        until_at: when the last of the meetings ends, as far as can be told without counting them.
        is_all_day: a whole day: a reminder rather than a conversation, so no meeting is made of it.
        time_zone: on whose clock a series recurs (IANA); empty for UTC.
        recurrence_rule: of a series, as far as it is followed (`transforms.recurrence`).
        excluded_recurrence: the meetings that a series leaves out, as `recurrence_id` names them.
        attendee_answer: `accepted`, `declined`, `tentative`, `delegated` or `needs_action`.
    """

    method: Method
    uid: str
    recurrence_id: str = ""
    sequence: int = 0
    stamped_at: datetime
    status: str = ""
    title: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    until_at: datetime
    is_all_day: bool = False
    time_zone: str = ""
    recurrence_rule: str = ""
    excluded_recurrence: tuple[str, ...] = ()
    organizer_address: str = ""
    attendee_address: tuple[str, ...] = ()
    attendee_answer: tuple[str, ...] = ()


class InvitationRow(Row, frozen=True, kw_only=True):
    """An `Invitation`, and the mail that it came in. Key: (series_id, recurrence_id, activity_id).

    Attributes:
        series_id: of its UID; all that is said of a series lies together.
        activity_id: the mail.
    """

    table: ClassVar[str] = "raw.invitation"

    series_id: UUID
    recurrence_id: str
    activity_id: UUID
    uid: str
    method: str
    sequence: int
    stamped_at: datetime
    status: str
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    until_at: datetime
    is_all_day: bool
    time_zone: str
    recurrence_rule: str
    excluded_recurrence: tuple[str, ...]
    organizer_address: str
    attendee_address: tuple[str, ...]
    attendee_answer: tuple[str, ...]
