"""Capture with the real worker, log and warehouse: what goes in comes out, and adds up."""

import asyncio
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from contracts import topics
from contracts.clock import SystemClock
from contracts.company import Company
from contracts.rows import ActivityRow, DeadLetterRow
from contracts.wire import DeadLetter, Event, RecordedBatch, encode
from ingest.account import Account
from ingest.agents import told as told_to_match
from ingest.bring import bring_in
from ingest.completeness import recount
from ingest.dead_letter import to_event
from ingest.publish import Publisher
from ingest.replay import replay
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from local.ports import free_port
from settings import Settings
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from transforms.rows import to_rows
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.stack

CALLS = 20
COMPANY_RULES = Company(own_domains=("ourco.example",))
COMPANY = '[company]\nown_domains = ["ourco.example"]\nown_numbers = ["+14155550100"]\n'


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Iterator[Settings]:
    """A home with a warehouse and a worker that run."""
    home = tmp_path_factory.mktemp("capture")
    (home / "headwater.toml").write_text(COMPANY)
    with serving(home) as (served, _):
        url = url_of(served)
        migrate(url)
        settings = Settings(
            home=home,
            warehouse_url=url,
            worker_port=free_port(),
            webhook_secret=SecretStr("hook"),
            command_token=SecretStr("token"),
        )
        with working(home, url, settings.worker_port, webhook_secret="hook", command_token="token"):
            yield settings


@pytest.fixture
def reader(settings) -> Iterator[Reader]:
    reader = Reader(settings.warehouse_url)
    yield reader
    reader.close()


def test_mail_calls_and_the_crm_become_rows_matches_and_accounts_that_add_up(
    settings, reader, tmp_path
):
    mails = bring(settings, MaildirSource(maildir(tmp_path / "mail")))
    assert (mails.seen, mails.activities, mails.repeated) == (9, 3, 3)
    assert (mails.excluded, mails.dead_lettered) == (2, 1)
    assert mails.reasons == {
        "excluded: internal": 1,
        "excluded: subject_word": 1,
        "dead_lettered: no_participants": 1,
    }
    calls = bring(settings, CallLogSource(call_log(tmp_path)))
    assert (calls.seen, calls.activities, calls.dead_lettered) == (CALLS + 1, CALLS, 1)
    crm = bring(settings, CrmCsvSource(crm_export(tmp_path / "crm")))
    assert (crm.seen, crm.records, crm.dead_lettered) == (4, 3, 1)

    runs = mails.ingest_run, calls.ingest_run
    wait_until(lambda: matched(reader, *runs), {"acme": 2 + CALLS, "": 1})
    reasons = reader.frame("SELECT DISTINCT reason FROM live.match WHERE rule = 'contact'")
    assert "jo@acme.com is an address of Jo Doe, Acme" in set(reasons["reason"])


def test_bringing_in_again_changes_no_row_and_counts_as_repeated(settings, reader, tmp_path):
    path = tmp_path / "again.mbox"
    path.write_bytes(b"".join(FROM_LINE + mail(f"again{n}") + b"\n" for n in range(150)))
    first, second = bring(settings, MboxSource(path)), bring(settings, MboxSource(path))
    assert (first.activities, second.activities, second.repeated) == (150, 0, 150)


def test_a_mail_that_came_when_no_mail_can_come_is_an_activity_too(settings, reader, tmp_path):
    path = tmp_path / "never.mbox"
    lines = [FROM_LINE.replace(b"2026", year) for year in (b"0001", b"9999")]
    assert FROM_LINE not in lines
    path.write_bytes(b"".join(line + mail(f"never{n}") + b"\n" for n, line in enumerate(lines)))
    assert bring(settings, MboxSource(path)).activities == len(lines)


@pytest.mark.parametrize("kind", ["eml", "maildir", "mbox"])
def test_what_a_source_of_files_holds_of_each_day_is_stored_withdrawn_or_told_to_be_missing(
    settings, reader, tmp_path, kind
):
    keep, source = FILES[kind]
    path = tmp_path / f"{kind}.mails"
    keep(path, 1, 2, 3)
    bring(settings, source(path))
    assert told(settings, path) == {1: (1, 1, 0), 2: (1, 1, 0), 3: (1, 1, 0)}
    keep(path, 1, 3)
    bring(settings, source(path))
    assert told(settings, path) == {1: (1, 1, 0), 3: (1, 1, 0)}
    keep(path, 1, 2, 3, 4)
    assert told(settings, path) == {1: (1, 1, 0), 2: (1, 0, 1), 3: (1, 1, 0), 4: (1, 0, 1)}
    bring(settings, source(path))
    assert told(settings, path) == dict.fromkeys((1, 2, 3, 4), (1, 1, 0))
    client = connect(settings.warehouse_url, mutations_sync=2)
    client.execute(
        "ALTER TABLE raw.sighting DELETE WHERE endsWith(source, %(path)s) AND "
        "toDayOfMonth(held_at) = 3",
        {"path": str(path)},
    )
    assert told_by_command(settings, path) == (4, 3, ["2025-11-03"])


