"""Dead letters, from the topic to the table where people find them, and back to an event."""

from base64 import b64decode, b64encode
from typing import Final
from uuid import UUID, uuid5

import msgspec

from contracts.errors import Rejected
from contracts.rows import DeadLetterRow
from contracts.wire import DeadLetter, Event, decode_envelope

_NAMESPACE: Final = UUID("6a1f7b0e-3f3f-5b1e-9d0b-0f6a5f2d7c11")


def to_row(letter: DeadLetter) -> DeadLetterRow:
    """Return the row of a dead letter; the same place in the log is the same row."""
    event = letter.event
    place = f"{letter.topic}/{letter.partition}/{letter.offset}/{letter.position}"
    return DeadLetterRow(
        dead_letter_id=uuid5(_NAMESPACE, place),
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        position=letter.position,
        kind=event.kind if event else "",
        source=event.source if event else "",
        external_id=event.external_id if event else "",
        ingest_run=event.ingest_run if event else "",
        reason=letter.reason,
        detail=letter.detail,
        is_event=event is not None,
        event_base64=b64encode(msgspec.msgpack.encode(event) if event else letter.payload).decode(),
        failed_at=letter.failed_at,
        observer=event.observer if event else "",
        held_at=event.held_at if event else None,
    )


def to_event(row: DeadLetterRow) -> Event:
    """Return the event that a dead letter holds, as it was heard.

    Raises:
        ValueError: if it holds the bytes of a message that could not be read.
    """
    if not row.is_event:
        raise ValueError(f"dead letter {row.dead_letter_id} holds a message, not an event")
    return msgspec.msgpack.decode(b64decode(row.event_base64), type=Event)


def held_events(row: DeadLetterRow) -> tuple[bytes, tuple[Event, ...]]:
    """Return the bytes that a dead letter holds, and the events in them that can be read."""
    data = b64decode(row.event_base64)
    if row.is_event:
        event = to_event(row)
        return event.payload, (event,)
    try:
        return data, decode_envelope(data).events
    except Rejected:
        return data, ()
