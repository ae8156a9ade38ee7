"""After an erasure nothing holds the person: no table, no record of the log, no file of ours."""

import asyncio
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from cli import app, privacy
from contracts.clock import SystemClock
from contracts.errors import UserError
from contracts.wire import decode_envelope
from ingest.bring import bring_in
from ingest.erase import Erasure
from ingest.purge import purge
from ingest.receipt import encode_receipt, verified
from ingest.restored import erase_restored
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from local.log.store import Log
from tests.integration.test_capture import CALL, post
from tests.integration.test_capture import settings as capturing  # noqa: F401 a fixture
from tests.waiting import wait_until
from warehouse.backup import backup, restore
from warehouse.connection import connect
from warehouse.reader import Reader

pytestmark = [pytest.mark.stack]

ADDRESS = "jo.doe@acme.example"
PHONE = "+14155550199"
TRACE = re.compile(
    r"(?<![\w.])jo\.doe(\+\w+)?@acme\.example|415.{0,2}555.?0199|Jo Doe", re.IGNORECASE
)
OTHER = "sam@acme.example"
RETURNING = "lee@acme.example"
BACKED_UP = "pat@acme.example"


class Before(NamedTuple):
    """What a dry run told, twice, before anything was erased."""

    held: dict
    other_addresses: list
    held_again: dict


class After(NamedTuple):
    """What there was once the person was erased, and before anything else happened."""

    traces: list
    reasons: dict
    bodies: dict
    contacts: list


@pytest.fixture(scope="module")
def filled(request, tmp_path_factory):
    """A home in which a person is everywhere: mail, calls, CRM, dead letters, the log, files."""
    settings = request.getfixturevalue("capturing")
    folder = tmp_path_factory.mktemp("heard")
    for number, source in enumerate(sources(folder)):
        assert asyncio.run(bring_in(settings, source)).seen, number
    (settings.home / "logs").mkdir(exist_ok=True)
    (settings.home / "logs" / "worker.log").write_text(f'{{"why": "{ADDRESS.upper()}"}}\n')
    drop = settings.home / "crm_drop"
    drop.mkdir(exist_ok=True)
    (drop / "headwater-accounts-1.csv").write_text(f"account_id,note\nacme,{ADDRESS}\n")
    reader = Reader(settings.warehouse_url)
    matched = "SELECT count() FROM live.match WHERE account_id = 'acme'"
    wait_until(lambda: reader.value(matched), lambda count: count >= 4)
    reader.close()
    return settings, folder


@pytest.fixture(scope="module")
def looked_at(filled):
    settings, _ = filled
    erasure = Erasure(settings, f" {ADDRESS.upper()} ", SystemClock())
    before = Before(erasure.held(), erasure.other_addresses(), erasure.held())
    erasure.close()
    return before


@pytest.fixture(scope="module")
def afterwards(filled, looked_at):
    """The person is erased, by address and by number."""
    settings, _ = filled
    assert looked_at.held
    assert traces(settings)
    for who in (ADDRESS, PHONE):
        erasure = Erasure(settings, who, SystemClock())
        receipt = erasure.run("asked for")
        assert receipt.rows
        assert verified(encode_receipt(receipt), erasure._key) == receipt
        assert receipt.log_clean_on == receipt.done_at.date()
        assert not erasure.held()
        erasure.close()
    return After(
        traces(settings),
        dict(rows(settings, _REASONS)),
        dict(rows(settings, "SELECT subject, body FROM raw.activity FINAL")),
        rows(settings, "SELECT contact_id FROM live.contact ORDER BY contact_id"),
    )


@pytest.fixture
def erased(filled, afterwards):
    """The same home once the person was erased."""
    assert afterwards
    return filled


