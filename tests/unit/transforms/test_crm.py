"""CRM records as they are heard."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from contracts.errors import Rejected
from contracts.rows import CRM_ENTITIES
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


@pytest.mark.parametrize(
    ("entity", "record", "told"),
    [
        ("deal", {}, "not an entity"),
        ("account", {"account_id": "a1"}, "name"),
        ("account", {"account_id": "a1", "name": "A", "employees": "many"}, "employees"),
        ("account", {"account_id": "a1", "name": "A", "employees": "-1"}, "employees"),
        ("account", {"account_id": "a1", "name": "A", "indstry": "x"}, "did you mean 'industry'"),
        ("opportunity", DEAL | {"amount": "12,50"}, "12,50"),
        ("opportunity", DEAL | {"amount": "1.005"}, "finer"),
        ("opportunity", DEAL | {"created_on": "10/01/2026"}, "created_on"),
        ("opportunity", DEAL | {"created_on": "0001-01-01"}, "created_on"),
        ("opportunity", DEAL | {"changed_at": "2026-10-05T10:00:00"}, "time zone"),
        ("opportunity", DEAL | {"amount_minor": str(2**64)}, "amount_minor"),
        (
            "investment",
            {"investment_id": "i", "kind": "tool", "name": "n", "gross_margin_rate": "nan"},
            "gross",
        ),
        (
            "investment",
            {"investment_id": "i", "kind": "tool", "name": "n", "gross_margin_rate": "70"},
            "gross",
        ),
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
