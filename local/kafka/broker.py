"""Starts, kills and restarts one Apache Kafka broker, which is its own controller."""

import base64
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Final, Self
from uuid import uuid4

from contracts.errors import UserError
from local.ports import LOOPBACK, free_port

JARS: Final = Path(__file__).parents[2] / ".kafka"
_READY_SECONDS: Final = 120
_STOP_SECONDS: Final = 30
_HEAP: Final = "-Xmx768m"

_PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=4200000
"""


def missing() -> str:
    """Say why no broker can be started here; nothing if one can."""
    if not shutil.which("java"):
        return "java is not on the PATH: Apache Kafka needs Java 17 or newer"
    if not any(JARS.glob("kafka_*.jar")):
        return "Apache Kafka's jars are missing: run `make kafka` (it needs Maven)"
    return ""


class Broker:
    """A broker with all its data in one folder; use it as a context manager.

    It listens on loopback only, without authentication, and keeps its port over restarts.

    Args:
        folder: new, or that of a broker before; data, configuration and output.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._controller = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients connect: `127.0.0.1:PORT`."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The process that serves now."""
        if self._process is None:
            raise UserError("Apache Kafka: this broker is not running; start it first")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; returns once clients are answered.

        Raises:
            UserError: if Java or the jars are missing, or the broker does not come up.
        """
        if why := missing():
            raise UserError(why)
        properties = self._folder / "server.properties"
        if not properties.exists():
            self._format(properties)
        with self._output.open("ab") as output:
            argv = self._java("kafka.Kafka", str(properties))
            self._process = subprocess.Popen(argv, stdout=output, stderr=output)  # noqa: S603
        self._wait_ready(self._process)

    def stop(self) -> None:
        """End it in an orderly way, if it runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL."""
        self._end(signal.SIGKILL)

    @property
    def _output(self) -> Path:
        return self._folder / "broker.log"

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _format(self, properties: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        told = _PROPERTIES.format(port=self._port, controller=self._controller, folder=self._folder)
        properties.write_text(told)
        cluster = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        argv = self._java(
            "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)
        )
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise UserError(f"Apache Kafka can't format {self._folder}: {done.stdout}{done.stderr}")

    def _java(self, *argv: str) -> list[str]:
        return ["java", _HEAP, "-cp", f"{JARS}/*", *argv]

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = monotonic() + _READY_SECONDS
        while monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self._port), 1).close()
            except OSError:
                sleep(0.05)
            else:
                return
        self.kill()
        said = "\n".join(self._output.read_text(errors="replace").splitlines()[-12:])
        raise UserError(f"Apache Kafka did not come up. {self._output} ends with:\n{said}")
