"""Headers first, bodies of known accounts alone: a real mail server, log, worker and warehouse."""

import asyncio
from base64 import b64decode
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
from pydantic import SecretStr

from contracts.clock import ManualClock, SystemClock
from dashboard import queries
from ingest.bring import bring_in
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.imap import ImapSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from local.ports import free_port
from orchestration.defs.capture import no_mail_is_missing
from settings import Settings
from tests.dovecot import PASSWORD, Mailboxes
from tests.waiting import wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader

pytestmark = [pytest.mark.stack, pytest.mark.dovecot]

SECRET = "zanzibar"
FROM_LINE = b"From jo@acme.example Mon Nov  2 10:00:00 2026\n"
WAITING = "SELECT count() FROM live.quarantine"
WITHDRAWN = "SELECT count() FROM raw.withdrawal"
COMPLETE = "SELECT sum(held), sum(stored), sum(missing) FROM live.completeness"
MISSING_ON_THE_PAGE = f"SELECT held, stored, missing FROM ({queries.CAPTURE})"
ACCOUNTS = "Account ID,Name,Domains\nacme,Acme,acme.example\n"


def mail(number, sender, to="kim@ourco.example"):
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: about {number} {SECRET}-subject\r\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m{number}@mail.example>\r\n\r\n"
        f"the {SECRET}-body of {number}\r\n"
    ).encode()


@pytest.fixture
def settings(tmp_path, mailboxes):
    """A running stack that reads one mailbox of its settings."""
    mailboxes.append(
        mail(1, "jo@acme.example"), mail(2, "who@else.example"), mail(3, "pat@ourco.example")
    )
    home = tmp_path / "home"
    secret = home / "secrets" / "mailboxes" / "kim@ourco.example"
    secret.parent.mkdir(parents=True)
    secret.write_text(PASSWORD + "\n")
    config = (
        f'[[mailboxes]]\naddress = "kim@ourco.example"\nurl = "{mailboxes.url}"\n'
        '[[mailboxes]]\naddress = "shy"\nmode = "metadata"\n'
    )
    with stack(home, config) as settings:
        yield settings


@contextmanager
def stack(home, config):
    """Run a warehouse and a worker while the body runs."""
    home.mkdir(exist_ok=True)
    port = free_port()
    company = '[company]\nown_domains = ["ourco.example"]\n'
    (home / "headwater.toml").write_text(f"worker_port = {port}\n{company}{config}")
    with serving(home) as (served, _):
        url = url_of(served)
        migrate(url)
        with working(home, url, port):
            yield Settings(home=home, warehouse_url=url)


def crm(settings, folder):
    folder.mkdir()
    (folder / "accounts.csv").write_text(ACCOUNTS)
    return asyncio.run(bring_in(settings, CrmCsvSource(folder)))


def bodies(reader):
    frame = reader.frame("SELECT message_id, captured, subject, body FROM raw.activity FINAL")
    return {row.message_id[:2]: row for row in frame.itertuples()}


def test_a_mailbox_is_captured_as_far_as_it_may_be_and_the_rest_follows_the_crm(
    settings, mailboxes, tmp_path
):
    reader = Reader(settings.warehouse_url)
    wait_until(lambda: reader.value("SELECT uniqExact(external_id) FROM raw.sighting"), 3)
    nothing_but_metadata_is_anywhere(settings, reader)
    crm(settings, tmp_path / "crm")
    the_body_of_what_the_crm_knows_is_fetched_and_of_nothing_else(settings, reader)
    what_the_mailbox_holds_is_stored_or_told_to_be_missing(settings, reader)
    a_mode_holds_for_its_mailbox_and_the_fuller_copy_stands(settings, reader, tmp_path)
    reader.close()


def nothing_but_metadata_is_anywhere(settings, reader):
    assert {row.captured for row in bodies(reader).values()} == {"metadata"}
    assert f"{SECRET}-body" not in everything(settings)
    assert "about 3" not in everything(settings)
    assert reader.value(WAITING) == 2


def the_body_of_what_the_crm_knows_is_fetched_and_of_nothing_else(settings, reader):
    wait_until(lambda: bodies(reader)["m1"].captured, "full")
    assert f"the {SECRET}-body of 1" in bodies(reader)["m1"].body
    assert bodies(reader)["m2"].captured == "metadata"
    wait_until(lambda: reader.value(WAITING), 1)
    for text in (f"{SECRET}-body of 2", f"{SECRET}-body of 3", "about 3"):
        assert text not in everything(settings)


def what_the_mailbox_holds_is_stored_or_told_to_be_missing(settings, reader):
    wait_until(lambda: row(reader, COMPLETE), (3, 3, 0))
    assert no_mail_is_missing(reader=reader).passed
    client = connect(settings.warehouse_url, mutations_sync=2)
    client.execute("ALTER TABLE raw.sighting DELETE WHERE external_id LIKE 'INBOX/%/2'")
    assert row(reader, COMPLETE) == (3, 2, 1)
    assert reader.value("SELECT state FROM raw.source_state FINAL") == "reading"
    found = no_mail_is_missing(reader=reader)
    assert not found.passed
    assert "1 missing" in str(found.metadata)
    assert row(reader, MISSING_ON_THE_PAGE) == (3, 2, 1)


