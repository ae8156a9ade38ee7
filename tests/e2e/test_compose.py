"""docker-compose.yml without Docker: its commands, settings, secrets and probes, as processes.

Apache Kafka is real; the local warehouse server stands in for ClickHouse, so that users and grants
are not tried. Hosts, ports and folders are replaced by this machine's, nothing else.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from cli.live_day import post_call
from contracts.clock import SystemClock
from local.kafka.broker import Broker
from local.ports import free_port
from settings import Settings
from tests.compose import HOME, ONCE, OURS, ROOT, SERVICES, environment, secrets
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_tables import url_of
from warehouse.reader import Reader

pytestmark = [pytest.mark.stack, pytest.mark.kafka, pytest.mark.warehouse]

BIN = Path(sys.executable).parent
PORTS = ("worker_port", "dashboard_port", "dagster_port", "dagster_code_port")


class Containers:
    """The services of the file that are ours, one process each."""

    def __init__(self, folder: Path, broker: str, warehouse: SecretStr) -> None:
        self._folder, self._broker, self._warehouse = folder, broker, warehouse
        self._ports = {name: free_port() for name in PORTS}
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, **other: int) -> dict[str, int]:
        """Start a service, with other ports if it is one of several; return its ports."""
        ports = self._ports | other
        folder = self._home(name, len(self.running))
        command = SERVICES[name]["command"]
        log = (folder.parent / f"{folder.name}.log").open("wb")
        told = self._told(name, folder, ports)
        process = subprocess.Popen(command, env=told, cwd=folder, stdout=log, stderr=log)
        self.running.append((name, process))
        return ports

    def run(self, name: str, *command: str) -> str:
        """Run another command in a new container of a service; return what it says."""
        folder = self._home(name, 99)
        told = self._told(name, folder, self._ports | {"worker_port": free_port()})
        done = subprocess.run(
            command, env=told, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_healthy(self, name: str, ports: dict[str, int]) -> None:
        """Ask the service's own probe until it is content."""
        _, *probe = SERVICES[name]["healthcheck"]["test"]
        for setting, port in ports.items():
            default = str(Settings.model_fields[setting].default)
            probe = [word.replace(default, str(port)) for word in probe]
        told = self._told(name, self._home(name, 0), ports)

        def is_content() -> bool:
            assert all(p.poll() is None for n, p in self.running if n not in ONCE), name
            return subprocess.run(probe, env=told, capture_output=True, check=False).returncode == 0

        wait_until(is_content)

    def stop(self) -> None:
        """End all as Compose does: a service before those that it depends on, and by SIGTERM.

        What does not end is killed.
        """
        for _, process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _home(self, name: str, number: int) -> Path:
        shared = any(v.startswith("dagster:") for v in SERVICES[name].get("volumes", []))
        folder = self._folder / ("dagster" if shared else f"{name}-{number}")
        folder.mkdir(exist_ok=True)
        (folder / "headwater.toml").write_text((ROOT / "deploy/headwater.toml").read_text())
        return folder

    def _told(self, name: str, folder: Path, ports: dict[str, int]) -> dict[str, str]:
        here = {"kafka:9092": self._broker, "dagster-code": "127.0.0.1", HOME: str(folder)}
        told = environment(name)
        for there, replaced in here.items():
            told = {variable: value.replace(there, replaced) for variable, value in told.items()}
        return told | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "HEADWATER_HOME": str(folder),
            "HEADWATER_SECRETS_DIR": str(self._secrets(name)),
            "HEADWATER_LOG_PARTITIONS": "1",  # so that one of two workers stands by
            **{f"HEADWATER_{setting.upper()}": str(port) for setting, port in ports.items()},
        }

    def _secrets(self, name: str) -> Path:
        folder = self._folder / f"{name}.secrets"
        folder.mkdir(exist_ok=True)
        for target, source in secrets(name).items():
            is_url = source.endswith("_url")
            value = self._warehouse.get_secret_value() if is_url else f"a long {source}"
            (folder / target).write_text(f"{value}\n")
        return folder


@pytest.fixture
def containers(tmp_path: Path, kafka_is_here, warehouse_server) -> Iterator[Containers]:
    with Broker(tmp_path / "kafka") as broker:
        containers = Containers(tmp_path, broker.address, url_of(warehouse_server))
        try:
            yield containers
        finally:
            containers.stop()


def test_what_the_compose_file_runs_serves_and_stores(containers, warehouse_server, tmp_path):
    containers.start("migrate")
    assert containers.running[0][1].wait(PATIENCE_SECONDS) == 0
    assert "0001_raw_heard: applied" in (tmp_path / "migrate-0.log").read_text()

    workers = [containers.start("worker", worker_port=free_port()) for _ in range(2)]
    for ports in workers:
        containers.wait_healthy("worker", ports)
    wait_until(lambda: [standing_by(ports) for ports in workers].count(True), 1)
    stands_by = max(workers, key=standing_by)
    containers.wait_healthy("worker", stands_by)

    with closing(Reader(url_of(warehouse_server))) as reader:
        before = calls(reader)
        post(stands_by["worker_port"])
        wait_until(lambda: calls(reader), before + 1)

    mails = tmp_path / "archive.mbox"
    mails.write_text("".join(map(mail, range(20))))
    said = json.loads(containers.run("worker", "headwater", "ingest", "mbox", str(mails), "--json"))
    assert said["activities"] == 20, "though the worker that it brings along stands by"

    for together in (("dagster-code", "dashboard"), ("dagster-web", "dagster-daemon")):
        started = {name: containers.start(name) for name in together}
        for name, ports in started.items():
            containers.wait_healthy(name, ports)
    assert {name for name, _ in containers.running} == set(OURS)
    assert [p.poll() for name, p in containers.running if name not in ONCE] == [None] * 6

    containers.stop()
    ended = {name: process.returncode for name, process in containers.running}
    assert -signal.SIGKILL not in ended.values()
    assert ended["worker"] == 0


def mail(number: int) -> str:
    return (
        "From buyer@acme.example Mon Nov 23 10:00:00 2026\n"
        "From: buyer@acme.example\nTo: kim@ourco.example\n"
        f"Subject: {number}\nMessage-ID: <compose.{number}@acme.example>\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\n\nhello\n\n"
    )


def standing_by(ports: dict[str, int]) -> bool:
    at = f"http://127.0.0.1:{ports['worker_port']}/healthz"
    return httpx.get(at, timeout=PATIENCE_SECONDS).status_code == 503


def post(port: int) -> None:
    now = SystemClock().now()
    call = {
        "provider": "compose",
        "call_id": f"compose-{now.timestamp()}",
        "started_at": now.isoformat(),
        "duration_seconds": 60,
        "direction": "inbound",
        "from": "+4930123456",
        "to": "+4930654321",
    }
    settings = Settings(worker_port=port, webhook_secret=SecretStr("a long webhook_secret"))

    async def send() -> None:
        async with httpx.AsyncClient() as client:
            await post_call(client, settings, call, SystemClock())

    asyncio.run(send())


def calls(reader: Reader) -> int:
    return reader.value("SELECT count() FROM raw.sighting WHERE source = 'webhook:calls'")
