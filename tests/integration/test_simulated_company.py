"""A simulated company, captured and matched, beside its sealed answer."""

import tomllib
from collections import Counter
from datetime import UTC, datetime

import pandas as pd
import pytest

from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow, LeadRow
from contracts.matching import CERTAIN
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event, Recorded
from ingest.source import Heard
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.maildir import MaildirSource
from simulator.follow import Order
from simulator.scenario_file import scenario_of
from simulator.write import write_company
from transforms.directory import Directory
from transforms.identity import match
from transforms.rows import to_rows

pytestmark = pytest.mark.slow

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SCENARIO = scenario_of({"dirt": {"account_duplicated": 0.05, "account_merged": 0.5}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fernhill")
    write_company("messages", Order(SCENARIO, 8, 4, 5), folder, lambda done, of: None)
    return folder


@pytest.fixture(scope="module")
def company(folder):
    return Company(**tomllib.loads((folder / "headwater.toml").read_text())["company"])


@pytest.fixture(scope="module")
def rows(folder, company):
    """Every row that capture makes of the folder; nothing is rejected."""
    sources = (
        MaildirSource(folder / "mail"),
        CallLogSource(folder / "calls.jsonl"),
        CrmCsvSource(folder / "crm"),
    )
    return [
        row
        for source in sources
        for heard in source.read("")
        if isinstance(heard, Heard)
        for row in to_rows(
            Event(
                kind=source.kind,
                source=source.name,
                ingest_run="r",
                received_at=NOW,
                **heard._asdict(),
            ),
            company,
        )
    ]


@pytest.fixture(scope="module")
def truth(folder):
    return pd.read_parquet(folder / "sealed" / "messages.parquet").set_index("name")


@pytest.fixture(scope="module")
def activities(rows):
    return {row.activity_id: row for row in rows if isinstance(row, ActivityRow)}.values()


def test_what_is_kept_is_everything_but_talk_among_ourselves(rows, activities, truth):
    kept = truth[truth["kind"] != "internal"]
    assert len(activities) == len(kept)
    mails = {row.message_id for row in activities if row.channel == "email"}
    assert mails == set(kept.index[~kept["kind"].isin(["call", "meeting"])])
    reasons = Counter(row.reason for row in rows if isinstance(row, SightingRow) and row.reason)
    assert set(reasons) == {"internal"}


def test_no_mail_is_certainly_matched_to_a_wrong_account_and_few_are_skipped(
    rows, activities, truth, company
):
    """A partner in copy of a private address that nobody knows misleads; never certainly."""
    accounts = [row for row in rows if isinstance(row, AccountRow)]
    contacts = [row for row in rows if isinstance(row, ContactRow)]
    leads = [row for row in rows if isinstance(row, LeadRow)]
    directory = Directory(accounts, contacts, company, NOW, leads=leads)
    owner = truth["account_id"].to_dict()
    fates = Counter(
        fate(row, directory, owner[row.message_id]) for row in activities if row.message_id
    )
    assert fates["certain and wrong"] == 0
    assert fates["wrong"] < 0.005 * fates["right"]
    assert fates["right"] > 0.9 * (fates["right"] + fates["skipped"])
    assert fates["skipped"] > 0  # an account that was entered twice
    assert fates["rightly none"] > 0


def fate(row, directory, account_id):
    people = zip(row.participant_address, row.participant_is_ours, strict=True)
    outside = tuple(address for address, is_ours in people if not is_ours)
    recorded = Recorded(activity_id=row.activity_id, event_time=row.event_time, outside=outside)
    found = match(recorded, directory, NOW)
    if not found.account_id:
        return "skipped" if account_id else "rightly none"
    if found.account_id == account_id:
        return "right"
    return "certain and wrong" if found.margin >= CERTAIN else "wrong"