def a_mode_holds_for_its_mailbox_and_the_fuller_copy_stands(settings, reader, tmp_path):
    for observer in ("shy", "open"):
        (tmp_path / observer).mkdir()
        (tmp_path / observer / "1.eml").write_bytes(mail(4, "jo@acme.example"))
    account = asyncio.run(bring_in(settings, EmlSource(tmp_path / "shy")))
    assert (account.activities, account.unknown) == (1, 0)
    assert bodies(reader)["m4"].captured == "metadata"
    assert "about 4" not in everything(settings)
    for observer in ("open", "shy"):
        asyncio.run(bring_in(settings, EmlSource(tmp_path / observer)))
    assert bodies(reader)["m4"].captured == "full"


def test_of_unknown_people_only_a_header_waits_until_the_crm_knows_them_or_a_month_is_over(
    tmp_path, dovecot_port
):
    new, old = Mailboxes(dovecot_port), Mailboxes(dovecot_port)
    new.append(mail(1, "jo@acme.example"), mail(2, "who@else.example"))
    old.append(mail(5, "jo@acme.example"))
    long_ago = ManualClock(SystemClock().now() - timedelta(days=30, hours=1))
    with stack(tmp_path / "home", '[capture]\nkeep = "known"\n') as settings:
        reader = Reader(settings.warehouse_url)
        assert brought(settings, new) == (2, 0, {"excluded: unknown": 2})
        assert brought(settings, old, long_ago) == (1, 0, {"excluded: unknown": 1})
        folder = maildir(tmp_path / "lena", {6: "jo@acme.example", 7: "who@else.example"})
        with following(settings, MaildirSource(folder, follow=True)):
            wait_until(lambda: reader.value(WAITING), 4)
            assert bodies(reader) == {}
            assert f"{SECRET}-body" not in everything(settings)

            crm(settings, tmp_path / "crm")
            assert brought(settings, new)[0] == brought(settings, old)[0] == 0
            wait_until(lambda: full(reader), {"m1", "m6"})
            wait_until(lambda: reader.value(WAITING), 2)
            (folder / "new" / "7.host").unlink()
            wait_until(lambda: reader.value(WITHDRAWN), 1)
        assert set(bodies(reader)) == {"m1", "m6"}
        for number in (2, 5, 7):
            assert f"{SECRET}-body of {number}" not in everything(settings)

        connect(settings.warehouse_url).execute("OPTIMIZE TABLE raw.quarantine FINAL")
        headers = reader.frame("SELECT outside[1] AS who, header FROM raw.quarantine FINAL")
        held = [row.who for row in headers.itertuples() if row.header]
        assert held == ["who@else.example"] * 2
        assert "about 5" not in rows(settings)
        reader.close()


def test_an_import_that_is_repeated_after_the_crm_brings_the_bodies(tmp_path):
    (tmp_path / "eml").mkdir()
    for number, sender in ((1, "jo@acme.example"), (2, "who@else.example")):
        (tmp_path / "eml" / f"{number}.eml").write_bytes(mail(number, sender))
    senders = {3: "jo@acme.example", 4: "who@else.example"}
    (tmp_path / "mbox").write_bytes(b"".join(FROM_LINE + mail(*one) for one in senders.items()))
    with stack(tmp_path / "home", '[capture]\nkeep = "known"\n') as settings:
        reader = Reader(settings.warehouse_url)
        assert imported(settings, tmp_path) == (4, 0)
        assert f"{SECRET}-body" not in everything(settings)
        assert reader.value(WAITING) == 4
        crm(settings, tmp_path / "crm")
        assert imported(settings, tmp_path)[0] == 4
        wait_until(lambda: full(reader), {"m1", "m3"})
        assert set(bodies(reader)) == {"m1", "m3"}
        assert reader.value(WAITING) == 2
        for number in (2, 4):
            assert f"{SECRET}-body of {number}" not in everything(settings)
        reader.close()


def imported(settings, folder):
    """How many mails the two kinds of files hold, and of how many an activity was first heard."""
    sources = (EmlSource(folder / "eml"), MboxSource(folder / "mbox"))
    accounts = [asyncio.run(bring_in(settings, source)) for source in sources]
    return sum(one.seen for one in accounts), sum(one.activities for one in accounts)


def full(reader):
    return {name for name, row in bodies(reader).items() if row.captured == "full"}


def maildir(path, senders):
    for part in ("tmp", "new", "cur"):
        (path / part).mkdir(parents=True)
    for number, sender in senders.items():
        (path / "new" / f"{number}.host").write_bytes(mail(number, sender))
    return path


@contextmanager
def following(settings, source):
    """Follow a source in a thread while the body runs."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(bring_in(settings, source))
    thread = Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(60)
        assert not thread.is_alive()
        loop.close()


def brought(settings, mailboxes, clock=None):
    source = ImapSource(mailboxes.url, SecretStr(PASSWORD))
    account = asyncio.run(bring_in(settings, source, clock=clock))
    return account.seen, account.activities, dict(account.reasons)


def row(reader, sql):
    return tuple(map(int, reader.frame(sql).iloc[0]))


def rows(settings):
    """All rows of raw, as text."""
    client = connect(settings.warehouse_url)
    tables = client.execute("SELECT name FROM system.tables WHERE database = 'raw'")
    return "".join(str(client.execute(f"SELECT * FROM raw.{name}")) for (name,) in tables)


def everything(settings):
    """All that the platform holds as text: every table of raw, and the files of the log."""
    client = connect(settings.warehouse_url)
    held = [rows(settings)]
    held += [
        b64decode(letter).decode("latin-1")
        for (letter,) in client.execute("SELECT event_base64 FROM raw.dead_letter")
    ]
    files = [file for file in (settings.home / "log").rglob("*") if file.is_file()]
    return "".join(held + [file.read_bytes().decode("latin-1") for file in files])
