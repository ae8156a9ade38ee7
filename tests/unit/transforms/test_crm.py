"""CRM records as they are heard."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from contracts.entities import CRM_ENTITIES
from contracts.errors import Rejected
from contracts.investments import reliability_of
from transforms.crm import decode_crm, fields_of

HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEAL = {"opportunity_id": "o1", "stage": "Proposal", "created_on": "2026-10-01"}


def decode(entity, **record):
    payload = msgspec.json.encode({"entity": entity, "record": record})
    return decode_crm(payload, "csv", HEARD_AT)


def test_text_is_read_as_what_the_field_needs():
    account = decode(
        "account",
        account_id="a1",
        name="Acme",
        domains="acme.example; acme.test ;",
        employees="120",
    )
    assert account.domains == ("acme.example", "acme.test")
    assert account.employees == 120
    assert decode("account", account_id="a1", name="Acme", is_deleted="true").is_deleted


def test_an_amount_in_major_units_becomes_minor_units_of_its_currency():
    assert decode("opportunity", **DEAL, amount="1234.50", currency="eur").amount_minor == 123_450
    assert decode("opportunity", **DEAL, amount="1234", currency="JPY").amount_minor == 1_234
    assert decode("opportunity", **DEAL, amount_minor="7").amount_minor == 7


def test_a_record_was_knowable_when_it_changed_and_else_when_it_was_heard():
    assert decode("opportunity", **DEAL).knowable_at == HEARD_AT
    changed = decode("opportunity", **DEAL, changed_at="2026-10-05T10:00:00+02:00")
    assert changed.knowable_at == datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_a_stage_change_keeps_its_moment():
    moved = decode(
        "stage_change", opportunity_id="o1", to_stage="Won", changed_at="2026-10-05T10:00:00Z"
    )
    assert moved.changed_at == moved.knowable_at == datetime(2026, 10, 5, 10, tzinfo=UTC)


def test_empty_values_are_absent():
    assert decode("opportunity", **DEAL, close_on="", amount="").close_on is None


def test_a_rate_keeps_its_decimals():
    rate = decode("currency_rate", currency="EUR", base="USD", rate_on="2026-01-01", rate="1.08345")
    assert (rate.rate, rate.rate_on) == (Decimal("1.08345"), date(2026, 1, 1))


def test_the_words_of_investments_are_known_in_any_spelling():
    told = {"investment_id": "i", "name": "n", "gross_margin_rate": "0.7"}
    investment = decode("investment", **told, kind="SPIF", outcome="Win rate", is_randomised="true")
    assert (investment.kind, investment.outcome) == ("spif", "win_rate")
    assert investment.is_randomised
    reached = {"investment_id": "i", "unit_id": "T-1", "starts_on": "2026-01-01"}
    assert decode("exposure", **reached, unit_kind="Team").unit_kind == "team"


def test_the_reliability_of_a_covariate_is_stated_or_refused():
    told = {"investment_id": "i", "name": "n", "gross_margin_rate": "0.7", "kind": "training"}
    stated = decode("investment", **told, covariate_reliability="prior_engagement=0.7; quota=1")
    assert reliability_of(stated.covariate_reliability) == {"prior_engagement": 0.7, "quota": 1}
    for wrong, said in (
        ("skill=0.8", "no covariate"),
        ("quota", "write quota=0.8"),
        ("quota=8", "at most 1"),
        ("prior_bookings=0.8", "what is judged"),
    ):
        with pytest.raises(Rejected, match=said):
            decode("investment", **told, covariate_reliability=wrong)


def test_hours_cost_what_an_hour_costs():
    cost = {"investment_id": "i", "month_on": "2026-01-01", "cost_kind": "rep_hours"}
    row = decode("investment_cost", **cost, hours="12.5", hourly_cost="80.10", currency="eur")
    assert (row.amount_minor, row.hourly_cost_minor, row.hours) == (100_125, 8_010, 12.5)
    assert row.currency == "EUR"
    both = decode("investment_cost", **cost, hours="10", hourly_cost="80", amount="800")
    assert both.amount_minor == 80_000


def test_a_deal_may_be_sold_at_a_loss_and_nobody_may_know():
    assert decode("opportunity", **DEAL, gross_margin_rate="-0.2").gross_margin_rate == -0.2
    assert decode("opportunity", **DEAL).gross_margin_rate is None


def test_an_attendance_is_of_an_address_in_lower_case():
    heard = {"investment_id": "i", "learner_email": "Kim@X.example", "completed_on": "2026-01-02"}
    row = decode("attendance", **heard, hours="6")
    assert (row.learner_email, row.hours, row.score) == ("kim@x.example", 6.0, None)


COST = {"investment_id": "i", "month_on": "2026-01-01", "cost_kind": "fee"}
EXPOSED = {"investment_id": "i", "unit_id": "r", "starts_on": "2026-03-01"}
INVESTED = {"investment_id": "i", "kind": "tool", "name": "n", "gross_margin_rate": "0.7"}


@pytest.mark.parametrize(
    ("entity", "record", "told"),
    [
        ("deal", {}, "not an entity"),
        ("account", {}, "account: "),
        ("account", {"account_id": "a1"}, "name"),
        ("account", {"account_id": "a1", "name": "A", "employees": "many"}, "employees"),
        ("account", {"account_id": "a1", "name": "A", "employees": "-1"}, "account a1: employees"),
        ("account", {"account_id": "a1", "name": "A", "indstry": "x"}, "did you mean 'industry'"),
        ("opportunity", DEAL | {"amount": "12,50"}, "12,50"),
        ("opportunity", DEAL | {"amount": "1.005"}, "finer"),
        ("opportunity", DEAL | {"created_on": "10/01/2026"}, "created_on"),
        ("opportunity", DEAL | {"created_on": "0001-01-01"}, "created_on"),
        ("opportunity", DEAL | {"changed_at": "2026-10-05T10:00:00"}, "time zone"),
        ("opportunity", DEAL | {"amount_minor": str(2**64)}, "amount_minor"),
        ("investment", INVESTED | {"gross_margin_rate": "nan"}, "gross"),
        ("investment", INVESTED | {"gross_margin_rate": "70"}, "gross"),
        ("investment", INVESTED | {"kind": "trainng"}, "did you mean 'training'"),
        ("investment", INVESTED | {"outcome": "happiness"}, "it is one of bookings, margin"),
        ("investment_cost", COST, "amount_minor"),
        ("investment_cost", COST | {"hours": "3"}, "hourly_cost is missing"),
        ("investment_cost", COST | {"hours": "3", "hourly_cost": "5", "amount": "9"}, "are 1500"),
        ("investment_cost", COST | {"hours": "-3", "hourly_cost": "5"}, "hours"),
        ("exposure", EXPOSED | {"unit_kind": "person"}, "it is one of rep, team"),
        ("exposure", EXPOSED | {"stops_on": "2026-03-01"}, "not after it starts"),
        ("exposure", EXPOSED | {"dose": "-1"}, "dose"),
    ],
)
def test_a_bad_record_says_which_field_is_wrong(entity, record, told):
    with pytest.raises(Rejected, match=told) as rejected:
        decode(entity, **record)
    assert rejected.value.reason == "bad_record"


@pytest.mark.parametrize("entity", CRM_ENTITIES)
def test_every_entity_says_which_fields_it_takes(entity):
    fields = fields_of(entity)
    assert "changed_at" in fields
    assert not {"source", "knowable_at"} & set(fields)
    assert ("amount" in fields) == ("amount_minor" in fields)
