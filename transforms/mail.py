"""RFC 5322 mail to an activity: pure, and the same for every copy of the same mail.

docs/adr/0004-one-activity-many-sightings.md tells how copies are recognised.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from contracts.activity import Activity, Channel, Participant, Role, TimeQuality
from contracts.company import Company
from contracts.errors import Rejected
from transforms import mime
from transforms.address import Mailbox, mailboxes
from transforms.automatic import sender
from transforms.colleagues import is_ours
from transforms.direction import direction
from transforms.encodings import decode_words
from transforms.invitation import invitations
from transforms.labels import labels
from transforms.mail_time import event_time, stated_time
from transforms.mime import Part
from transforms.reply import separate
from transforms.thread import thread
from transforms.understanding import signature_of, understood

MAX_PARTICIPANTS: Final = 500
MAX_NAME_CHARS: Final = 200

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
    sent_at, quality = event_time(message, received_at)
    message_id = _message_id(message)
    place = thread(message, message_id)
    reply = separate(text, participants[0].name)
    wrote = sender(message, participants, company, reply.written)
    calendar = invitations(message, sent_at, company)
    if calendar.unread:
        told = f"{wrote.evidence or 'text/calendar'}; not read: {calendar.unread}"
        wrote = wrote._replace(evidence=told)
    return Activity(
        activity_id=activity_id,
        channel=Channel.EMAIL,
        direction=direction(participants, company),
        event_time=sent_at,
        time_quality=quality,
        knowable_at=received_at if quality is TimeQuality.HEARD else sent_at,
        participants=participants,
        message_id=message_id,
        thread_id=place.thread_id or str(activity_id),
        subject=mime.words(message, "Subject"),
        body=reply.written,
        is_automatic=wrote.is_automatic,
        labels=labels(message),
        understood=understood(message, sent_at, company, wrote, place, reply.written),
        signature=signature_of(reply, participants[0], wrote.kind, company),
        invitations=calendar.invitations,
    )


def _participants(message: Part, company: Company) -> tuple[Participant, ...]:
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


def _sender(message: Part, company: Company) -> list[Participant]:
    for header in _SENDERS:
        if people := _people(message, header, Role.FROM, company):
            return people[:1]
    return []


def _people(message: Part, header: str, role: Role, company: Company) -> list[Participant]:
    return [
        Participant(
            address=mailbox.address,
            name=decode_words(mailbox.name[:MAX_NAME_CHARS]),
            role=role,
            is_ours=is_ours(mailbox.address, company),
        )
        for value in mime.raw_all(message, header)
        for mailbox in _mailboxes(value)
    ]


def _mailboxes(value: str) -> list[Mailbox]:
    """Read an address header; one that was encoded as a whole is decoded first."""
    return [*mailboxes(value)] or [*mailboxes(decode_words(value))]


def _activity_id(message: Part, participants: tuple[Participant, ...], text: str) -> UUID:
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


def _fingerprint(message: Part, participants: tuple[Participant, ...]) -> Iterator[str]:
    """Yield sender, moment, subject without bracketed tags, and the sorted open recipients."""
    yield next((p.address for p in participants if p.role is Role.FROM), "")
    stated = stated_time(message)
    yield stated.isoformat() if stated else ""
    yield " ".join(_SUBJECT_TAG.sub(" ", mime.words(message, "Subject")).lower().split())
    yield " ".join(sorted({p.address for p in participants if p.role in {Role.TO, Role.CC}}))


def _message_id(message: Part) -> str:
    """Return the normalised Message-ID: without brackets and in lower case; empty if absent."""
    value = mime.words(message, "Message-ID")
    found = _MESSAGE_ID.search(value)
    return (found.group(1) if found else value.strip("<> ")).lower()
