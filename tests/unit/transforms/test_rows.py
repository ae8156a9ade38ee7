"""From an event to rows, in one way for all."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest
from msgspec.structs import replace

from contracts.company import Company
from contracts.crm_rows import AccountRow
from contracts.errors import Rejected
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from transforms import rows
from transforms.rows import NO_ACTIVITY, to_rows

HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


def event(kind, payload):
    return Event(
        kind=kind, source="s", external_id="1", observer="o", ingest_run="r",
        received_at=HEARD_AT, payload=payload,
    )  # fmt: skip


def test_a_mail_is_a_sighting_and_an_activity():
    sighting, activity = to_rows(
        event("mail", b"From: a@b.example\nTo: k@ourco.example\n\nHi"), COMPANY
    )
    assert isinstance(sighting, SightingRow)
    assert isinstance(activity, ActivityRow)
    assert (sighting.disposition, sighting.activity_id) == ("activity", activity.activity_id)
    assert activity.participant_address == ("a@b.example", "k@ourco.example")
    assert activity.participant_is_ours == (False, True)


def test_a_crm_record_is_a_sighting_and_its_typed_row():
    payload = msgspec.json.encode({"entity": "account", "record": {"account_id": "a", "name": "A"}})
    sighting, record = to_rows(event("crm", payload), COMPANY)
    assert isinstance(sighting, SightingRow)
    assert (sighting.disposition, sighting.activity_id) == ("record", NO_ACTIVITY)
    assert record == AccountRow(account_id="a", name="A", source="s", knowable_at=HEARD_AT)


def test_the_same_event_gives_the_same_rows():
    heard = event("mail", b"From: a@b.example\n\nHi")
    assert to_rows(heard, COMPANY) == to_rows(heard, COMPANY)


@pytest.mark.parametrize(
    ("came_by_itself", "hours_before", "is_live"),
    [(True, 0, True), (True, 2.9, True), (True, -5, True), (True, 3, False), (False, 0, False)],
)
def test_only_news_that_came_by_itself_soon_after_it_happened_is_live(
    came_by_itself, hours_before, is_live
):
    sent_at = format_datetime(HEARD_AT - timedelta(hours=hours_before))
    mail = event("mail", f"From: a@b.example\nDate: {sent_at}\n\nHi".encode())
    sighting, _ = to_rows(replace(mail, is_live=came_by_itself), COMPANY)
    assert sighting.is_live is is_live


def test_what_a_decoder_did_not_foresee_is_rejected_and_does_not_stop_the_stream(monkeypatch):
    def fail(*_):
        raise KeyError("unforeseen")

    monkeypatch.setattr(rows, "decode_mail", fail)
    with pytest.raises(Rejected, match="KeyError: 'unforeseen'") as rejected:
        to_rows(event("mail", b"From: a@b.example\n\nHi"), COMPANY)
    assert rejected.value.reason == "decoder_failed"
