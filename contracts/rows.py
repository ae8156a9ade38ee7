"""One typed row per table that Python writes: what `to_rows` returns and what the writer takes.

A row's fields are its table's columns, in order; `ingested_at` is stamped by the warehouse. A
test holds each row against the table's own description.
"""

from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table named by `table`.

    Writing the same row again changes nothing: every table forgets repeats by its key.
    """

    table: ClassVar[str]


class SightingRow(Row, frozen=True, kw_only=True):
    """What became of one event. Key: (source, external_id, ingest_run).

    Attributes:
        disposition: `activity`, `record` (a CRM record) or `excluded`.
        reason: why it was excluded, else empty.
        activity_id: the activity that it is a copy of; the nil UUID for anything else.
        held_at: when the provider took it in; None where it does not say.
        is_live: whether it came by itself, soon after it happened; else it was brought in or sent
            again.
    """

    table: ClassVar[str] = "raw.sighting"

    source: str
    external_id: str
    ingest_run: str
    kind: str
    observer: str
    disposition: str
    reason: str
    activity_id: UUID
    event_time: datetime
    received_at: datetime
    held_at: datetime | None = None
    is_live: bool = False


class ActivityRow(Row, frozen=True, kw_only=True):
    """One activity. Key: activity_id.

    What was understood of a mail, from `mail_kind` on, is told in `contracts.activity`.

    Attributes:
        captured: how much of it is kept: `metadata`, `subject` or `full`.
    """

    table: ClassVar[str] = "raw.activity"

    activity_id: UUID
    channel: str
    direction: str
    event_time: datetime
    time_quality: str
    knowable_at: datetime
    received_at: datetime
    source: str
    message_id: str
    thread_id: str
    subject: str
    body: str
    duration_seconds: int
    is_automatic: bool
    participant_address: tuple[str, ...]
    participant_name: tuple[str, ...]
    participant_role: tuple[str, ...]
    participant_is_ours: tuple[bool, ...]
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
    captured: str = "full"


class MatchRow(Row, frozen=True, kw_only=True):
    """To whom an activity belongs, and why. Key: (activity_id, decided_by, matched_at).

    Points are ten times the logarithm (base 10) of odds; docs/matching.md says what gives how many.

    Attributes:
        decided_by: `rule`, or the person who chose; a person's choice wins.
        account_id: empty where no rule could tell.
        rule: the first rule that fired, or `none` or `ambiguous`.
        candidate_account_id: the accounts that any rule found, best first: the second is the
            runner-up. Their points and evidence are in the same order.
        rule_version: of the code; `rules` is the fingerprint of the company's settings.
        crm_version: the newest CRM change that the decision could see.
        margin: by how many points the account leads the next, or nobody; 0 where none was chosen.
        opportunity_id: the primary deal; empty where none is.
        candidate_opportunity_id: the deals that it is attached to, best first, likewise.
        opportunity_margin: by how many points the primary deal leads all else together.
    """

    table: ClassVar[str] = "raw.match"

    activity_id: UUID
    decided_by: str
    matched_at: datetime
    account_id: str
    contact_id: str
    rule: str
    reason: str
    candidate_account_id: tuple[str, ...]
    rule_version: int
    crm_version: datetime
    rules: str = ""
    margin: float = 0.0
    candidate_points: tuple[float, ...] = ()
    candidate_evidence: tuple[str, ...] = ()
    opportunity_id: str = ""
    opportunity_reason: str = ""
    opportunity_margin: float = 0.0
    candidate_opportunity_id: tuple[str, ...] = ()
    candidate_opportunity_points: tuple[float, ...] = ()
    candidate_opportunity_evidence: tuple[str, ...] = ()


class DeadLetterRow(Row, frozen=True, kw_only=True):
    """One event that could not be carried out, with its bytes. Key: dead_letter_id.

    Attributes:
        event_base64: the wire event (MessagePack), or the message's bytes where
            `is_event` is false.
        replayed_at: when it was last sent again; None while it waits.
        held_at: when the provider took it in; None where it does not say.
    """

    table: ClassVar[str] = "raw.dead_letter"

    dead_letter_id: UUID
    topic: str
    partition: int
    offset: int
    position: int
    kind: str
    source: str
    external_id: str
    ingest_run: str
    reason: str
    detail: str
    is_event: bool
    event_base64: str
    failed_at: datetime
    replayed_at: datetime | None = None
    observer: str = ""
    held_at: datetime | None = None


class CrmWriteRow(Row, frozen=True, kw_only=True):
    """One field that the write-back looked at: the ledger. Key: write_id.

    Attributes:
        rule: `own_field` or `fill_if_empty`.
        outcome: `written`, `unchanged`, `kept` (a person's value stays) or `failed`.
    """

    table: ClassVar[str] = "raw.crm_write"

    write_id: UUID
    run_id: UUID
    target: str
    object_type: str
    object_id: str
    field: str
    old_value: str
    new_value: str
    rule: str
    outcome: str
    detail: str
    written_at: datetime


ENGAGEMENT_WEIGHTS: Final = "v1"
"""The version of the weights that scores are made with."""


class EngagementScoreRow(Row, frozen=True, kw_only=True):
    """An account's score at a moment. Key: (weights_version, as_of, account_id)."""

    table: ClassVar[str] = "ml.engagement_score"

    account_id: str
    as_of: datetime
    weights_version: str
    score: float
    component: tuple[str, ...]
    points: tuple[float, ...]
    activity_count: int
    last_activity_at: datetime | None
