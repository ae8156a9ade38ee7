"""The rows of what a CRM says: its records, version by version, with investments and attendance."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from contracts.rows import Row


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


class LeadRow(CrmRow, frozen=True, kw_only=True):
    """A person who may buy, before the CRM has them as a contact.

    Attributes:
        company: as somebody typed it; nothing is found by it.
        domains: of the company's website, where it is told.
        account_id: the account to which the CRM matched the company; empty for none.
        lead_source, campaign: where the lead came from; the campaign's `investment_id` or name.
        status: such as new, working, sales_qualified, converted or disqualified.
        converted_contact_id, converted_account_id, converted_opportunity_id: what it became.
    """

    table: ClassVar[str] = "raw.lead"

    lead_id: str
    name: str = ""
    company: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    title: str = ""
    domains: tuple[str, ...] = ()
    account_id: str = ""
    owner_rep_id: str = ""
    lead_source: str = ""
    campaign: str = ""
    status: str = "new"
    created_at: datetime | None = None
    converted_at: datetime | None = None
    converted_contact_id: str = ""
    converted_account_id: str = ""
    converted_opportunity_id: str = ""


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
