"""Runs a real ClickHouse server, where there is one on the PATH, instead of the engine in process.

Untested against a real binary: what is tested is how one is found, how its version is read, and the
configuration that is written for it.
"""

import logging
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from xml.etree import ElementTree as ET

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from pydantic import SecretStr

from contracts.errors import UserError
from local.clickhouse.terms import USERS, Limits, Place

log: Final = logging.getLogger(__name__)

OLDEST: Final = (25, 3)
_NAMES: Final = ("clickhouse", "clickhouse-server")
_VERSION: Final = re.compile(r"\bversion (\d+)\.(\d+)[\d.]*")
_START_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Binary:
    """A ClickHouse binary that can be used."""

    path: Path
    version: str

    def command(self, config: Path) -> list[str]:
        """Return the command that serves what a configuration says."""
        verb = ["server"] if self.path.name == "clickhouse" else []
        return [str(self.path), *verb, f"--config-file={config}"]


def find() -> Binary | None:
    """Return the first ClickHouse on the PATH that is new enough."""
    for path in filter(None, map(shutil.which, _NAMES)):
        said = subprocess.run(  # noqa: S603 what stands on the PATH
            [path, "--version"], capture_output=True, text=True, check=False, timeout=10
        )
        version = _VERSION.search(said.stdout)
        if version and (int(version[1]), int(version[2])) >= OLDEST:
            return Binary(Path(path), version[0].removeprefix("version "))
        log.warning("%s is not a ClickHouse of %d.%d or newer: it is not used", path, *OLDEST)
    return None


def configuration(place: Place, limits: Limits) -> str:
    """Return a server's configuration, as XML: loopback, the native protocol alone, our users."""
    root = ET.Element("clickhouse")
    data = f"{place.folder}/"
    _fill(
        root,
        {
            "logger": {"level": "warning", "console": "true"},
            "listen_host": place.host,
            "tcp_port": str(place.port),
            "path": data,
            "tmp_path": f"{data}tmp/",
            "user_files_path": f"{data}user_files/",
            "format_schema_path": f"{data}format_schemas/",
            "max_connections": str(limits.connections),
            "shutdown_wait_unfinished": str(int(limits.stop_seconds)),
            "shutdown_wait_unfinished_queries": "true",
            "mlock_executable": "false",
            "profiles": {"default": {"max_memory_usage": str(limits.query_bytes)}},
            "quotas": {"default": {}},
            "users": {user: _user(place.password) for user in USERS},
        },
    )
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


class BinaryServer:
    """A ClickHouse server as a child of this process.

    Raises:
        UserError: if it ends, or doesn't answer in time.
    """

    def __init__(self, binary: Binary, place: Place, limits: Limits) -> None:
        place = replace(place, port=place.port or _free_port(place.host))
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = place.folder / "config.xml"
        config.touch(mode=0o600)
        config.write_text(configuration(place, limits))
        self.address = (place.host, place.port)
        self.version = binary.version
        self._process = subprocess.Popen(binary.command(config))  # noqa: S603 the one found
        self._wait_until_it_answers(place)

    def serve(self) -> None:
        """Wait until it ends, after `stop` or by itself."""
        if self._process.wait() not in (0, -15):
            raise UserError(f"ClickHouse ended with exit code {self._process.returncode}")

    def stop(self) -> None:
        """Have it end, from any thread or a signal handler."""
        self._process.terminate()

    def _wait_until_it_answers(self, place: Place) -> None:
        deadline = monotonic() + _START_SECONDS
        while not _answers(place):
            if self._process.poll() is not None or monotonic() > deadline:
                self._process.kill()
                raise UserError(
                    f"ClickHouse {self.version} did not start: what it said stands above; take it "
                    "off the PATH to use the engine in process"
                )
            sleep(0.1)


def _user(password: SecretStr) -> dict[str, object]:
    digest = sha256(password.get_secret_value().encode()).hexdigest()
    return {
        "password_sha256_hex": digest,
        "networks": {"ip": "127.0.0.1"},
        "profile": "default",
        "quota": "default",
    }


def _fill(parent: ET.Element, content: dict[str, object]) -> None:
    for name, value in content.items():
        child = ET.SubElement(parent, name)
        if isinstance(value, dict):
            _fill(child, value)
        else:
            child.text = str(value)


def _answers(place: Place) -> bool:
    client = Client(
        place.host, place.port, user="headwater", password=place.password.get_secret_value()
    )
    try:
        client.execute("SELECT 1")
    except (Error, OSError):
        return False
    finally:
        client.disconnect()
    return True


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])
