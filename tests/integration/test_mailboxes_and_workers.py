"""Mailboxes that workers read: a real mail server, log, warehouse, and more than one worker."""

from collections import Counter

import pytest

from local.ports import free_port
from tests.dovecot import PASSWORD, Mailboxes
from tests.imap_proxy import cut, proxied, refused, shut_down
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate
from warehouse.reader import Reader

pytestmark = [pytest.mark.stack, pytest.mark.dovecot]

MAILS = 300
HEARD = """
    SELECT observer, external_id, count() AS copies, uniqExact(activity_id) AS activities
    FROM raw.sighting FINAL GROUP BY observer, external_id
"""
COMPLETE = "SELECT observer, sum(held), sum(stored), sum(missing) FROM live.completeness GROUP BY 1"
STATES = "SELECT source, state, detail FROM raw.source_state FINAL"


def mail(whose, number):
    return (
        f"From: jo@acme.example\r\nTo: {whose}@ourco.example\r\nSubject: about {number}\r\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{whose}{number}@acme.example>\r\n"
        f"\r\nHello {number}\r\n"
    ).encode()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def url(home):
    """The migrated warehouse of the home."""
    with serving(home) as (served, _):
        migrate(url_of(served))
        yield url_of(served)


@pytest.fixture
def reader(url):
    reader = Reader(url)
    yield reader
    reader.close()


def configure(home, urls, passwords=None):
    secrets = home / "secrets" / "mailboxes"
    secrets.mkdir(parents=True)
    lines = ['[company]\nown_domains = ["ourco.example"]']
    for name, url in urls.items():
        lines.append(f'[[mailboxes]]\naddress = "{name}@ourco.example"\nurl = "{url}"')
        secret = secrets / f"{name}@ourco.example"
        secret.write_text((passwords or {}).get(name, PASSWORD))
    (home / "headwater.toml").write_text("\n".join(lines) + "\n")


def heard(reader):
    """How many mails of each observer are stored; each once, and of one activity."""
    frame = reader.frame(HEARD)
    assert (frame["activities"] == 1).all()
    return Counter(name.partition("@")[0] for name in frame["observer"])


@pytest.fixture
def boxes(dovecot_port):
    boxes = {name: Mailboxes(dovecot_port) for name in ("kim", "pat", "locked", "barred")}
    for name, box in boxes.items():
        box.append(*(mail(name, number) for number in range(MAILS if name == "kim" else 20)))
    return boxes


@pytest.fixture
def troubled(dovecot_port):
    """Breaks every second answer, five times; the second time it keeps the answer back."""
    with proxied(dovecot_port) as proxy:
        why = refused("[LIMIT] Too many requests")
        proxy.spared, proxy.spoils = 1, [shut_down, proxy.keep_back, why, cut, shut_down]
        yield proxy


@pytest.fixture
def locked(dovecot_port):
    """Never answers a STATUS."""
    with proxied(dovecot_port) as proxy:
        proxy.command, proxy.forever = b"STATUS", True
        proxy.spoils = [lambda tag, answer: (b"", True)]
        yield proxy


def test_what_stops_at_one_mailbox_stops_no_other_and_another_worker_goes_on(
    home, url, reader, boxes, troubled, locked
):
    through = {"kim": troubled.port, "locked": locked.port}
    urls = {name: box.url_at(through.get(name, box.port)) for name, box in boxes.items()}
    configure(home, urls, {"barred": "wrong"})
    with working(home, url, free_port(), "livez") as first:
        wait_until(lambda: troubled.spoiled, 2)
        wait_until(lambda: locked.spoiled)
        wait_until(lambda: heard(reader)["kim"], lambda count: count >= 50)
        with working(home, url, free_port(), "livez") as second:
            first.kill()
            first.wait()
            assert heard(reader)["kim"] < MAILS
            troubled.let_go.set()
            asked = locked.spoiled
            all_of_the_others_is_stored_once(reader)
            assert troubled.spoiled == 5
            wait_until(lambda: locked.spoiled, lambda count: count > asked)
            second.terminate()  # while a mailbox does not answer
            assert second.wait(PATIENCE_SECONDS) == 0, "it waited for the mailbox"


def all_of_the_others_is_stored_once(reader):
    wait_until(lambda: heard(reader)["kim"], MAILS)
    wait_until(lambda: heard(reader)["pat"], 20)
    assert set(heard(reader)) == {"kim", "pat"}
    assert reader.value("SELECT count() FROM raw.activity FINAL") == MAILS + 20
    assert reader.value("SELECT count() FROM raw.withdrawal") == 0
    wait_until(lambda: complete(reader), {"kim": (MAILS, MAILS, 0), "pat": (20, 20, 0)})
    wait_until(lambda: waiting(reader), lambda told: "refused the password" in " ".join(told))


def complete(reader):
    return {
        row[1].partition("@")[0]: tuple(map(int, row[2:]))
        for row in reader.frame(COMPLETE).itertuples()
    }


def waiting(reader):
    frame = reader.frame(STATES)
    return list(frame[frame["state"] == "waiting"]["detail"])
