"""What travels in the log: envelopes of events, each with the bytes as they were heard.

The wire carries its schema version. A fixture of every version lives in `tests/fixtures/wire`
and decodes for ever.
"""

from datetime import datetime
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from contracts.capture import Captured
from contracts.errors import Rejected

SCHEMA_VERSION: Final = 1
OPENING: Final = 400
"""How much of a mail is read to match it: a greeting and the first sentences."""

EventKind = Literal["mail", "call", "crm"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One copy of something, as one source heard it: the payload is not interpreted yet.

    Attributes:
        kind: which decoder understands the payload.
        source: the source that heard it, such as `imap:mail.example.com/kim`.
        external_id: its key within that source; (source, external_id) names a sighting.
        observer: the mailbox, phone system or CRM that it was seen in.
        ingest_run: the run that brought it in, so that the run's account can add up.
        received_at: when we heard it.
        payload: the bytes as heard: RFC 5322 mail, a provider's JSON, a CRM record's JSON; of a
            mail, no more than may be kept.
        captured: how much of a mail that is.
        reason: why it is excluded; else empty.
        activity_id: the id that the whole mail has, where less than all of it is in the payload.
        held_at: when the provider took it in; None where it does not say.
        is_live: whether it came by itself, posted or delivered to a source that is followed, and
            was not brought in or sent again.
    """

    kind: EventKind
    source: str
    external_id: str
    observer: str
    ingest_run: str
    received_at: datetime
    payload: bytes
    captured: Captured = "full"
    reason: str = ""
    activity_id: UUID | None = None
    held_at: datetime | None = None
    is_live: bool = False


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a `heard.*` topic: one event from a live source, many from a bulk one."""

    schema_version: int = SCHEMA_VERSION
    events: tuple[Event, ...]


class Recorded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An activity that is stored: what the match agent needs to know of it.

    Attributes:
        outside: the addresses and phone numbers of the participants who are not ours.
        ours: the addresses of those who are.
        thread_id: empty where it stands alone.
        channel: `email`, `call` or `meeting`; empty in what an older worker sent.
        subject: of a mail or meeting; empty where it is not captured.
        opening: the first `OPENING` characters of what a mail's author wrote, likewise.
    """

    activity_id: UUID
    event_time: datetime
    outside: tuple[str, ...]
    ours: tuple[str, ...] = ()
    thread_id: str = ""
    channel: str = ""
    subject: str = ""
    opening: str = ""

    @property
    def text(self) -> str:
        """What there is of its words."""
        return f"{self.subject}\n{self.opening}"


class RecordedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the `activities` topic."""

    schema_version: int = SCHEMA_VERSION
    activities: tuple[Recorded, ...]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the `dead_letters` topic: where it stood, why it failed, and its bytes.

    Attributes:
        position: the event's place in its envelope; -1 when the envelope itself can't be read.
        event: the whole event, so that a replay sends it again as it was; None for an envelope
            that can't be read, whose bytes are then in `payload`.
    """

    schema_version: int = SCHEMA_VERSION
    topic: str
    partition: int
    offset: int
    position: int
    reason: str
    detail: str
    failed_at: datetime
    event: Event | None = None
    payload: bytes = b""


_encoder = msgspec.msgpack.Encoder()


def encode(message: Envelope | RecordedBatch | DeadLetter) -> bytes:
    """Return the message's bytes (MessagePack)."""
    return _encoder.encode(message)


def decode_envelope(data: bytes) -> Envelope:
    """Read an envelope of any schema version known so far.

    Raises:
        Rejected: `bad_wire` if the bytes are not a message, `bad_schema_version` if they are of
            a version that this code does not know yet.
    """
    return _decode(data, Envelope)


def decode_recorded(data: bytes) -> RecordedBatch:
    """Read a batch of recorded activities; raises as `decode_envelope` does."""
    return _decode(data, RecordedBatch)


def decode_dead_letter(data: bytes) -> DeadLetter:
    """Read a dead letter; raises as `decode_envelope` does."""
    return _decode(data, DeadLetter)


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Message = TypeVar("_Message", Envelope, RecordedBatch, DeadLetter)


def _decode(data: bytes, message: type[_Message]) -> _Message:
    try:
        decoded = msgspec.msgpack.decode(data, type=message)
    except _UNREADABLE as error:
        _refuse_newer(_version(data))
        raise Rejected("bad_wire", str(error)) from error
    _refuse_newer(decoded.schema_version)
    return decoded


class _Versioned(msgspec.Struct):
    """What a message of any version says of itself."""

    schema_version: int


def _version(data: bytes) -> int:
    """Return the version of a message whose other fields can't be read; 0 if it has none."""
    try:
        return msgspec.msgpack.decode(data, type=_Versioned).schema_version
    except _UNREADABLE:
        return 0


def _refuse_newer(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise Rejected(
            "bad_schema_version",
            f"version {version} is newer than {SCHEMA_VERSION}: upgrade this worker",
        )
