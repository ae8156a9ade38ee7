"""What is captured of the demo's company, beside the truth that its author sealed."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.company import Company
from contracts.errors import Rejected
from contracts.rows import AccountRow, ActivityRow, ContactRow, Row, SightingRow
from contracts.wire import Event, Recorded
from ingest.source import Heard, Source
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from simulator.fixture import write_company
from transforms.identity import Directory, match
from transforms.rows import to_rows

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Captured:
    """The rows of everything in a company's folder, and its truth."""

    def __init__(self, folder: Path) -> None:
        write_company(folder, NOW)
        self.truth = json.loads((folder / "truth.json").read_text())
        settings = tomllib.loads((folder / "headwater.toml").read_text())
        self.company = Company(**settings["company"])
        self.rejected: Counter[str] = Counter()
        mail = folder / "mail"
        boxes = (
            MaildirSource(mail),
            MboxSource(mail / "shared-sales.mbox"),
            EmlSource(mail / "export"),
        )
        self.mail = [row for source in boxes for row in self._rows(source)]
        self.calls = [*self._rows(CallLogSource(folder / "calls.jsonl"))]
        self.crm = [*self._rows(CrmCsvSource(folder / "crm"))]

    def _rows(self, source: Source) -> Iterator[Row]:
        for item in source.read(""):
            if isinstance(item, Heard):
                event = Event(
                    kind=source.kind, source=source.name, ingest_run="r", received_at=NOW,
                    **item._asdict(),
                )  # fmt: skip
                try:
                    yield from to_rows(event, self.company)
                except Rejected as rejected:
                    self.rejected[rejected.reason] += 1

    def directory(self) -> Directory:
        accounts = [row for row in self.crm if isinstance(row, AccountRow)]
        contacts = [row for row in self.crm if isinstance(row, ContactRow)]
        return Directory(accounts, contacts, self.company, NOW)


@pytest.fixture(scope="module")
def captured(tmp_path_factory) -> Captured:
    return Captured(tmp_path_factory.mktemp("company"))


def activities(rows) -> dict[object, ActivityRow]:
    return {row.activity_id: row for row in rows if isinstance(row, ActivityRow)}


def excluded(rows) -> Counter[str]:
    return Counter(row.reason for row in rows if isinstance(row, SightingRow) and row.reason)


def test_every_mail_is_one_activity_however_often_it_was_seen(captured):
    counts = captured.truth["counts"]
    assert len(activities(captured.mail)) == counts["mail_activities"]
    sightings = [row for row in captured.mail if isinstance(row, SightingRow)]
    assert len(sightings) == counts["mail_sightings"]
    assert captured.rejected.total() == counts["dead_letters"]


def test_every_call_and_meeting_is_one_activity_whoever_reported_it(captured):
    counts = captured.truth["counts"]
    assert len(activities(captured.calls)) == counts["calls"] + counts["meetings"]
    assert excluded(captured.calls) == {"internal": counts["excluded_meetings"]}


def test_exactly_what_must_not_be_kept_is_not_kept(captured):
    counts = captured.truth["counts"]
    assert excluded(captured.mail) == {
        "internal": counts["excluded_internal"],
        "domain": counts["excluded_domain"],
        "subject_word": counts["excluded_subject_word"],
    }


def test_exactly_the_automatic_mail_is_automatic(captured):
    automatic = [row for row in activities(captured.mail).values() if row.is_automatic]
    assert len(automatic) == captured.truth["counts"]["automatic_mails"]


def test_no_mail_is_matched_to_a_wrong_account_and_few_are_skipped(captured):
    directory, seen = captured.directory(), activities(captured.mail).values()
    fates = Counter(fate(row, directory, captured.truth["mails"]) for row in seen)
    assert fates["wrong"] == fates["missed"] == 0
    assert fates["right"] > 0.95 * (fates["right"] + fates["ambiguous"])
    assert fates["unknown mail"] <= 2  # a Message-ID that was used again


def fate(row: ActivityRow, directory: Directory, mails: list[dict]) -> str:
    told = [m for m in mails if m["message_id"].strip("<>").lower() == row.message_id]
    told = [m for m in told if m["sent_at"][:19] == row.event_time.isoformat()[:19]] or told
    if len(told) != 1:
        return "unknown mail"
    people = zip(row.participant_address, row.participant_is_ours, strict=True)
    outside = tuple(address for address, is_ours in people if not is_ours)
    recorded = Recorded(activity_id=row.activity_id, event_time=row.event_time, outside=outside)
    found = match(recorded, directory, NOW)
    if found.account_id:
        return "right" if found.account_id == told[0]["account_id"] else "wrong"
    if found.rule == "ambiguous":
        return "ambiguous"
    return "missed" if told[0]["is_tellable"] else "rightly none"
