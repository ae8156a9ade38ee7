"""Calls and meetings from a provider's JSON."""

from datetime import UTC, datetime

import msgspec
import pytest

from contracts.activity import Channel, Direction
from contracts.company import Company
from contracts.errors import Rejected
from transforms.calls import decode_call

COMPANY = Company(own_domains=("ourco.example",), own_numbers=("+14155550100",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
CALL = {
    "provider": "aircall",
    "call_id": "77",
    "started_at": "2026-11-23T10:00:00Z",
    "ended_at": "2026-11-23T10:12:30Z",
    "from": "(415) 555-0199",
    "to": "+1 415 555 0100",
}


def decode(company=COMPANY, **changes):
    record = {k: v for k, v in (CALL | changes).items() if v is not None}
    return decode_call(msgspec.json.encode(record), HEARD_AT, company)


def test_a_call_tells_who_spoke_and_how_long():
    call = decode()
    assert call.direction is Direction.INBOUND
    assert call.outside == ("+14155550199",)
    assert call.duration_seconds == 750


def test_ones_own_number_is_never_theirs():
    outgoing = decode(**{"from": "+14155550100", "to": ["+14155550199", "+14155550198"]})
    assert outgoing.outside == ("+14155550199", "+14155550198")
    assert outgoing.direction is Direction.OUTBOUND


@pytest.mark.parametrize(
    ("way", "theirs"), [("inbound", "+14155550199"), ("outbound", "+14155550100")]
)
def test_without_own_numbers_the_calls_direction_tells_our_side(way, theirs):
    company = Company(own_domains=("ourco.example",))
    assert decode(company, direction=way).outside == (theirs,)


@pytest.mark.parametrize("outcome", ["missed", "voicemail"])
def test_nobody_spoke_in_a_missed_call(outcome):
    assert decode(outcome=outcome, duration_seconds=40).duration_seconds == 0


def test_a_later_report_of_the_same_call_is_the_same_activity():
    assert decode(duration_seconds=5).activity_id == decode(title="later").activity_id


def test_two_providers_calls_are_two_unless_they_share_an_id():
    assert decode().activity_id != decode(provider="gong").activity_id
    shared = decode(shared_id="sip-1"), decode(provider="gong", call_id="9", shared_id="sip-1")
    assert shared[0].activity_id == shared[1].activity_id


def test_a_meeting_has_an_organizer_and_attendees():
    meeting = decode(
        kind="meeting",
        organizer={"address": "Kim@ourco.example", "name": "Kim"},
        attendees=["jo@acme.example"],
    )
    assert meeting.channel is Channel.MEETING
    assert meeting.outside == ("jo@acme.example",)
    assert meeting.direction is Direction.OUTBOUND


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"started_at": "yesterday"}, "started_at"),
        ({"started_at": "2026-11-23T10:00:00"}, "time zone"),
        ({"started_at": "2099-01-01T00:00:00Z"}, "future"),
        ({"ended_at": None}, "ended_at or duration_seconds"),
        ({"ended_at": "2026-11-23T09:00:00Z"}, "between 0 and a week"),
        ({"call_id": ""}, "call_id"),
        ({"outcome": "great"}, "outcome"),
    ],
)
def test_a_bad_call_says_which_field_is_wrong(changes, told):
    with pytest.raises(Rejected, match=told) as rejected:
        decode(**changes)
    assert rejected.value.reason == "bad_call"


def test_a_call_among_unreadable_numbers_tells_of_nobody():
    with pytest.raises(Rejected) as rejected:
        decode(**{"from": "anonymous", "to": "101"})
    assert rejected.value.reason == "no_participants"


def test_an_anonymous_caller_is_not_a_colleague():
    assert (
        decode(**{"from": "anonymous", "direction": "inbound"}).direction is not Direction.INTERNAL
    )
