"""What is written goes through the platform's doors, and is what the sealed answer says."""

import tomllib
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from html import escape

import pandas as pd
import pytest

from contracts.activity import Channel, Direction
from contracts.company import Company
from ingest.sources.calls import CallLogSource
from ingest.sources.maildir import MaildirSource
from simulator.follow import Order
from simulator.meetings import _folded
from simulator.said import AWAY, BOUNCE, BULK, INTERNAL
from simulator.write import write_company
from tests.unit.simulator.companies import scenario_with
from transforms.calls import call_name, decode_call
from transforms.mail import decode_mail

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
BY_MACHINE = {AWAY, BOUNCE, BULK, "answer"}


ORDER = Order(scenario_with(), 6, 3, 9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    write_company("messages", ORDER, folder, lambda done, of: None)
    return folder


@pytest.fixture(scope="module")
def company(folder):
    return Company(**tomllib.loads((folder / "headwater.toml").read_text())["company"])


@pytest.fixture(scope="module")
def truth(folder):
    return pd.read_parquet(folder / "sealed" / "messages.parquet").set_index("name")


@pytest.fixture(scope="module")
def heard(folder):
    """Every copy in the mailboxes, as the platform's own source hears it."""
    return [each for each in MaildirSource(folder / "mail").read("") if hasattr(each, "payload")]


@pytest.fixture(scope="module")
def activities(heard, company):
    return [decode_mail(each.payload, RECEIVED, company) for each in heard]


def test_every_mail_of_the_truth_is_in_a_mailbox_and_none_beside_it(activities, truth):
    mails = truth[~truth["kind"].isin(["call", "meeting"])]
    assert mails.index.is_unique
    assert {activity.message_id for activity in activities} == set(mails.index)


def test_all_copies_of_a_mail_are_one_activity(activities):
    ids = {(activity.message_id, activity.activity_id) for activity in activities}
    copies = Counter(activity.message_id for activity in activities)
    assert len(ids) == len(copies)
    assert max(copies.values()) > 1


def test_the_platform_tells_machines_and_colleagues_as_the_truth_does(activities, truth):
    kinds = truth["kind"].to_dict()
    for activity in activities:
        kind = kinds[activity.message_id]
        assert activity.is_automatic == (kind in BY_MACHINE), kind
        assert (activity.direction is Direction.INTERNAL) == (kind == INTERNAL), kind


def test_threads_are_the_truth_s_threads(activities, truth):
    answers = truth[truth["answers"] >= 0]
    name_of = truth.reset_index().drop_duplicates("activity_id").set_index("activity_id")["name"]
    thread = {activity.message_id: activity.thread_id for activity in activities}
    checked = 0
    for name, parent in answers["answers"].items():
        if len(thread[name]) and thread[name_of[parent]] == name_of[parent]:
            assert thread[name] == name_of[parent]
            checked += 1
    assert checked > 200


def test_an_answer_quotes_what_it_answers(heard, activities):
    bodies = {activity.message_id: activity.body for activity in activities}
    quotes = []
    for each, activity in zip(heard, activities, strict=True):
        message = message_from_bytes(each.payload)
        parent = (message["In-Reply-To"] or "").strip("<>").lower()
        if parent in bodies and not activity.is_automatic:
            parts = (part.get_payload(decode=True) or b"" for part in message.walk())
            whole = " ".join(b" ".join(parts).decode().split())
            said = max(bodies[parent].split("\n"), key=len)[:25]
            quotes.append(said in whole or escape(said) in whole)
    assert len(quotes) > 200
    assert sum(quotes) > 0.95 * len(quotes)


def test_mail_comes_in_several_languages_and_forms(heard, activities):
    types = Counter()
    for each in heard:
        types.update(part.get_content_type() for part in message_from_bytes(each.payload).walk())
    assert {"text/plain", "text/html", "text/calendar", "application/pdf"} <= set(types)
    bodies = "\n".join(activity.body for activity in activities)
    for greeting in ("Hello ", "Guten Tag ", "Bonjour", "Hola "):
        assert greeting in bodies


def test_the_platform_reads_every_call_and_meeting(folder, company, truth):
    names = set()
    for heard in CallLogSource(folder / "calls.jsonl").read(""):
        if hasattr(heard, "payload"):
            activity = decode_call(heard.payload, RECEIVED, company)
            name = "/".join(call_name(heard.payload))
            assert activity.channel == Channel(truth.loc[name, "kind"])
            assert activity.direction in {Direction.INBOUND, Direction.OUTBOUND}
            names.add(name)
    assert names == set(truth.index[truth["kind"].isin(["call", "meeting"])])


def test_invitations_are_calendars_of_rfc_5545(folder):
    files = sorted((folder / "calendar").iterdir())
    assert files
    for file in files:
        lines = file.read_bytes().split(b"\r\n")
        assert lines[0] == b"BEGIN:VCALENDAR"
        assert lines[-2:] == [b"END:VCALENDAR", b""]
        assert all(len(line) <= 75 for line in lines)
        whole = file.read_bytes().replace(b"\r\n ", b"").decode()
        assert whole.count("ATTENDEE;") >= 1


@pytest.mark.parametrize("line", ["short", "x" * 75, "ä" * 100, "SUMMARY:" + "déjà vu " * 30])
def test_folding_loses_nothing(line):
    assert "\r\n".join(_folded(line)).replace("\r\n ", "") == line
    assert all(len(piece.encode()) <= 75 for piece in _folded(line))


def test_what_is_recorded_was_agreed_to(folder, truth):
    files = sorted((folder / "transcripts").iterdir())
    assert files
    for file in files:
        text = file.read_text()
        assert text.startswith("WEBVTT\n")
        assert "This call is recorded." in text.split("\n\n")[2]
    calls = truth[truth["kind"].isin(["call", "meeting"])]
    named = {name.partition("/")[2] for name in calls.index}
    assert {file.stem for file in files} < named
