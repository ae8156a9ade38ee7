"""What is not kept leaves a reason, and nothing else."""

from datetime import UTC, datetime

import pytest

from contracts.company import Company
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from transforms.rows import NO_ACTIVITY, to_rows

HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rows(
    subject="Offer",
    sender="jo@acme.example",
    recipient="kim@ourco.example",
    observer="x",
    **company,
):
    mail = f"From: {sender}\nTo: {recipient}\nSubject: {subject}\n\nHello"
    event = Event(
        kind="mail", source="eml:/x", external_id="1", observer=observer, ingest_run="r",
        received_at=HEARD_AT, payload=mail.encode(),
    )  # fmt: skip
    return to_rows(event, Company(own_domains=("ourco.example",), **company))


def reason(**mail):
    found = rows(**mail)
    assert [type(row) for row in found] == [SightingRow]
    return found[0].reason


def test_an_excluded_mail_leaves_its_sighting_and_nothing_of_itself():
    (sighting,) = rows(sender="pat@ourco.example", subject="Lunch")
    assert (sighting.disposition, sighting.reason) == ("excluded", "internal")
    assert sighting.activity_id == NO_ACTIVITY
    assert "Lunch" not in repr(sighting)
    assert "pat@" not in repr(sighting)


@pytest.mark.parametrize("pattern", ["jo@acme.example", "JO@*", "*@acme.*"])
def test_an_excluded_address_is_not_kept(pattern):
    assert reason(excluded_addresses=(pattern,)) == "address"


@pytest.mark.parametrize("pattern", ["acme.example", "Acme.Example", "*.example"])
def test_an_excluded_domain_is_not_kept(pattern):
    assert reason(excluded_domains=(pattern,)) == "domain"
    assert reason(sender="jo@mail.acme.example", excluded_domains=(pattern,)) == "domain"


@pytest.mark.parametrize("subject", ["Confidential: terms", "your OFFER  letter", "401k plan"])
def test_a_subject_word_excludes_as_a_whole_word_in_any_case(subject):
    assert reason(subject=subject) == "subject_word"


@pytest.mark.parametrize(
    "header",
    [
        "Sensitivity: Company-Confidential",
        "X-Gmail-Labels: Inbox,Private",
        "msip_labels: MSIP_Label_1f-2_Enabled=true; MSIP_Label_1f-2_Name=Personal;",
    ],
)
def test_a_label_excludes(header):
    assert reason(subject=f"Offer\n{header}") == "label"
    assert rows(subject=f"Offer\n{header}", excluded_labels=())[0].disposition == "activity"


def test_a_mailbox_that_is_read_tells_who_its_colleagues_are():
    among = {"sender": "pat@subsidiary.example", "recipient": "kim@subsidiary.example"}
    assert reason(**among, observer="kim@subsidiary.example") == "internal"
    assert rows(**among)[0].disposition == "activity"


def test_a_mailbox_at_a_free_mail_provider_makes_its_own_address_ours_and_no_other():
    to_us = {"sender": "jo@gmail.com", "recipient": "kim@gmail.com", "observer": "kim@gmail.com"}
    assert rows(**to_us)[1].direction == "inbound"


def test_the_private_address_of_a_colleague_is_ours():
    private = {"sender": "pat@home.example", "own_addresses": ("Pat@home.example",)}
    assert reason(**private) == "internal"


@pytest.mark.parametrize("subject", ["A confidentiality agreement", "privately held", "Offer"])
def test_a_part_of_a_word_excludes_nothing(subject):
    sighting, activity = rows(subject=subject, excluded_domains=("notacme.example",))
    assert sighting.disposition == "activity"
    assert isinstance(activity, ActivityRow)
    assert activity.activity_id == sighting.activity_id
