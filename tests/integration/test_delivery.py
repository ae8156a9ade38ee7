"""The law of delivery, with the real worker, log and warehouse: first the rows, then the offset."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.topics import GROUP, MAIL
from contracts.wire import Event, decode_envelope
from ingest.publish import Publisher
from local.log.store import Log, Place
from local.ports import free_port
from settings import Settings
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader

pytestmark = [pytest.mark.stack]

MAILS = 1_500
AN_ENVELOPE = 10
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    with serving(tmp_path_factory.mktemp("delivery")) as (served, _):
        migrate(url_of(served))
        yield url_of(served)


@pytest.fixture
def settings(tmp_path: Path, warehouse: SecretStr, request: pytest.FixtureRequest) -> Settings:
    """A log of its own with mails in it, and a worker that takes few at a time."""
    settings = Settings(
        home=tmp_path, warehouse_url=warehouse, worker_port=free_port(), batch_size=2
    )
    asyncio.run(_publish(settings, request.node.name))
    return settings


async def _publish(settings: Settings, source: str) -> None:
    async with Publisher(settings) as publisher:
        for start in range(0, MAILS, AN_ENVELOPE):
            numbers = range(start, start + AN_ENVELOPE)
            await publisher.publish([_mail(f"{source}-{start % 7}", number) for number in numbers])


def _mail(source: str, number: int) -> Event:
    raw = (
        f"From: buyer@acme.example\r\nTo: kim@ourco.example\r\nSubject: {source} {number}\r\n"
        f"Message-ID: <{source}.{number}@acme.example>\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n"
    )
    return Event(
        kind="mail",
        source=source,
        external_id=str(number),
        observer="kim",
        ingest_run=source,
        received_at=NOW,
        payload=raw.encode(),
    )


def _worker(settings: Settings) -> subprocess.Popen[bytes]:
    told = os.environ | {
        "HEADWATER_HOME": str(settings.home),
        "HEADWATER_WAREHOUSE_URL": settings.warehouse_url.get_secret_value(),
        "HEADWATER_WORKER_PORT": str(settings.worker_port),
        "HEADWATER_BATCH_SIZE": str(settings.batch_size),
    }
    log = (settings.home / "worker.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "ingest.worker"], env=told, stdout=log, stderr=log
    )


class Delivered:
    """What of the published mails is stored, and what the worker says it has carried out."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._reader = Reader(settings.warehouse_url)
        self._log = Log(settings.home / "log" / "log.db")
        self._name = f"{name}-%"

    def stored(self) -> set[tuple[str, str]]:
        """The sightings whose activity is stored too."""
        frame = self._reader.frame(
            "SELECT source, external_id FROM raw.sighting FINAL WHERE source LIKE %(name)s "
            "AND activity_id IN (SELECT activity_id FROM raw.activity)",
            {"name": self._name},
        )
        return set(zip(frame["source"], frame["external_id"], strict=True))

    def rows(self) -> int:
        """The activities, each counted once."""
        return int(
            self._reader.value(
                "SELECT count() FROM raw.activity FINAL WHERE source LIKE %(name)s",
                {"name": self._name},
            )
        )

    def committed(self) -> set[tuple[str, str]]:
        """The events before the committed offsets."""
        committed = self._log.committed(GROUP)
        return {
            (event.source, event.external_id)
            for place, offset in committed.items()
            if place.topic == MAIL.name
            for record in self._log.read(Place(*place), 0, offset)
            if record.offset < offset
            for event in decode_envelope(record.value or b"").events
        }


@pytest.fixture
def delivered(settings: Settings, request: pytest.FixtureRequest) -> Delivered:
    return Delivered(settings, request.node.name)


def _count(worker: subprocess.Popen[bytes], found: Callable[[], set[tuple[str, str]]]) -> int:
    assert worker.poll() is None, "the worker ended"
    return len(found())


def _everything_arrives_once(settings: Settings, delivered: Delivered) -> None:
    worker = _worker(settings)
    try:
        wait_until(lambda: _count(worker, delivered.stored), MAILS)
        wait_until(lambda: _count(worker, delivered.committed), MAILS)
        assert delivered.rows() == MAILS
    finally:
        worker.terminate()
        assert worker.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "kill"])
def test_a_failed_write_does_not_advance_the_offset(settings, delivered, number):
    worker = _worker(settings)
    wait_until(lambda: _count(worker, delivered.stored))
    worker.send_signal(number)
    worker.wait(PATIENCE_SECONDS)
    assert delivered.committed() <= delivered.stored()
    assert len(delivered.stored()) < MAILS, "the worker was done before it was stopped"
    _everything_arrives_once(settings, delivered)


def test_a_failed_write_does_not_advance_the_offset_on_an_exception(settings, delivered, warehouse):
    client = connect(warehouse)
    client.execute("RENAME TABLE raw.activity TO raw.activity_away")
    try:
        worker = _worker(settings)
        assert worker.wait(PATIENCE_SECONDS) != 0, "a table that is gone is no reason to go on"
        assert delivered.committed() == set()
    finally:
        client.execute("RENAME TABLE raw.activity_away TO raw.activity")
    _everything_arrives_once(settings, delivered)
