"""Mails that name their deal, through capture, the log's message and the stored rows."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from contracts.clock import ManualClock
from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow, OpportunityRow
from contracts.rows import ActivityRow, MatchRow
from contracts.signature_rows import SignatureRow
from contracts.wire import Event, Recorded
from ingest.agents import told
from ingest.directory import read_directory
from ingest.matching import Matcher, everything, rematch
from transforms.capture import kept
from transforms.rows import to_rows

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


def know(writer, name):
    """Write an account with two open deals, about two products."""
    common = {"source": "csv", "knowable_at": NOW - timedelta(days=90)}
    deals = [
        OpportunityRow(
            opportunity_id=f"{name}-{product}", account_id=name, stage="x", products=(product,),
            name=f"{name} - {product}", created_on=date(2026, 9, 1), **common,
        )
        for product in ("Workbench", "Night Shift")
    ]  # fmt: skip
    writer.write([AccountRow(account_id=name, name=name, domains=(f"{name}.com",), **common)])
    writer.write([ContactRow(contact_id=f"c-{name}", account_id=name,
                             emails=(f"jo@{name}.com",), **common)])  # fmt: skip
    writer.write(deals)


def hear(writer, name, number, subject, text="Hello", *, captured="full", hours=0) -> Recorded:
    """Store a mail as capture does, and return what the match agent hears of it."""
    at = NOW + timedelta(hours=hours)
    thread = f"References: <{name}.0@{name}.com>\n" if number else ""
    mail = (
        f"From: jo@{name}.com\nTo: kim@ourco.example\nSubject: {subject}\n"
        f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\nMessage-ID: <{name}.{number}@{name}.com>\n"
        f"{thread}\n{text}"
    ).encode()
    event = Event(
        kind="mail", source="eml:/deals", external_id=f"{name}-{number}", observer="kim",
        ingest_run=name, received_at=at, payload=kept(mail, captured, captured), captured=captured,
    )  # fmt: skip
    rows = to_rows(event, COMPANY)
    writer.write(rows)
    (activity,) = (row for row in rows if isinstance(row, ActivityRow))
    return told(activity)


def current(reader, activity_id: UUID) -> MatchRow:
    sql = "SELECT * FROM live.match WHERE activity_id = %(id)s"
    (row,) = reader.rows(MatchRow, sql, {"id": activity_id})
    return row


def test_a_mail_is_matched_to_the_deal_that_its_subject_or_text_names(reader, writer):
    know(writer, "named")
    subject = hear(writer, "named", 0, "Workbench: dates")
    (row,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([subject])
    assert (row.rule, row.opportunity_id) == ("contact", "named-Workbench")
    assert "workbench is named" in row.opportunity_reason
    know(writer, "told")
    text = hear(writer, "told", 0, "Dates", "Hi Kim,\n\nthis is about the night shift.\n\nJo")
    (row,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([text])
    assert row.opportunity_id == "told-Night Shift"


def test_a_mailbox_of_which_metadata_alone_is_kept_loses_that_evidence_and_nothing_else(
    reader, writer
):
    know(writer, "silent")
    heard = hear(
        writer, "silent", 0, "Workbench: dates", "About the Workbench", captured="metadata"
    )
    assert (heard.subject, heard.opening) == ("", "")
    (row,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([heard])
    assert (row.rule, row.account_id, row.opportunity_id) == ("contact", "silent", "")
    assert set(row.candidate_opportunity_id) == {"silent-Workbench", "silent-Night Shift"}


def test_a_mail_is_decided_again_when_a_reply_names_the_deal(reader, writer):
    know(writer, "later")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    first = hear(writer, "later", 0, "Dates")
    writer.write(matcher.match([first]))
    assert current(reader, first.activity_id).opportunity_id == ""
    reply = hear(writer, "later", 1, "Re: Dates", "The workbench can wait.", hours=1)
    rows = matcher.match([reply])
    assert {row.activity_id for row in rows} == {first.activity_id, reply.activity_id}
    assert {row.opportunity_id for row in rows} == {"later-Workbench"}


def test_what_is_decided_from_the_tables_is_what_was_decided_from_the_log(reader, writer):
    know(writer, "same")
    heard = hear(writer, "same", 0, "Workbench", "x" * 500 + " night shift")
    writer.write(Matcher(reader, COMPANY, ManualClock(NOW)).match([heard]))
    directory = read_directory(reader, COMPANY)
    again = {
        stands.activity_id: (stands, row)
        for stands, row in everything(reader, directory, NOW, NOW + timedelta(hours=2))
    }
    stands, row = again[heard.activity_id]
    assert stands.recorded() == heard
    assert stands.says_the_same(row)


def test_a_deal_that_gets_its_product_is_told_to_the_mails_that_named_it(reader, writer):
    know(writer, "renamed")
    heard = hear(writer, "renamed", 0, "Mobile: dates")
    writer.write(Matcher(reader, COMPANY, ManualClock(NOW)).match([heard]))
    assert current(reader, heard.activity_id).opportunity_id == ""
    writer.write([
        OpportunityRow(
            opportunity_id="renamed-Workbench", account_id="renamed", stage="x",
            products=("Workbench", "Mobile"), name="renamed - Workbench",
            created_on=date(2026, 9, 1), source="csv", knowable_at=NOW,
        )
    ])  # fmt: skip
    rematch(reader, writer, COMPANY, NOW + timedelta(hours=1))
    assert current(reader, heard.activity_id).opportunity_id == "renamed-Workbench"


def test_a_call_is_matched_by_the_number_that_one_person_signs_with(reader, writer):
    know(writer, "signed")
    writer.write([
        SignatureRow(
            address="jo@signed.com", activity_id=UUID(int=7), event_time=NOW, name="Jo", title="",
            company="", phone=("+14155550142",), evidence="Jo\n+1 415 555 0142",
        )
    ])  # fmt: skip
    call = Recorded(
        activity_id=UUID(int=8), event_time=NOW, outside=("+14155550142",), channel="call"
    )
    (row,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([call])
    assert (row.rule, row.contact_id) == ("signature", "c-signed")
