"""Whom the eraser takes out of tables that hold people in ways of their own."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from contracts.capture_rows import QuarantineRow
from contracts.clock import SystemClock
from contracts.crm_rows import AttendanceRow, LeadRow, RepRow
from transforms.erasure import PERSONS, REASON, identity, pattern, token
from warehouse.connection import connect
from warehouse.erase import Eraser, Person

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
JO, SAM = "jo@acme.example", "sam@acme.example"
WHO = identity(JO, "US")
TOKEN = token(b"key", WHO)


@pytest.fixture
def swept(writer, warehouse_url):
    """Store rows, erase Jo, and tell what is left of a table."""

    def sweep(*rows):
        writer.write(rows)
        eraser = Eraser(warehouse_url)
        person = Person(pattern(WHO), TOKEN, PERSONS)
        assert eraser.count(person)
        eraser.sweep(person, REASON)
        assert eraser.count(person) == {}
        eraser.close()

        def left(sql):
            client = connect(warehouse_url)
            found = client.execute(sql)
            client.disconnect()
            return found

        return left

    return sweep


def waiting(source, outside):
    return QuarantineRow(
        source=source, external_id="7", observer="kim@ourco.example", ingest_run="r",
        activity_id=UUID(int=7), outside=(outside,), header=f"From: {outside}\n", held_at=None,
        quarantined_at=SystemClock().now(),
    )  # fmt: skip


def test_of_two_sources_headers_with_one_id_only_the_persons_own_goes(swept):
    left = swept(waiting("imap:a", JO), waiting("imap:b", SAM))
    assert left("SELECT source, outside FROM raw.quarantine") == [("imap:b", [SAM])]


def test_a_lead_goes_whole_with_all_its_versions(swept):
    told = {"source": "csv", "status": "new"}
    later = NOW.replace(hour=13)
    left = swept(
        LeadRow(lead_id="l1", name="Jo Doe", emails=(JO,), knowable_at=NOW, **told),
        LeadRow(
            lead_id="l1", name="Jo Doe", emails=("jo@home.example",), knowable_at=later, **told
        ),
        LeadRow(lead_id="l2", name="Sam Roe", emails=(SAM,), knowable_at=NOW, **told),
    )
    assert left("SELECT lead_id FROM raw.lead FINAL") == [("l2",)]


def test_an_attendance_stays_with_the_token_of_the_learner(swept):
    learned = {"investment_id": "i", "course": "c", "completed_on": date(2026, 11, 2)}
    rows = [
        AttendanceRow(**learned, learner_email=who, source="csv", knowable_at=NOW)
        for who in (JO, SAM)
    ]
    left = swept(*rows)
    assert left("SELECT learner_email FROM raw.attendance FINAL ORDER BY 1") == [
        (TOKEN,),
        (SAM,),
    ]


def test_a_rep_keeps_the_place_without_the_name(swept):
    known = {"source": "csv", "knowable_at": NOW}
    left = swept(
        RepRow(rep_id="r7", name="Jo Doe", email=JO, title="AE", **known),
        RepRow(rep_id="r8", name="Sam Roe", email=SAM, title="AE", **known),
    )
    assert left("SELECT rep_id, name, email FROM raw.rep FINAL ORDER BY rep_id") == [
        ("r7", "", TOKEN),
        ("r8", "Sam Roe", SAM),
    ]
