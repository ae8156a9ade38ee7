"""Workers that share mailboxes where Kafka is the log: what a killed one read, another reads on."""

from contextlib import contextmanager

import pytest

from local.kafka.broker import Broker
from local.ports import free_port
from tests.dovecot import Mailboxes
from tests.integration.test_mailboxes_and_workers import configure, heard, mail
from tests.waiting import wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate
from warehouse.reader import Reader

pytestmark = [
    pytest.mark.kafka, pytest.mark.stack, pytest.mark.dovecot, pytest.mark.timeout(900),
]  # fmt: skip

NAMES = ("kim", "pat", "lee", "ida", "max", "zoe")
MAILS = 30


@pytest.fixture
def boxes(dovecot_port):
    return {name: Mailboxes(dovecot_port) for name in NAMES}


@pytest.fixture
def worker(kafka_is_here, tmp_path, boxes):
    """Starts a worker that shares log, warehouse and mailboxes with the others."""
    home = tmp_path / "home"
    home.mkdir()
    configure(home, {name: box.url for name, box in boxes.items()})
    with Broker(tmp_path / "kafka") as broker, serving(home) as (served, _):
        migrate(url_of(served))
        settings = home / "headwater.toml"
        settings.write_text(f'log_url = "kafka://{broker.address}"\n{settings.read_text()}')

        @contextmanager
        def start():
            with working(home, url_of(served), free_port()) as process:
                yield process

        start.reader = Reader(url_of(served))
        yield start
        start.reader.close()


def test_a_killed_workers_mailboxes_are_read_on_by_another(worker, boxes):
    with worker() as first, worker() as second:
        deliver(boxes, 0)
        everything_is_heard_once(worker.reader, MAILS)
        deliver(boxes, 1)
        kill(first)
        everything_is_heard_once(worker.reader, 2 * MAILS)
        with worker():
            deliver(boxes, 2)
            kill(second)
            everything_is_heard_once(worker.reader, 3 * MAILS)


def deliver(boxes, round_number):
    for name, box in boxes.items():
        box.append(*(mail(name, 1_000 * round_number + number) for number in range(MAILS)))


def kill(process):
    process.kill()
    process.wait()


def everything_is_heard_once(reader, mails):
    wait_until(lambda: heard(reader), dict.fromkeys(NAMES, mails))
    assert reader.value("SELECT count() FROM raw.activity FINAL") == mails * len(NAMES)