def sources(folder: Path):
    crm = folder / "crm"
    crm.mkdir()
    (crm / "accounts.csv").write_text("account_id,name,domains\nacme,Acme,acme.example\n")
    (crm / "contacts.csv").write_text(
        f"contact_id,account_id,name,emails,phones\njo,acme,Jo Doe,{ADDRESS},(415) 555-0199\n"
        f"sam,acme,Sam Roe,{OTHER},\npat,acme,Pat Poe,{BACKED_UP},\n"
    )
    (crm / "leads.csv").write_text(
        f"lead_id,name,emails,phones\nl1,Jo Doe,{ADDRESS},(415) 555-0199\n"
    )
    mails = folder / "mails"
    mails.mkdir()
    texts = {
        "alone": (f"Jo Doe <{ADDRESS}>", "kim@ourco.example", "Hello from Jo Doe"),
        "tagged": ("jo.doe+crm@acme.example", "kim@ourco.example", "With a tag"),
        "shared": (f"Sam Roe <{OTHER}>", f"kim@ourco.example, Jo Doe <{ADDRESS}>", "Dear Jo Doe"),
        "named": (OTHER, "kim@ourco.example", f"Ask {ADDRESS},{ADDRESS} or her office"),
        "alike": (f"b{ADDRESS}", "kim@ourco.example", "Somebody else"),
    }
    for name, (sender, to, text) in texts.items():
        (mails / f"{name}.eml").write_bytes(mail(name, sender, to, text))
    calls = folder / "calls.jsonl"
    call = {
        "provider": "log", "call_id": "1", "started_at": "2026-11-02T10:00:00Z",
        "duration_seconds": 60, "from": PHONE, "to": "+14155550100",
    }  # fmt: skip
    unreadable = {"provider": "log", "note": f"No call has no time, {ADDRESS}"}
    calls.write_text(json.dumps(call) + "\n" + json.dumps(unreadable))
    yield CrmCsvSource(crm)
    yield EmlSource(mails)
    yield CallLogSource(calls)


def mail(name, sender, to, text):
    people = f"From: {sender}\nTo: {to}\n" if sender else ""
    return (
        f"{people}Subject: {name}\nDate: Mon, 02 Nov 2026 10:00:00 +0000\n"
        f"Message-ID: <{name}.{len(text)}@mail.example>\n\n{text}\n"
    ).encode()


def test_a_dry_run_lists_what_it_would_touch_and_changes_nothing(looked_at):
    held = looked_at.held
    assert held["raw.activity"] == 4
    assert (held["raw.contact"], held["raw.lead"]) == (1, 1)
    assert held["raw.dead_letter"] == 1
    assert held["the log"] >= 3
    assert held["our files"] == 2
    assert looked_at.other_addresses == ["(415) 555-0199"]
    assert looked_at.held_again == held


def test_after_an_erasure_nothing_holds_the_person(afterwards):
    assert afterwards.traces == []
    assert afterwards.reasons["erased"] == 4, "three activities and a dead letter"
    kept = afterwards.bodies
    assert "Ask erased-" in kept["named"], "what somebody else wrote stays, without the address"
    assert kept["alike"] == "Somebody else"
    assert kept[""] == "", "a mail to several people stays, without its subject and text"
    assert len(kept) == 3
    assert afterwards.contacts == [("pat",), ("sam",)]


def test_what_a_source_brings_again_reaches_no_table_and_hardly_the_log(erased, afterwards):
    settings, folder = erased
    for source in list(sources_again(folder)):
        account = asyncio.run(bring_in(settings, source))
        assert account.seen == sum(
            getattr(account, fate)
            for fate in ("activities", "records", "repeated", "excluded", "dead_lettered")
        )
    assert not list(in_tables(settings)), "what a source brings again reaches no table"
    assert in_log(settings) == {"shared", "named"}, "of the person alone nothing reaches the log"
    assert dict(rows(settings, _REASONS))["erased"] >= 2 * afterwards.reasons["erased"]


def test_a_webhooks_call_of_the_erased_does_not_enter_the_log(erased):
    settings, _ = erased
    assert (
        post(settings, CALL | {"provider": "p", "call_id": "1"}, secret="hook").status_code == 202
    )
    told = "SELECT reason FROM raw.sighting WHERE source = 'webhook:calls'"
    wait_until(lambda: rows(settings, told), [("erased",)])
    assert not any("555-0199" in payload for payload in in_log(settings))


def test_who_was_let_in_again_is_heard(erased):
    settings, folder = erased
    erasure = Erasure(settings, RETURNING, SystemClock())
    erasure.run("asked for")
    (folder / "back").mkdir()
    (folder / "back" / "back.eml").write_bytes(mail("back", RETURNING, "kim@ourco.example", "Hi"))
    assert "back" not in heard_again(settings, folder)
    erasure.lift("asked again")
    erasure.close()
    wait_until(lambda: heard_again(settings, folder), lambda subjects: "back" in subjects)


def test_more_than_a_persons_due_needs_to_be_forced(erased):
    settings, _ = erased
    strict = settings.model_copy(update={"erasures_a_day": 2, "erasure_rows": 0})
    erasure = Erasure(strict, "kim@ourco.example", SystemClock())
    with pytest.raises(UserError, match=r"people were erased within a day .*--force"):
        erasure.refuse_abnormal({"raw.activity": 1})
    erasure.close()


