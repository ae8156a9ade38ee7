"""Assembles one machine's stack: which programs run, where they listen, what they are told."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from contracts.clock import SystemClock
from contracts.errors import UserError
from dashboard.launch import dashboard_command
from ingest.sources.maildir import MaildirSource
from local.clickhouse.launch import address, server_command
from local.ports import free_port, refuse_taken_port
from local.processes import Processes, Program, alive
from orchestration.launch import dagster_command
from settings import Settings, secret
from warehouse.migrate import migrate
from warehouse.reader import Reader

WAREHOUSE = "warehouse"
WORKER = "worker"
DASHBOARD = "dashboard"
DAGSTER = "dagster"
FOLLOWER = "follower"

_HAS_READ = """
    SELECT count() > 0 FROM raw.source_state
    WHERE source = %(source)s AND state = 'reading' AND checked_at > %(since)s
"""


def warehouse_url(settings: Settings) -> SecretStr | None:
    """Return the warehouse's address: the configured one, else the local server's if it runs."""
    if settings.warehouse_url.get_secret_value():
        return settings.warehouse_url
    served = address(settings.home)
    if served is None:
        return None
    password = served.password.get_secret_value()
    return SecretStr(f"clickhouse://headwater:{password}@{served.host}:{served.port}")


def connected(settings: Settings) -> Settings:
    """Return the settings with the running warehouse's address.

    Raises:
        UserError: if no warehouse runs.
    """
    url = warehouse_url(settings)
    if url is None:
        raise UserError(
            f"no warehouse is running for {settings.home}: start the local stack with "
            "`headwater up`, or set HEADWATER_WAREHOUSE_URL"
        )
    return settings.model_copy(
        update={
            "warehouse_url": url,
            "webhook_secret": secret(settings.home, "webhook_secret", settings.webhook_secret),
            "command_token": secret(settings.home, "command_token", settings.command_token),
        }
    )


class Stack:
    """The local stack of one home, as far as it is not running already.

    Args:
        settings: as loaded; each start returns what is known once that part serves.
        processes: the runner that owns what is started.
    """

    def __init__(self, settings: Settings, processes: Processes) -> None:
        self._settings = settings
        self._processes = processes

    def start_warehouse(self) -> Settings:
        """Serve the warehouse, migrated; return the settings that reach it."""
        if warehouse_url(self._settings) is None:
            home = self._settings.home
            self._start(
                Program(
                    name=WAREHOUSE,
                    argv=server_command(home, port=free_port()),  # the same after a restart
                    environment=environment(self._settings),
                    ready=lambda: address(home) is not None,
                    stop_seconds=30,
                )
            )
            self._processes.wait_ready(WAREHOUSE)
        self._settings = connected(self._settings)
        migrate(self._settings.warehouse_url, self._settings.warehouse_cluster)
        return self._settings

    def start_worker(self) -> None:
        """Start the worker that hears the log, unless one serves this home already."""
        if alive(self._settings.home, WORKER):
            return
        port = self._settings.worker_port
        refuse_taken_port(port, "HEADWATER_WORKER_PORT")
        # On Kafka others may read while this one stands by.
        ready = "livez" if self._settings.log_url.startswith("kafka:") else "healthz"
        self._start(
            Program(
                name=WORKER,
                argv=[sys.executable, "-m", "ingest.worker"],
                environment=environment(self._settings),
                ready=lambda: answers(f"http://127.0.0.1:{port}/{ready}"),
            )
        )

    def start_dashboard(self) -> None:
        """Start the dashboard."""
        port = self._settings.dashboard_port
        refuse_taken_port(port, "HEADWATER_DASHBOARD_PORT")
        self._start(
            Program(
                name=DASHBOARD,
                argv=dashboard_command(self._settings),
                environment=environment(self._settings),
                ready=lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"),
            )
        )

    def start_dagster(self) -> None:
        """Start Dagster's web server and daemon."""
        port = self._settings.dagster_port
        refuse_taken_port(port, "HEADWATER_DAGSTER_PORT")
        argv, extra = dagster_command(self._settings)
        self._start(
            Program(
                name=DAGSTER,
                argv=argv,
                environment=environment(self._settings) | extra,
                ready=lambda: answers(f"http://127.0.0.1:{port}/server_info"),
                ready_seconds=120,
            )
        )

    def start_follower(self, folder: Path) -> None:
        """Keep bringing in the mail that is delivered to the maildirs in a folder.

        It is ready once it has read what there was.
        """
        url = self._settings.warehouse_url
        asked = {"source": MaildirSource(folder).name, "since": SystemClock().now()}
        self._start(
            Program(
                name=FOLLOWER,
                argv=[sys.executable, "-m", "cli", "ingest", "maildir", str(folder), "--follow"],
                environment=environment(self._settings),
                ready=lambda: _tells(url, _HAS_READ, asked),
            )
        )

    def wait_ready(self, *names: str) -> None:
        """Wait until each of these serves."""
        for name in names:
            self._processes.wait_ready(name)

    def _start(self, program: Program) -> None:
        self._processes.start(program)


@contextmanager
def local_stack(settings: Settings, *, worker: bool) -> Iterator[Settings]:
    """Have the warehouse, and the worker if asked for, run while the body runs.

    What runs already is used as it is; what was started here is stopped at the end.
    """
    processes = Processes(settings.home)
    with processes.stopped_at_the_end():
        stack = Stack(settings, processes)
        reached = stack.start_warehouse()
        if worker and not alive(settings.home, WORKER):
            stack.start_worker()
            stack.wait_ready(WORKER)
        yield reached


def environment(settings: Settings) -> dict[str, str]:
    """Return what a program of the stack is told: the environment, and the addresses found."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told |= {
        "HEADWATER_HOME": str(settings.home),
        "HEADWATER_WAREHOUSE_URL": settings.warehouse_url.get_secret_value(),
        "HEADWATER_WEBHOOK_SECRET": settings.webhook_secret.get_secret_value(),
        "HEADWATER_COMMAND_TOKEN": settings.command_token.get_secret_value(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{told.get('PATH', '')}",
    }
    return told


def _tells(url: SecretStr, sql: str, params: Mapping[str, object]) -> bool:
    """Ask the warehouse something that is true or not."""
    with closing(Reader(url)) as reader:
        return bool(reader.value(sql, params))


def answers(url: str) -> bool:
    """Tell whether a page answers with success."""
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
