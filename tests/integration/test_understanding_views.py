"""Threads, the time an answer took, and signatures, as the views tell them of real mail's rows."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from contracts.company import Company
from contracts.rows import ActivityRow
from contracts.wire import Event
from transforms.rows import to_rows

pytestmark = pytest.mark.warehouse

COMPANY = Company(own_domains=("ourco.example",), time_zone="Europe/Berlin")
HEARD_AT = datetime(2026, 12, 31, 12, tzinfo=UTC)
THEM, US = "kim@acme.example", "jo@ourco.example"


def mail(name, sent_at, sender, to, subject="Offer", body="Hello", *headers) -> tuple:
    lines = [
        f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{name}@x.example>",
        f"Date: {sent_at}", *headers, "", body,
    ]  # fmt: skip
    event = Event(
        kind="mail", source="s", external_id=name, observer="o", ingest_run="r",
        received_at=HEARD_AT, payload="\n".join(lines).encode(),
    )  # fmt: skip
    return to_rows(event, COMPANY)


def ids(rows) -> UUID:
    return next(row.activity_id for row in rows if isinstance(row, ActivityRow))


def written(writer, mails):
    writer.write([row for rows in mails.values() for row in rows])
    return {ids(rows): name for name, rows in mails.items()}


def threads(reader, names):
    found = reader.frame("SELECT activity_id, thread_id, evidence FROM live.thread")
    return {names[UUID(str(each))]: (t, e) for each, t, e in found.itertuples(index=False)}


def test_headers_unite_a_thread_and_a_subject_only_where_headers_are_silent(writer, reader):
    mails = {
        "first": mail("first", "Mon, 2 Nov 2026 10:00:00 +0100", US, THEM),
        "second": mail(
            "second", "Tue, 3 Nov 2026 10:00:00 +0100", THEM, US, "Anything", "Yes",
            "References: <first@x.example>",
        ),
        "orphan": mail("orphan", "Wed, 4 Nov 2026 10:00:00 +0100", THEM, US, "RE: [ext] offer"),
        "after": mail("after", "Thu, 5 Nov 2026 10:00:00 +0100", US, THEM, "AW: Re: Offer"),
        "stranger": mail("stranger", "Thu, 5 Nov 2026 11:00 +0100", "a@b.example", US, "Re: Offer"),
        "late": mail("late", "Sun, 20 Dec 2026 10:00:00 +0100", THEM, US, "Re: Offer"),
        "anew": mail("anew", "Fri, 6 Nov 2026 10:00:00 +0100", US, THEM, "Offer"),
    }  # fmt: skip
    found = threads(reader, written(writer, mails))
    assert found["first"] == ("first@x.example", "alone")
    assert found["second"] == ("first@x.example", "header")
    assert found["orphan"] == found["after"] == ("first@x.example", "subject")
    assert found["stranger"] == ("stranger@x.example", "alone")
    assert found["late"][1] == "alone"
    assert found["anew"] == ("anew@x.example", "alone")


def business_seconds(begins: datetime, ends: datetime) -> int:
    """Count, minute by minute, what of a stretch lies between 9 and 18 on working days."""
    minutes = (ends - begins) // timedelta(minutes=1)
    times = (begins + timedelta(minutes=n) for n in range(minutes))
    return 60 * sum(t.weekday() < 5 and 9 <= t.hour < 18 for t in times)


def test_an_answers_time_is_counted_in_the_hours_of_the_one_who_answers(writer, reader):
    draw = Random(7)
    mails, expected = {}, {}
    for number in range(40):
        asked = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(20_000))
        answered = asked + timedelta(minutes=draw.randrange(1, 12_000))
        offset = draw.choice([-8, 0, 1, 9])
        ask, reply = f"ask{number}", f"reply{number}"
        mails[ask] = mail(ask, f"{asked:%d %b %Y %H:%M:%S} +0000", US, THEM)
        there = answered + timedelta(hours=offset)
        mails[reply] = mail(
            reply, f"{there:%d %b %Y %H:%M:%S} {offset:+03d}00", THEM, US, "Re: Offer", "Yes",
            f"In-Reply-To: <{ask}@x.example>",
        )  # fmt: skip
        expected[reply] = (
            (answered - asked).total_seconds(),
            business_seconds(asked + timedelta(hours=offset), there),
        )
    names = written(writer, mails)
    frame = reader.frame(
        "SELECT activity_id, latency_seconds, business_seconds FROM live.reply_latency "
        "WHERE evidence = 'in_reply_to' AND direction = 'inbound'"
    )
    found = {names[UUID(str(each))]: (a, b) for each, a, b in frame.itertuples(index=False)}
    assert found == expected


def test_an_answer_without_a_name_follows_the_other_sides_last_mail(writer, reader):
    mails = {
        "a": mail("a", "Mon, 2 Nov 2026 10:00:00 +0100", US, THEM),
        "b": mail("b", "Mon, 2 Nov 2026 11:00:00 +0100", US, THEM, "Re: Offer"),
        "c": mail("c", "Mon, 2 Nov 2026 12:30:00 +0100", THEM, US, "Re: Offer"),
        "robot": mail(
            "robot", "Mon, 2 Nov 2026 12:31:00 +0100", THEM, US, "Re: Offer", "Away",
            "Auto-Submitted: auto-replied",
        ),
    }  # fmt: skip
    names = written(writer, mails)
    frame = reader.frame(
        "SELECT activity_id, asked_id, evidence, latency_seconds FROM live.reply_latency"
    )
    (row,) = frame.itertuples(index=False)
    assert (names[UUID(str(row.activity_id))], names[UUID(str(row.asked_id))]) == ("c", "b")
    assert (row.evidence, row.latency_seconds) == ("thread", 90 * 60)


def test_what_signatures_tell_is_gathered_by_person(writer, reader):
    signed = (
        "The offer stands for two weeks.\n\nBest regards\nKim Roe\n"
        "Head of Sales, Acme GmbH\nTel. +49 30 1234567"
    )
    mails = {
        "a": mail("a", "Mon, 2 Nov 2026 10:00:00 +0100", f"Kim Roe <{THEM}>", US, "x", signed),
        "b": mail(
            "b", "Tue, 3 Nov 2026 10:00:00 +0100", f"Kim Roe <{THEM}>", US, "x",
            "See you then, at ten.\n\n-- \nKim Roe\nChief Buyer",
        ),
        "ours": mail("c", "Tue, 3 Nov 2026 11:00:00 +0100", f"Jo <{US}>", THEM, "x", signed),
    }  # fmt: skip
    written(writer, mails)
    frame = reader.frame("SELECT address, title, company, phone, signatures FROM live.signature")
    (row,) = frame.itertuples(index=False)
    assert (row.address, row.title, row.company) == (THEM, "Chief Buyer", "Acme GmbH")
    assert (list(row.phone), row.signatures) == (["+49301234567"], 2)
