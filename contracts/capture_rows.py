"""Rows of what surrounds capture: headers that wait, what a provider holds, how mailboxes fare."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from contracts.rows import Row


class QuarantineRow(Row, frozen=True, kw_only=True):
    """A header of people whom the CRM did not know. Key: (source, external_id). Gone in a month.

    Attributes:
        outside: the addresses that the CRM may come to know.
        header: what the mode allows of the mail's header, a character (Latin-1) a byte; empty once
            it is settled.
        matched_at: when the CRM had come to know them; None while it does not.
        settled_at: when all of it that may be kept was captured, and the header was dropped.
    """

    table: ClassVar[str] = "raw.quarantine"

    source: str
    external_id: str
    observer: str
    ingest_run: str
    activity_id: UUID
    outside: tuple[str, ...]
    header: str
    held_at: datetime | None
    quarantined_at: datetime
    matched_at: datetime | None = None
    settled_at: datetime | None = None


class CursorRow(Row, frozen=True, kw_only=True):
    """How far a source has been read. Key: source; the newest wins."""

    table: ClassVar[str] = "raw.source_cursor"

    source: str
    state: str
    saved_at: datetime


class WithdrawalRow(Row, frozen=True, kw_only=True):
    """A copy that its mailbox no longer holds: deleted, or moved. Key: (source, external_id).

    What was heard stays heard: the activity is not touched.
    """

    table: ClassVar[str] = "raw.withdrawal"

    source: str
    external_id: str
    observer: str
    noticed_at: datetime


class ProviderCountRow(Row, frozen=True, kw_only=True):
    """How many mails a mailbox holds that arrived on a day. Key: (source, observer, held_on).

    Attributes:
        held_on: the day, UTC, on which the provider took them in.
        counted_until: only what it took in before this moment is counted.
    """

    table: ClassVar[str] = "raw.provider_count"

    source: str
    observer: str
    held_on: date
    held: int
    counted_until: datetime


class SourceStateRow(Row, frozen=True, kw_only=True):
    """How a source that is read again and again fares. Key: source.

    Attributes:
        state: `reading`, or `waiting` while it can't be read.
        detail: why it waits; empty while it reads.
        read_at: when it was last read to its end; None if it never was.
    """

    table: ClassVar[str] = "raw.source_state"

    source: str
    state: str
    detail: str
    read_at: datetime | None
    checked_at: datetime
