"""How much of a mail may be kept, told from its header alone; and a mail without the rest.

docs/adr/0009-two-step-capture.md tells why.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from contracts.activity import Activity
from contracts.capture import Capture, Captured, Mode
from contracts.company import Company
from transforms.exclusions import reason_to_exclude
from transforms.mail import decode_mail

MAX_HEADER_BYTES: Final = 128_000

_FIELD: Final = re.compile(rb"([!-9;-~]{0,200})[ \t]*:")
_TYPE: Final = re.compile(rb":\s*([\w.+-]{1,100}/[\w.+-]{1,100})")
_METHOD: Final = re.compile(rb";\s*method=\"?(\w{1,20})", re.IGNORECASE)

# A list of what is kept, not of what goes: a subject may stand in Thread-Topic, Keywords, Comments,
# an X- field or the name of an attachment.
_METADATA: Final = re.compile(
    rb"(?:from|sender|reply-to|return-path|to|cc|bcc|date|message-id|in-reply-to|references|received"
    rb"|auto-submitted|precedence|list-[a-z]{2,20}|feedback-id"
    rb"|x-(?:autoreply|auto-reply|autorespond|failed-recipients|auto-response-suppress))"
)


class Verdict(NamedTuple):
    """What may be kept of a mail.

    Attributes:
        reason: why it is excluded; else empty.
    """

    captured: Captured
    reason: str = ""


def judge(
    mail: bytes,
    received_at: datetime,
    company: Company,
    is_known: Callable[[Activity], bool],
    policy: Capture,
) -> Verdict:
    """Return what may be kept of a mail, by its header.

    Args:
        mail: the header, or more.
        received_at: when it was heard.
        company: tells what is ours, as its mailbox shows it, and what is excluded.
        is_known: whether the CRM knows one of those who take part.
        policy: of the mailbox.
    """
    try:
        activity = decode_mail(header(mail), received_at, company)
        reason = reason_to_exclude(activity, company)
    except Exception:  # noqa: BLE001 strangers' bytes: whoever decodes the header again says why
        return Verdict("metadata")
    if reason:
        return Verdict("excluded", reason)
    if is_known(activity):
        return Verdict(policy.mode)
    return Verdict("unknown" if policy.keep == "all" else "quarantined")


def kept(mail: bytes, captured: Captured, mode: Mode) -> bytes:
    """Return as much of a mail as may be kept of it."""
    if captured == "full" or not mail.strip():
        return mail
    has_subject = "metadata" not in {captured, mode}
    told = b"X-Headwater-Captured: %s\n" % captured.encode()
    return told + b"".join(_fields(header(mail), has_subject=has_subject)) + b"\n"


def activity_id(mail: bytes, received_at: datetime, company: Company) -> UUID | None:
    """Return the id that the whole mail has; None where it tells of nobody.

    Its subject is part of what tells it, and its text where its Message-ID can't be used.
    """
    try:
        return decode_mail(mail, received_at, company).activity_id
    except Exception:  # noqa: BLE001 strangers' bytes: they are dead-lettered where rows are made
        return None


def header(mail: bytes) -> bytes:
    """Return the lines up to the first empty one; at most MAX_HEADER_BYTES."""
    return b"".join(_header_lines(mail[:MAX_HEADER_BYTES]))


def _header_lines(mail: bytes) -> Iterator[bytes]:
    """Yield the lines of a header as a parser takes them: each of CR, LF and CRLF ends one."""
    for number, line in enumerate(mail.lstrip(b"\r\n").splitlines(keepends=True)):
        is_envelope = number == 0 and line.startswith((b"From ", b">From "))
        if not (is_envelope or line[:1] in {b" ", b"\t"} or _FIELD.match(line)):
            return
        yield line


def _fields(head: bytes, *, has_subject: bool) -> Iterator[bytes]:
    """Yield the fields that are metadata, each with its folded lines."""
    for name, field in _named_fields(head):
        if name == b"content-type":
            yield _bare_type(field)
        elif _METADATA.fullmatch(name) or (has_subject and name == b"subject"):
            yield field.rstrip(b"\r\n") + b"\n"


def _named_fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    name, lines = b"", [b""]
    for line in head.splitlines(keepends=True):
        if line[:1] not in {b" ", b"\t"}:
            yield name, b"".join(lines)
            found = _FIELD.match(line)
            name, lines = (found.group(1).lower() if found else b""), []
        lines.append(line)
    yield name, b"".join(lines)


def _bare_type(field: bytes) -> bytes:
    """Return a Content-Type without its parameters, one of which may name an attachment."""
    kind, method = _TYPE.search(field), _METHOD.search(field)
    if kind is None:
        return b""
    told = b"; method=" + method.group(1) if method else b""
    return b"Content-Type: " + kind.group(1) + told + b"\n"
