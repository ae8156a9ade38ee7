"""The write-back and its ledger in the warehouse, run after run."""

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from activation.csv_drop import CsvDrop
from activation.ledger import noted
from activation.writeback import write_back
from contracts.clock import ManualClock
from contracts.rows import CrmWriteRow
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

SCORE = "headwater_engagement_score"
CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
LEDGER = "SELECT * FROM raw.crm_write FINAL ORDER BY written_at, object_id, field"


def _export(folder: Path, website: str, score: str) -> None:
    """Export the account again, later than every drop."""
    path = folder / "accounts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["account_id", "website", SCORE], ["A-1", website, score]])
    later = path.stat().st_mtime + 86_400
    os.utime(path, (later, later))


def _run(folder: Path, reader: Reader, writer: Writer | None, score: str) -> list[CrmWriteRow]:
    CLOCK.advance(timedelta(hours=1))
    target = CsvDrop(folder, CLOCK)
    wanted = {"A-1": {SCORE: score, "website": "https://ours.example"}}
    ledger = noted(reader, target.name, "account")
    batches = write_back(target, "account", wanted, run_id=uuid4(), clock=CLOCK, noted=ledger)
    rows = [row for batch in batches for row in batch]
    if writer:
        writer.write(rows)
    return rows


def _website(rows: list[CrmWriteRow]) -> CrmWriteRow:
    (row,) = (row for row in rows if row.field == "website")
    return row


def test_the_ledger_holds_every_field_that_was_looked_at_in_every_run(tmp_path, reader, writer):
    (tmp_path / "accounts.csv").write_text("account_id,website\nA-1,\n")
    rows = [row for score in ("42", "42", "43") for row in _run(tmp_path, reader, writer, score)]
    held = reader.rows(CrmWriteRow, LEDGER)
    assert held == rows
    assert [(row.outcome, row.old_value, row.new_value) for row in held if row.field == SCORE] == [
        ("written", "", "42"),
        ("unchanged", "42", "42"),
        ("written", "42", "43"),
    ]


def test_a_person_who_edits_an_own_field_is_noticed_once(tmp_path, reader, writer):
    _export(tmp_path, "", "")
    _run(tmp_path, reader, writer, "42")
    _export(tmp_path, "", "a person's")
    (edited,) = (row for row in _run(tmp_path, reader, writer, "43") if row.field == SCORE)
    assert (edited.outcome, edited.old_value) == ("written", "a person's")
    assert edited.detail == "it is no longer what we last noted, '42'"
    _export(tmp_path, "", "43")
    (settled,) = (row for row in _run(tmp_path, reader, writer, "43") if row.field == SCORE)
    assert (settled.outcome, settled.detail) == ("unchanged", "")


def test_a_ledger_that_lost_a_run_is_repaired_by_the_next(tmp_path, reader, writer):
    _export(tmp_path, "", "")
    _run(tmp_path, reader, None, "42")
    _export(tmp_path, "https://ours.example", "42")
    assert noted(reader, "csv", "account") == {}
    rows = _run(tmp_path, reader, writer, "42")
    assert {row.outcome for row in rows} == {"unchanged"}
    ours = {("A-1", SCORE): "42", ("A-1", "website"): "https://ours.example"}
    assert noted(reader, "csv", "account") == ours


def test_a_field_that_we_filled_and_a_person_emptied_stays_empty(tmp_path, reader, writer):
    _export(tmp_path, "", "")
    assert _website(_run(tmp_path, reader, writer, "42")).outcome == "written"
    _export(tmp_path, "", "42")
    for _ in range(2):
        left = _website(_run(tmp_path, reader, writer, "42"))
        assert left.outcome == "kept"
        assert left.detail == "it held 'https://ours.example', and somebody emptied it"


def test_what_another_crm_held_is_not_ours_to_compare(tmp_path, reader, writer):
    _export(tmp_path, "", "")
    _run(tmp_path, reader, writer, "42")
    assert noted(reader, "tryton", "account") == {}
    assert noted(reader, "csv", "contact") == {}
