"""Invitations in mail and the meetings that they make: a real log, worker and warehouse."""

import asyncio
import json
from contextlib import closing
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.clock import SystemClock
from contracts.invitation import InvitationRow
from ingest.bring import bring_in
from ingest.erase import Erasure
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from local.ports import free_port
from settings import Settings
from tests.integration.test_capture import COMPANY
from tests.waiting import wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.stack

KIM, JO, AL = "kim@ourco.example", "jo@acme.example", "al@acme.example"
BEGAN = SystemClock().now() - timedelta(days=3)
MEETINGS = """
    SELECT subject, duration_seconds, time_quality, account_id
    FROM raw.activity AS activity FINAL
    LEFT JOIN live.match AS decided ON decided.activity_id = activity.activity_id
    WHERE channel = 'meeting' ORDER BY subject
"""


@pytest.fixture
def settings(tmp_path):
    """A home with a warehouse and a worker that run, and a CRM that knows Acme."""
    home, crm = tmp_path / "home", tmp_path / "crm"
    home.mkdir()
    crm.mkdir()
    (home / "headwater.toml").write_text(COMPANY)
    (crm / "accounts.csv").write_text("account_id,name,domains\nacme,Acme,acme.example\n")
    with serving(home) as (served, _):
        migrate(url_of(served))
        settings = Settings(home=home, warehouse_url=url_of(served))
        with working(home, url_of(served), free_port()):
            asyncio.run(bring_in(settings, CrmCsvSource(crm)))
            yield settings


def test_invitations_become_meetings_of_which_reports_stand_and_the_erased_are_taken_out(
    settings, tmp_path
):
    reader = Reader(settings.warehouse_url)
    store_a_series_that_can_not_be_followed(settings)
    hear(
        settings, tmp_path / "first", invitation("held"), invitation("off"), invitation("bad", "x")
    )
    planned = (1800, "scheduled", "acme")
    wait_until(lambda: meetings(reader), {"held": planned, "off": planned})
    assert unread(reader) == ["bad"]
    the_report_stands(settings, reader, tmp_path)
    one_of_those_invited_is_erased(settings, reader)
    reader.close()


def store_a_series_that_can_not_be_followed(settings):
    """Which an older version may have stored: it holds up no other."""
    row = InvitationRow(
        series_id=UUID(int=1), recurrence_id="", activity_id=UUID(int=2), uid="odd@x",
        method="request", sequence=0, stamped_at=BEGAN, status="", title="odd", starts_at=BEGAN,
        ends_at=BEGAN, until_at=BEGAN + timedelta(days=9_000), is_all_day=False, time_zone="UTC",
        recurrence_rule="FREQ=WEEKLY;INTERVAL=2,3", excluded_recurrence=(),
        organizer_address=KIM, attendee_address=(JO,), attendee_answer=("needs_action",),
    )  # fmt: skip
    with closing(Writer(settings.warehouse_url)) as writer:
        writer.write([row])


def the_report_stands(settings, reader, tmp_path):
    report = {
        "provider": "meetwell", "call_id": "7", "shared_id": "held@x", "kind": "meeting",
        "started_at": BEGAN.isoformat(), "duration_seconds": 600, "organizer": KIM,
        "attendees": [JO], "title": "held",
    }  # fmt: skip
    (tmp_path / "calls.jsonl").write_text(json.dumps(report))
    assert asyncio.run(bring_in(settings, CallLogSource(tmp_path / "calls.jsonl"))).repeated == 1
    cancelled = invitation("off", method="CANCEL", sequence=1)
    accepted = invitation("held", method="REPLY", sender=JO, answer="ACCEPTED")
    hear(settings, tmp_path / "second", cancelled, accepted)
    reported = (600, "stated", "acme")
    wait_until(
        lambda: (
            meetings(reader) == {"held": reported, "off": (0, "scheduled", "acme")}
            and answers(reader)[JO] == "accepted"
        )
    )


def one_of_those_invited_is_erased(settings, reader):
    erasure = Erasure(settings, AL, SystemClock())
    erasure.run("asked for")
    assert not erasure.held()
    erasure.close()
    invited = reader.frame("SELECT title, attendee_address FROM raw.invitation FINAL")
    assert {JO} < {who for row in invited["attendee_address"] for who in row}
    assert not any("al@acme" in str(row) for row in invited.itertuples())


def hear(settings, folder, *mails):
    folder.mkdir()
    for number, mail in enumerate(mails):
        (folder / f"{number}.eml").write_bytes(mail)
    account = asyncio.run(bring_in(settings, EmlSource(folder)))
    assert (account.activities, account.dead_lettered) == (len(mails), 0)


def invitation(name, start="", method="REQUEST", sequence=0, sender=KIM, answer="NEEDS-ACTION"):
    begins, ends = BEGAN, BEGAN + timedelta(minutes=30)
    invited = [JO, AL] if sender == KIM else [sender]
    lines = [
        "BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{name}@x",
        f"SEQUENCE:{sequence}", f"DTSTART:{start or f'{begins:%Y%m%dT%H%M%SZ}'}",
        f"DTEND:{ends:%Y%m%dT%H%M%SZ}", f"SUMMARY:{name}", f"ORGANIZER:mailto:{KIM}",
        *(f"ATTENDEE;PARTSTAT={answer}:mailto:{who}" for who in invited),
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    to = f"{JO}, {AL}" if sender == KIM else KIM
    head = (
        f"From: {sender}\nTo: {to}\nSubject: {method} {name}\n"
        f"Date: {begins - timedelta(days=1):%d %b %Y %H:%M:%S} +0000\n"
        f"Message-ID: <{method}.{name}@mail.example>\n"
        f"Content-Type: text/calendar; method={method}\n\n"
    )
    return (head + "\n".join(lines)).encode()


def meetings(reader):
    return {
        row.subject: (row.duration_seconds, row.time_quality, row.account_id)
        for row in reader.frame(MEETINGS).itertuples()
    }


def unread(reader):
    found = reader.frame("SELECT subject, kind_evidence FROM raw.activity FINAL")
    told = found[found["kind_evidence"].str.contains("not read: .*DTSTART")]
    return [subject.split()[1] for subject in told["subject"]]


def answers(reader):
    found = reader.frame("SELECT address, answer FROM live.meeting_answer WHERE uid = 'held@x'")
    return dict(zip(found["address"], found["answer"], strict=True))
