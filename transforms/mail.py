"""RFC 5322 mail to an activity: pure, and the same for every copy of the same mail.

docs/adr/0004-one-activity-many-sightings.md tells how copies are recognised.
"""

import re
from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_tz
from hashlib import sha256
from typing import Final
from uuid import UUID

from contracts.activity import Activity, Channel, Participant, Role, TimeQuality
from contracts.company import Company
from contracts.errors import Rejected
from transforms import mime
from transforms.address import Mailbox, mailboxes
from transforms.automatic import is_automatic
from transforms.colleagues import is_ours
from transforms.direction import direction
from transforms.labels import labels
from transforms.reply import written

MAX_PARTICIPANTS: Final = 500
MAX_NAME_CHARS: Final = 200
MAX_DATE_CHARS: Final = 200
FUTURE_TOLERANCE: Final = timedelta(days=1)
UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,998})>")
_SUBJECT_TAG: Final = re.compile(r"\[[^\[\]]*\]")
_MIN_ID_CHARS: Final = 8  # what is shorter is a counter, which another host uses too
_SENDERS: Final = ("From", "Sender", "Reply-To", "Return-Path")
_RECIPIENTS: Final = (("To", Role.TO), ("Cc", Role.CC))


def decode_mail(payload: bytes, received_at: datetime, company: Company) -> Activity:
    """Return the activity that a mail's bytes tell of.

    Raises:
        Rejected: `empty`, or `no_participants` where it names neither sender nor recipient.
    """
    if not payload.strip():
        raise Rejected("empty", "there is not one byte of mail in it")
    message = mime.parse(payload)
    participants = _participants(message, company)
    if not participants:
        raise Rejected("no_participants", "no header names a sender or a recipient")
    text = mime.text(message)
    activity_id = _activity_id(message, participants, text)
    event_time, quality = _event_time(message, received_at)
    return Activity(
        activity_id=activity_id,
        channel=Channel.EMAIL,
        direction=direction(participants, company),
        event_time=event_time,
        time_quality=quality,
        knowable_at=received_at if quality is TimeQuality.HEARD else event_time,
        participants=participants,
        message_id=_message_id(message),
        thread_id=_thread_id(message) or str(activity_id),
        subject=mime.words(message, "Subject"),
        body=written(text),
        is_automatic=is_automatic(message, participants, company),
        labels=labels(message),
    )


def _participants(message: Message, company: Company) -> tuple[Participant, ...]:
    """Return sender and recipients, each address once per role.

    Only the sender's own copy names the blind recipients, and all copies must give equal rows:
    so they count only where nobody else outside takes part. The copies of colleagues are then
    internal mail, which is not kept.
    """
    seen = [*_sender(message, company)]
    for header, role in _RECIPIENTS:
        seen += _people(message, header, role, company)
    if all(person.is_ours for person in seen):
        seen += _people(message, "Bcc", Role.BCC, company)
    unique = {(person.address, person.role): person for person in reversed(seen)}
    return tuple(reversed(unique.values()))[:MAX_PARTICIPANTS]


def _sender(message: Message, company: Company) -> list[Participant]:
    for header in _SENDERS:
        if people := _people(message, header, Role.FROM, company):
            return people[:1]
    return []


def _people(message: Message, header: str, role: Role, company: Company) -> list[Participant]:
    return [
        Participant(
            address=mailbox.address,
            name=mime.decode_words(mailbox.name[:MAX_NAME_CHARS]),
            role=role,
            is_ours=is_ours(mailbox.address, company),
        )
        for value in mime.raw_all(message, header)
        for mailbox in _mailboxes(value)
    ]


def _mailboxes(value: str) -> list[Mailbox]:
    """Read an address header; one that was encoded as a whole is decoded first."""
    return [*mailboxes(value)] or [*mailboxes(mime.decode_words(value))]


def _activity_id(message: Message, participants: tuple[Participant, ...], text: str) -> UUID:
    """Return the id that every copy of this mail has.

    The Message-ID alone is not enough (mail merges and broken clients use one for many mails):
    the fingerprint tells those apart. It leaves out the body, to which lists add footers and
    gateways banners; only a mail without a usable Message-ID needs its text to tell it apart.
    """
    own_id = _message_id(message)
    parts = ["mail", own_id, *_fingerprint(message, participants)]
    if len(own_id) < _MIN_ID_CHARS or "@" not in own_id:
        parts.append(" ".join(text.lower().split()))
    return UUID(bytes=sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:16])


def _fingerprint(message: Message, participants: tuple[Participant, ...]) -> Iterator[str]:
    """Yield sender, moment, subject without bracketed tags, and the sorted open recipients."""
    yield next((p.address for p in participants if p.role is Role.FROM), "")
    stated = _moment(mime.words(message, "Date"))
    yield stated.isoformat() if stated else ""
    yield " ".join(_SUBJECT_TAG.sub(" ", mime.words(message, "Subject")).lower().split())
    yield " ".join(sorted({p.address for p in participants if p.role in {Role.TO, Role.CC}}))


def _message_id(message: Message) -> str:
    """Return the normalised Message-ID: without brackets and in lower case; empty if absent."""
    value = mime.words(message, "Message-ID")
    found = _MESSAGE_ID.search(value)
    return (found.group(1) if found else value.strip("<> ")).lower()


def _thread_id(message: Message) -> str:
    """Return the first of References, else In-Reply-To, else the mail's own id."""
    for header in ("References", "In-Reply-To"):
        if found := _MESSAGE_ID.search(" ".join(mime.raw_all(message, header))):
            return found.group(1).lower()
    return _message_id(message)


def _event_time(message: Message, received_at: datetime) -> tuple[datetime, TimeQuality]:
    """Return when it was sent: as stated, else as first believable relay says, else unknown.

    Long ago is believed, for an old activity counts for little; the future is not.
    """
    stated = _moment(mime.words(message, "Date"))
    if stated and stated <= received_at + FUTURE_TOLERANCE:
        return stated, TimeQuality.STATED
    for received in mime.raw_all(message, "Received"):
        relayed = _moment(received.rpartition(";")[2])
        if relayed and relayed <= received_at + FUTURE_TOLERANCE:
            return relayed, TimeQuality.RELAYED
    return UNKNOWN_TIME, TimeQuality.HEARD


def _moment(value: str) -> datetime | None:
    """Return a header's date in UTC, to the second; None for nonsense and before 1970.

    A date without a zone is read as UTC.
    """
    try:
        parsed = parsedate_tz(value[:MAX_DATE_CHARS])
        seconds = timegm(parsed[:6]) - (parsed[9] or 0) if parsed else -1
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