def test_rules_reach_back_to_what_is_stored(erased):
    settings, _ = erased
    company = settings.company.model_copy(update={"excluded_addresses": ("bjo.doe@*",)})
    stricter = settings.model_copy(update={"company": company})
    assert purge(stricter, dry_run=True) == purge(stricter, dry_run=False) == {"address": 1}
    assert purge(stricter, dry_run=True) == {}
    assert not rows(settings, "SELECT 1 FROM raw.activity WHERE body = 'Somebody else'")
    assert dict(rows(settings, _REASONS))["address"] >= 1


def test_whom_a_backup_brings_back_is_erased_again(erased):
    settings, folder = erased
    held = "SELECT contact_id FROM live.contact WHERE contact_id = 'pat'"
    backup(settings.warehouse_url, folder / "backup")
    erasure = Erasure(settings, BACKED_UP, SystemClock())
    erasure.run("asked for")
    erasure.close()
    restore(settings.warehouse_url, folder / "backup", force=True)
    assert rows(settings, held) == [("pat",)]
    assert erase_restored(settings, SystemClock()) >= 1
    assert rows(settings, held) == []


def test_a_receipt_that_was_changed_is_refused(erased):
    settings, folder = erased
    ((told,), *_) = rows(settings, "SELECT receipt FROM raw.erasure FINAL WHERE receipt != ''")
    file = folder / "receipt.json"
    file.write_text(told)
    assert privacy.app is app
    home = ["--home", str(settings.home)]
    assert "ours, and unchanged" in CliRunner().invoke(app, ["receipt", str(file), *home]).output
    receipt = json.loads(told)
    file.write_text(json.dumps(receipt | {"files": receipt["files"] + 1}))
    changed = CliRunner().invoke(app, ["receipt", str(file), *home])
    assert changed.exit_code
    assert "does not fit" in str(changed.exception)


_REASONS = "SELECT reason, count() FROM raw.sighting FINAL GROUP BY reason"


def heard_again(settings, folder):
    asyncio.run(bring_in(settings, EmlSource(folder / "back")))
    return {subject for (subject,) in rows(settings, "SELECT subject FROM raw.activity")}


def sources_again(folder: Path):
    return [
        CrmCsvSource(folder / "crm"),
        EmlSource(folder / "mails"),
        CallLogSource(folder / "calls.jsonl"),
    ]


def rows(settings, sql):
    client = connect(settings.warehouse_url)
    found = client.execute(sql)
    client.disconnect()
    return found


def traces(settings):
    """Every place in which the person can be found, whatever it is."""
    found = [f"{table}.{column}" for table, column in in_tables(settings)]
    log = Log(settings.home / "log" / "log.db")
    for place in log.bounds():
        found += [f"log {place}" for r in log.read(place, 0, 10_000) if holds(r.value, r.key)]
    log.close()
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    return found + [
        str(path) for path in files if holds(read(path)) and not is_replaced(path, settings)
    ]


def in_log(settings):
    """The first words of what holds the person in the log: a mail's subject, a record's start."""
    log = Log(settings.home / "log" / "log.db")
    records = [record for place in log.bounds() for record in log.read(place, 0, 10_000)]
    log.close()
    held = [record.value for record in records if holds(record.value)]
    payloads = [event.payload for value in held for event in decode_envelope(value).events]
    subjects = {payload: re.search(rb"Subject: (\w+)", payload) for payload in payloads}
    return {
        found.group(1).decode() if found else payload.decode()
        for payload, found in subjects.items()
        if holds(payload)
    }


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # merged away meanwhile
        return b""


def is_replaced(path: Path, settings) -> bool:
    """Whether a file is of a part that no query reads, which the server is about to delete."""
    parts = rows(settings, "SELECT path FROM system.parts WHERE active")
    return "warehouse" in path.parts and not any(part in f"{path}" for (part,) in parts)


def in_tables(settings):
    columns = rows(
        settings,
        "SELECT database || '.' || table, name FROM system.columns "
        "WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') "
        "AND type LIKE '%String%'",
    )
    for table, column in columns:
        if "(" in table or table in _ASKED_FOR:
            continue
        for (value,) in rows(settings, f"SELECT toString(`{column}`) FROM {table}"):
            if TRACE.search(value or ""):
                yield table, column
                break


_ASKED_FOR = {"live.engagement", "live.engagement_evidence"}
"""Views that need a moment; they hold nothing of their own."""


def holds(*data):
    return any(TRACE.search((part or b"").decode("utf-8", "replace")) for part in data)
