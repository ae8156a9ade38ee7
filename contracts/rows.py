"""One typed row per table that Python writes: what `to_rows` returns and what the writer takes.

A row's fields are its table's columns, in order; `ingested_at` is stamped by the warehouse. A
test holds each row against the table's own description.
"""

from datetime import date, datetime
from decimal import Decimal
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


class CrmRow(Row, frozen=True, kw_only=True):
    """A version of a record of the CRM. Key: the record's id and `knowable_at`.

    Attributes:
        knowable_at: when the change could have been known: the CRM's change time, or the moment
            we heard of it.
    """

    source: str
    knowable_at: datetime
    is_deleted: bool = False


class AccountRow(CrmRow, frozen=True, kw_only=True):
    """A company that buys, might buy, or helps to sell."""

    table: ClassVar[str] = "raw.account"

    account_id: str
    name: str
    domains: tuple[str, ...] = ()
    account_type: str = "prospect"
    industry: str = ""
    employees: int = 0
    country: str = ""
    territory_id: str = ""
    owner_rep_id: str = ""
    parent_account_id: str = ""


class ContactRow(CrmRow, frozen=True, kw_only=True):
    """A person at an account."""

    table: ClassVar[str] = "raw.contact"

    contact_id: str
    account_id: str = ""
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    title: str = ""
    seniority: str = ""


class OpportunityRow(CrmRow, frozen=True, kw_only=True):
    """A deal, as it stood after one change.

    Attributes:
        gross_margin_rate: of its amount; below 0 where it is sold at a loss, None where nobody
            knows.
        products, quote_numbers: what it is about; the numbers of its quotes and orders.
    """

    table: ClassVar[str] = "raw.opportunity"

    opportunity_id: str
    account_id: str = ""
    owner_rep_id: str = ""
    name: str = ""
    pipeline: str = "default"
    deal_type: str = "new"
    stage: str
    forecast_category: str = "pipeline"
    amount_minor: int = 0
    currency: str = "USD"
    created_on: date
    close_on: date | None = None
    is_closed: bool = False
    is_won: bool = False
    gross_margin_rate: float | None = None
    products: tuple[str, ...] = ()
    quote_numbers: tuple[str, ...] = ()


class ContactRoleRow(CrmRow, frozen=True, kw_only=True):
    """A contact's part in a deal, such as decision maker."""

    table: ClassVar[str] = "raw.contact_role"

    opportunity_id: str
    contact_id: str
    role: str = ""


class StageChangeRow(CrmRow, frozen=True, kw_only=True):
    """A deal's move from one stage to another."""

    table: ClassVar[str] = "raw.stage_change"

    opportunity_id: str
    changed_at: datetime
    from_stage: str = ""
    to_stage: str


class RepRow(CrmRow, frozen=True, kw_only=True):
    """A person who sells."""

    table: ClassVar[str] = "raw.rep"

    rep_id: str
    name: str
    email: str = ""
    title: str = ""
    hired_on: date | None = None
    left_on: date | None = None


class OrgUnitRow(CrmRow, frozen=True, kw_only=True):
    """A team, region or territory.

    Attributes:
        unit_kind: `team`, `region` or `territory`.
    """

    table: ClassVar[str] = "raw.org_unit"

    unit_id: str
    unit_kind: str
    name: str


class AssignmentRow(CrmRow, frozen=True, kw_only=True):
    """Who belonged where, and when: half-open, `effective_to` None while it lasts.

    Attributes:
        child_id: a rep, team, region or territory.
        parent_kind: `team`, `region`, `territory` or `manager`.
    """

    table: ClassVar[str] = "raw.assignment"

    child_id: str
    parent_kind: str
    parent_id: str
    effective_from: date
    effective_to: date | None = None


class QuotaRow(CrmRow, frozen=True, kw_only=True):
    """What a rep or an org unit is expected to book in a half-open period."""

    table: ClassVar[str] = "raw.quota"

    owner_id: str
    period_starts_on: date
    period_ends_on: date
    amount_minor: int
    currency: str = "USD"


class CurrencyRateRow(CrmRow, frozen=True, kw_only=True):
    """What one major unit of `currency` was worth in `base` from `rate_on` onwards."""

    table: ClassVar[str] = "raw.currency_rate"

    currency: str
    base: str
    rate_on: date
    rate: Decimal


class InvestmentRow(CrmRow, frozen=True, kw_only=True):
    """A sales investment and the question that was asked of it beforehand.

    Attributes:
        kind: one of `contracts.investments.KINDS`.
        registered_on: when the question was put on record.
        outcome: what it should move; one of `contracts.investments.OUTCOMES`.
        gross_margin_rate: of the bookings it should move, where the deals do not tell theirs.
        is_randomised: whether chance alone decided who was reached, and when.
        covariate_reliability: `prior_engagement=0.7`, ...: see
            `contracts.investments.reliability_of`.
    """

    table: ClassVar[str] = "raw.investment"

    investment_id: str
    kind: str
    name: str
    question: str = ""
    registered_on: date | None = None
    outcome: str = "bookings"
    gross_margin_rate: float
    is_randomised: bool = False
    covariate_reliability: tuple[str, ...] = ()


class InvestmentCostRow(CrmRow, frozen=True, kw_only=True):
    """What an investment cost in a month: an amount, or hours at what an hour costs.

    Attributes:
        cost_kind: `licence`, `rep_hours`, `payout`, ...: see `contracts.investments.COST_KINDS`.
        hours: of work, where the amount is theirs; else 0.
    """

    table: ClassVar[str] = "raw.investment_cost"

    investment_id: str
    month_on: date
    cost_kind: str
    amount_minor: int
    currency: str = "USD"
    hours: float = 0.0
    hourly_cost_minor: int = 0


class ExposureRow(CrmRow, frozen=True, kw_only=True):
    """A unit's time under an investment: half-open, `stops_on` None while it lasts.

    Attributes:
        unit_kind: one of `contracts.investments.UNIT_KINDS`.
        dose: how much of it the unit got; 1 where all got the same.
    """

    table: ClassVar[str] = "raw.exposure"

    investment_id: str
    unit_kind: str = "rep"
    unit_id: str
    starts_on: date
    stops_on: date | None = None
    dose: float = 1.0


class AttendanceRow(CrmRow, frozen=True, kw_only=True):
    """A learner's completion of a course that is, or is part of, an investment.

    Attributes:
        learner_email: in lower case; of a rep.
        score: whatever the learning system grades in; None where it does not.
    """

    table: ClassVar[str] = "raw.attendance"

    investment_id: str
    learner_email: str
    course: str = ""
    completed_on: date
    score: float | None = None
    hours: float | None = None