def told(settings, path):
    """What is told of each day of November 2025 on which there was something."""
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    assert list(recount(settings, reader, writer, SystemClock(), days=2_000)) == []
    frame = reader.frame(
        "SELECT toDayOfMonth(held_on) AS day, held, stored, missing FROM live.completeness "
        "WHERE endsWith(source, %(path)s) AND held + stored > 0 ORDER BY held_on",
        {"path": str(path)},
    )
    reader.close()
    writer.close()
    return {row.day: (row.held, row.stored, row.missing) for row in frame.itertuples()}


def told_by_command(settings, path):
    environment = os.environ | {
        "HEADWATER_HOME": str(settings.home),
        "HEADWATER_WAREHOUSE_URL": settings.warehouse_url.get_secret_value(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli", "completeness", "--days", "2000", "--json"],
        env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    rows = map(json.loads, done.stdout.splitlines())
    (row,) = (row for row in rows if row["source"].endswith(str(path)))
    return row["held"], row["stored"], row["missing_days"]


def keep_mbox(path: Path, *days: int) -> None:
    line = "From jo@acme.com Sat Nov {day:2} 10:00:00 2025\n"
    path.write_bytes(
        b"".join(line.format(day=day).encode() + mail(f"mbox{day}") + b"\n" for day in days)
    )


def keep_files(path: Path, name: str, *days: int) -> None:
    """Have the mails of some days, as old as they are, and no others."""
    path.mkdir(parents=True, exist_ok=True)
    for day in range(1, 5):
        file = path / f"{day}.{name}"
        file.unlink(missing_ok=True)
        if day in days:
            file.write_bytes(mail(f"{name}{day}"))
            moment = datetime(2025, 11, day, 10, tzinfo=UTC).timestamp()
            os.utime(file, (moment, moment))


def keep_maildir(path: Path, *days: int) -> None:
    (path / "cur").mkdir(parents=True, exist_ok=True)
    keep_files(path / "new", "host", *days)


FILES = {
    "mbox": (keep_mbox, MboxSource),
    "eml": (lambda path, *days: keep_files(path, "eml", *days), EmlSource),
    "maildir": (keep_maildir, MaildirSource),
}


def test_a_dead_letter_is_replayed_as_it_was_and_is_understood_later(settings, reader, tmp_path):
    (tmp_path / "bad.eml").write_bytes(b"Subject: nobody\n\nhello")
    run = bring(settings, EmlSource(tmp_path / "bad.eml"))
    assert run.dead_lettered == 1
    assert len(run.details) == 1
    assert str(run).endswith(f"\n  dead_lettered: no_participants: 1\n  {run.details[0]}")
    source = f"eml:{tmp_path / 'bad.eml'}"
    assert asyncio.run(replay(settings, source=source, reason="no_participants")) == 1
    wait_until(lambda: waiting_and_replayed(reader, source), (1, 1))
    assert asyncio.run(replay(settings, source=source, reason="another")) == 0


def test_an_activity_that_could_not_be_matched_is_decided_again_by_a_replay(settings, reader):
    event = Event(
        kind="mail", source="eml:/undecided", external_id="1", observer="x", ingest_run="undecided",
        received_at=SystemClock().now(), payload=mail("undecided"),
    )  # fmt: skip
    rows = to_rows(event, COMPANY_RULES)
    (activity,) = (row for row in rows if isinstance(row, ActivityRow))
    writer = Writer(settings.warehouse_url)
    writer.write(rows)
    writer.close()
    undecided = encode(RecordedBatch(activities=(told_to_match(activity),)))
    asyncio.run(bury(settings, undecided, b"no batch"))
    waiting = "SELECT countIf(replayed_at IS NULL) FROM live.dead_letter WHERE reason = 'a_bug'"
    wait_until(lambda: reader.value(waiting), 2)
    assert asyncio.run(replay(settings, reason="a_bug")) == 1
    assert reader.value(waiting) == 1, "what can't be read stays"
    decided = "SELECT count() FROM raw.match WHERE activity_id = %(id)s"
    wait_until(lambda: reader.value(decided, {"id": activity.activity_id}), 1)


async def bury(settings, *payloads):
    """Send dead letters of the match agent to the log, as it would."""
    letters = [
        DeadLetter(
            topic=topics.ACTIVITIES.name, partition=0, offset=1_000_000 + number, position=0,
            reason="a_bug", detail="", failed_at=SystemClock().now(), payload=payload,
        )
        for number, payload in enumerate(payloads)
    ]  # fmt: skip
    async with Publisher(settings) as publisher:
        await publisher.send(topics.DEAD_LETTERS, topics.ACTIVITIES.name, letters)


def test_what_is_sent_again_is_no_live_news(settings, reader):
    call = {"provider": "aircall", "call_id": "again", "direction": "inbound"}
    assert post(settings, call, secret="hook").status_code == 202
    wait_until(lambda: waiting_and_replayed(reader, WEBHOOK), (1, 0))
    assert asyncio.run(replay(settings, source=WEBHOOK)) == 1
    wait_until(lambda: waiting_and_replayed(reader, WEBHOOK), (1, 1))
    letters = reader.rows(DeadLetterRow, LETTERS, {"source": WEBHOOK})
    assert [to_event(letter).is_live for letter in letters] == [True, False]


def test_a_signed_call_becomes_an_activity_and_a_forged_one_leaves_no_trace(settings, reader):
    call = CALL | {"provider": "aircall", "call_id": "hook-1", "started_at": "2026-11-03T10:00:00Z"}
    assert post(settings, call, secret="hook").status_code == 202
    wait_until(lambda: heard_by_webhook(reader), 1)
    forged = post(settings, call | {"call_id": "hook-2"}, secret="guess")
    assert forged.status_code == 401
    assert "signature" in forged.json()["error"]
    large = httpx.post(webhook(settings), content=b"x" * 1_100_000, timeout=PATIENCE_SECONDS)
    assert large.status_code == 413
    assert post(settings, call | {"call_id": "hook-3"}, secret="hook").status_code == 202
    wait_until(lambda: heard_by_webhook(reader), 2)


def test_a_person_chooses_a_match_through_the_door(settings, reader, tmp_path):
    (tmp_path / "choose.eml").write_bytes(mail("choose", sender="who@unknown.example"))
    bring(settings, EmlSource(tmp_path / "choose.eml"))
    (tmp_path / "accounts.csv").write_text("Account ID,Name\nchosen,Chosen\n")
    bring(settings, CrmCsvSource(tmp_path))
    activity_id = reader.value(
        "SELECT activity_id FROM raw.activity WHERE message_id = 'choose@mail.example'"
    )
    command = {
        "kind": "choose_match",
        "idempotency_key": str(uuid4()),
        "actor": "lena@ourco.example",
        "reason": "her private address",
        "issued_at": SystemClock().now().isoformat(),
        "subject_id": str(activity_id),
        "value": "chosen",
    }
    url = f"http://127.0.0.1:{settings.worker_port}/commands"
    send = partial(httpx.post, url, json=command, timeout=PATIENCE_SECONDS)
    assert send().status_code == 401
    for _ in range(2):
        assert send(headers={"Authorization": "Bearer token"}).status_code == 202
    chosen = "SELECT account_id FROM live.match WHERE activity_id = %(id)s"
    wait_until(lambda: reader.value(chosen, {"id": activity_id}), "chosen")
    done = "SELECT count() FROM raw.command FINAL WHERE outcome = 'done'"
    wait_until(lambda: reader.value(done), 1)


def test_following_a_maildir_hears_what_is_delivered(settings, reader, tmp_path):
    path = tmp_path / "follow"
    deliver(path / "kim", "1.early", mail("early", sent_at=SystemClock().now()))

    async def follow() -> Account:
        task = asyncio.create_task(bring_in(settings, MaildirSource(path, follow=True)))
        await asyncio.to_thread(wait_until, lambda: heard(reader, "early@mail.example"), 1)
        deliver(path / "kim", "2.late", mail("late", sent_at=SystemClock().now()))
        await asyncio.to_thread(wait_until, lambda: heard(reader, "late@mail.example"), 1)
        task.cancel()
        return await task

    account = asyncio.run(follow())
    assert account.seen == 2
    live = "SELECT external_id FROM raw.sighting WHERE ingest_run = %(run)s AND is_live"
    assert list(reader.frame(live, {"run": account.ingest_run})["external_id"]) == ["kim/2.late"]


WEBHOOK = "webhook:calls"
LETTERS = "SELECT * FROM live.dead_letter WHERE source = %(source)s ORDER BY failed_at"
SENT_AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
FROM_LINE = b"From jo@acme.com Mon Nov  2 10:00:00 2026\n"
CALL = {
    "started_at": "2026-11-02T10:00:00Z", "duration_seconds": 60,
    "from": "(415) 555-0199", "to": "+14155550100",
}  # fmt: skip


def mail(subject, sender="Jo@Acme.com", to="kim@ourco.example", sent_at=SENT_AT):
    return (
        f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: {format_datetime(sent_at)}\n"
        f"Message-ID: <{subject.replace(' ', '.')}@mail.example>\n\nHello"
    ).encode()


def maildir(path: Path) -> Path:
    """Three activities, each in two mailboxes, two that are not kept, and one that is no mail."""
    both = [mail("offer", to="kim@ourco.example, pat@ourco.example"), mail("reply", "new@acme.com")]
    both.append(mail("hello", "who@unknown.example"))
    for number, content in enumerate(both):
        deliver(path / "kim", f"{number}.a", content)
        deliver(path / "pat", f"{number}.b", content)
    deliver(path / "kim", "5.c", mail("lunch", sender="pat@ourco.example"))
    deliver(path / "kim", "6.d", mail("Confidential terms"))
    deliver(path / "pat", "7.e", b"no mail at all")
    return path


def deliver(path: Path, name: str, content: bytes) -> None:
    for part in ("tmp", "new", "cur"):
        (path / part).mkdir(parents=True, exist_ok=True)
    (path / "tmp" / name).write_bytes(content)
    (path / "tmp" / name).rename(path / "new" / name)


def call_log(folder: Path) -> Path:
    calls = [json.dumps({"provider": "log", "call_id": str(n)} | CALL) for n in range(CALLS)]
    (folder / "calls.jsonl").write_text("\n".join([*calls, '{"provider": "log"}']))
    return folder / "calls.jsonl"


def crm_export(folder: Path) -> Path:
    folder.mkdir()
    (folder / "accounts.csv").write_text("Account ID,Name,Domains\nacme,Acme,acme.com\n")
    (folder / "contacts.csv").write_text(
        "contact_id,account_id,name,emails,phones\njo,acme,Jo Doe,jo@acme.com,+1 415 555 0199\n"
    )
    (folder / "opportunities.csv").write_text(
        "opportunity_id,account_id,stage,created_on,amount,changed_at\n"
        "o1,acme,Proposal,2026-10-01,1200.50,2026-10-01T10:00:00Z\n"
        "o2,acme,Proposal,2026-10-01,a lot,2026-10-01T10:00:00Z\n"
    )
    return folder


def bring(settings, source):
    account = asyncio.run(bring_in(settings, source))
    fates = ("activities", "records", "repeated", "excluded", "dead_lettered")
    assert account.seen == sum(getattr(account, fate) for fate in fates)
    return account


def post(settings, call, secret):
    body = json.dumps(call).encode()
    stamp = str(int(SystemClock().now().timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    header = {"X-Headwater-Signature": f"t={stamp},v1={digest}"}
    return httpx.post(webhook(settings), content=body, headers=header, timeout=PATIENCE_SECONDS)


def webhook(settings) -> str:
    return f"http://127.0.0.1:{settings.worker_port}/webhooks/calls"


def matched(reader, *runs: str) -> dict[str, int]:
    frame = reader.frame(
        "SELECT account_id, count() AS activities FROM live.match WHERE activity_id IN "
        "(SELECT activity_id FROM raw.sighting WHERE ingest_run IN %(runs)s) GROUP BY account_id",
        {"runs": runs},
    )
    return dict(zip(frame["account_id"], map(int, frame["activities"]), strict=True))


def heard_by_webhook(reader) -> int:
    return reader.value("SELECT uniq(external_id) FROM raw.sighting WHERE source = 'webhook:calls'")


def waiting_and_replayed(reader, source) -> tuple[int, int]:
    frame = reader.frame(
        "SELECT countIf(replayed_at IS NULL) AS waiting, countIf(replayed_at IS NOT NULL) AS sent "
        "FROM live.dead_letter WHERE source = %(source)s",
        {"source": source},
    )
    return int(frame["waiting"][0]), int(frame["sent"][0])


def heard(reader, message_id) -> int:
    return reader.value(
        "SELECT uniq(activity_id) FROM raw.activity WHERE message_id = %(message_id)s",
        {"message_id": message_id},
    )
