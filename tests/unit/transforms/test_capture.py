"""What may be kept of a mail is told from its header, and nothing else of it stays."""

from datetime import UTC, datetime

import pytest

from contracts.capture import Capture
from contracts.company import Company
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from transforms.capture import activity_id, header, judge, kept
from transforms.rows import to_rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))
SECRET = b"s3cret"
MAIL = (
    b"From: Jo <jo@acme.example>\r\nTo: kim@ourco.example,\r\n pat@ourco.example\r\n"
    b"Subject: the\r\n s3cret offer\r\nThread-Topic: s3cret offer\r\nKeywords: s3cret\r\n"
    b"X-Note: s3cret\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m1@acme.example>\r\n"
    b'Content-Type: text/plain; name="s3cret.pdf"\r\nList-Id: <l.acme.example>\r\n\r\n'
    b"s3cret body\r\n"
)


def verdict(mail, *, known, **policy):
    return judge(mail, NOW, COMPANY, lambda _: known, Capture(**policy)).captured


@pytest.mark.parametrize("mode", ["metadata", "subject", "full"])
def test_the_mode_rules_mail_of_people_whom_the_crm_knows(mode):
    assert verdict(MAIL, known=True, mode=mode) == mode


def test_other_mail_is_metadata_or_waits():
    assert verdict(MAIL, known=False) == "unknown"
    assert verdict(MAIL, known=False, keep="known") == "quarantined"


def test_an_excluded_mail_is_told_from_its_header_alone():
    mail = header(MAIL.replace(b"jo@acme.example", b"pat@ourco.example"))
    assert judge(mail, NOW, COMPANY, lambda _: True, Capture()) == ("excluded", "internal")


@pytest.mark.parametrize("captured", ["metadata", "unknown", "quarantined"])
def test_metadata_holds_no_subject_under_any_name_and_no_body(captured):
    left = kept(MAIL, captured, "metadata")
    assert SECRET not in left
    assert b"pat@ourco.example" in left
    assert b"Content-Type: text/plain\n" in left


def test_the_subject_s_mode_holds_the_subject_and_nothing_else():
    assert kept(MAIL, "subject", "subject").count(SECRET) == 1
    assert kept(MAIL, "full", "full") == MAIL


def test_a_lone_carriage_return_hides_no_subject_in_another_field():
    left = kept(b"From: jo@acme.example\rSubject: s3cret\n\nbody", "metadata", "metadata")
    assert SECRET not in left


@pytest.mark.parametrize(
    "mail", [b"", b"no mail at all", b"Subject: s3cret\n\ns3cret", b"\xff" * 9]
)
def test_what_tells_of_nobody_leaves_its_metadata_to_be_refused(mail):
    assert verdict(mail, known=True) == "metadata"
    assert SECRET not in kept(mail, "metadata", "full")


def heard(captured, mode="full", **told):
    event = Event(
        kind="mail",
        source="s",
        external_id="1",
        observer="kim@ourco.example",
        ingest_run="r",
        received_at=NOW,
        payload=kept(MAIL, captured, mode) if captured != "excluded" else b"",
        captured=captured,
        activity_id=activity_id(MAIL, NOW, COMPANY),
        **told,
    )
    return to_rows(event, COMPANY)


def test_less_of_a_mail_is_the_same_activity():
    rows = [heard(captured)[1] for captured in ("full", "subject", "metadata", "unknown")]
    assert len({row.activity_id for row in rows}) == 1
    assert [row.captured for row in rows] == ["full", "subject", "metadata", "metadata"]
    assert [bool(row.subject) for row in rows] == [True, True, False, False]
    assert [bool(row.body) for row in rows] == [True, False, False, False]


def test_a_header_waits_with_the_addresses_that_the_crm_may_come_to_know():
    seen, activity, waiting = heard("unknown")
    assert (seen.disposition, activity.subject) == ("activity", "")
    assert waiting.outside == ("jo@acme.example",)
    assert "s3cret offer" in waiting.header
    assert "body" not in waiting.header
    assert "s3cret" not in heard("unknown", "metadata")[2].header


def test_what_only_waits_is_no_activity():
    seen, waiting = heard("quarantined")
    assert isinstance(seen, SightingRow)
    assert (seen.disposition, seen.reason) == ("excluded", "unknown")
    assert not isinstance(waiting, ActivityRow)


def test_of_an_excluded_mail_there_is_a_word_why_and_when():
    (seen,) = heard("excluded", reason="domain", held_at=NOW)
    assert (seen.disposition, seen.reason, seen.event_time, seen.held_at) == (
        "excluded", "domain", NOW, NOW,
    )  # fmt: skip
