"""Who is erased leaves the rows of an event, and nobody else does."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.company import Company
from contracts.errors import UserError
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from transforms.erasure import Suppressed, identity, is_in, pattern, redacted, token
from transforms.rows import to_rows

KEY = b"key"
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))
JO, PHONE = "jo@acme.example", "+14155550199"
SUPPRESSED = Suppressed([token(KEY, identity(who, "US")) for who in (JO, PHONE)], KEY, "US")


def mail(sender=f"Jo Doe <{JO}>", to="kim@ourco.example", text="Hello"):
    payload = f"From: {sender}\nTo: {to}\nSubject: Offer\n\n{text}".encode()
    return event("mail", payload)


def event(kind, payload):
    return Event(
        kind=kind, source="eml:/x", external_id="1", observer="x", ingest_run="r",
        received_at=HEARD_AT, payload=payload,
    )  # fmt: skip


def kept(heard):
    return redacted(to_rows(heard, COMPANY), SUPPRESSED)


def test_a_mail_of_the_erased_alone_leaves_a_sighting_that_says_erased():
    (sighting,) = kept(mail())
    assert isinstance(sighting, SightingRow)
    assert (sighting.disposition, sighting.reason) == ("excluded", "erased")


def test_a_mail_with_others_stays_without_text_and_without_the_person():
    sighting, activity = kept(mail(to="kim@ourco.example, sam@acme.example"))
    assert sighting.activity_id == activity.activity_id
    assert (activity.subject, activity.body) == ("", "")
    assert activity.participant_address[0].startswith("erased-")
    assert activity.participant_name[0] == ""
    assert "sam@acme.example" in activity.participant_address
    assert "jo" not in repr(activity).lower().replace("erased", "")


def test_what_somebody_else_wrote_stays_without_the_address():
    _, activity = kept(mail(sender="sam@acme.example", text=f"Ask {JO}, or <JO+x@acme.example>."))
    assert isinstance(activity, ActivityRow)
    assert re.fullmatch(r"Ask erased-\w{32}, or <erased-\w{32}>\.", activity.body)


def test_a_contact_of_the_crm_goes_whole():
    record = b'{"entity": "contact", "record": {"contact_id": "jo", "phones": ["(415) 555-0199"]}}'
    (sighting,) = kept(event("crm", record))
    assert sighting.reason == "erased"


@pytest.mark.parametrize(
    "text",
    [JO, "JO@ACME.example", "<jo+crm@acme.example>", "jo@acme.example.", f"x,{JO};", f"{JO}\n"],
)
def test_the_pattern_finds_an_address_in_every_form(text):
    assert re.search(pattern(identity(JO, "US")), text)


@pytest.mark.parametrize(
    "text", ["bjo@acme.example", "jo@acme.example.br", "jo.x@acme.example", "jo@acme.examples"]
)
def test_the_pattern_leaves_those_who_are_only_alike(text):
    assert not re.search(pattern(identity(JO, "US")), text)


@pytest.mark.parametrize(
    "text",
    ["+1 415-555-0199", "(415) 555-0199", "tel:+1-415-555-0199", "4155550199", "001.415.555.0199"],
)
def test_the_pattern_finds_a_number_in_every_form(text):
    assert re.search(pattern(identity(PHONE, "US")), text)


OTHERS = ["94155550199123", "415555019", "4155550198", "+4155550199", "2026-11-02 10:00"]


@pytest.mark.parametrize("text", OTHERS)
def test_the_pattern_leaves_other_numbers(text):
    assert not re.search(pattern(identity(PHONE, "US")), text)


@pytest.mark.parametrize("text", OTHERS)
def test_later_text_keeps_other_numbers(text):
    assert SUPPRESSED.mended(text) == text


SEPARATOR = st.sampled_from(["", " ", "-", ".", ") ", " (", " / ", "\n"])


@given(
    st.sampled_from(["+1", "1", "001", "", "0"]),
    st.lists(SEPARATOR, min_size=10, max_size=10),
    st.sampled_from(["", "call ", "ext 12: ", "2026-11-02, ", "4155550198 "]),
    st.sampled_from(["", ".", " or 4155550198", "; ext 5", " x"]),
)
def test_what_the_pattern_finds_in_stored_text_is_found_in_later_text(prefix, gaps, before, after):
    number = prefix + "".join(gap + digit for gap, digit in zip(gaps, "4155550199", strict=True))
    text = before + number + after
    assert bool(re.search(pattern(identity(PHONE, "US")), text))
    mended = SUPPRESSED.mended(text)
    assert "erased-" in mended
    assert not re.search(pattern(identity(PHONE, "US")), mended)


def test_a_number_in_a_later_body_gives_way_to_its_token():
    _, activity = kept(mail(sender="sam@acme.example", text="Call (415) 555-0199, or me."))
    assert re.fullmatch(r"Call \(?erased-\w{32}, or me\.", activity.body)


def test_a_rep_keeps_the_place_without_the_name():
    record = b'{"entity":"rep","record":{"rep_id":"r7","name":"Jo Doe","email":"JO@acme.example"}}'
    _, rep = kept(event("crm", record))
    assert rep.rep_id == "r7"
    assert rep.name == ""
    assert rep.email.startswith("erased-")


def test_an_event_is_found_where_its_text_is_encoded():
    encoded = (
        b"From: sam@acme.example\nTo: kim@ourco.example\nContent-Transfer-Encoding: base64\n\n"
        b"QXNrIGpvQGFjbWUuZXhhbXBsZQ=="
    )
    found = re.compile(pattern(identity(JO, "US")))
    assert is_in(event("mail", encoded), found, COMPANY)
    assert not is_in(mail(sender="sam@acme.example"), found, COMPANY)


def test_what_is_no_person_is_refused():
    with pytest.raises(UserError, match="neither an e-mail address nor a phone number"):
        identity("acme", "US")


@given(st.binary(max_size=200))
def test_bytes_that_nobody_can_decode_are_looked_through_without_an_error(payload):
    assert not SUPPRESSED.is_named_in(payload)
    assert SUPPRESSED.is_named_in(b"\x00" + payload + b" jo@acme.example ")
    assert SUPPRESSED.is_named_in(payload + b"\xff (415) 555-0199")
