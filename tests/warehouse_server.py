"""One local warehouse server for the whole test session, and the means to start others."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.clickhouse.launch import Address, address, server_command
from tests.waiting import PATIENCE_SECONDS, wait_until


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[Address, subprocess.Popen[bytes]]]:
    """Serve the warehouse of a home while the body runs."""
    with subprocess.Popen([*server_command(home), *options]) as process:
        try:
            yield _wait(home, process), process
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def warehouse_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the session's warehouse."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def warehouse_server(warehouse_home: Path) -> Iterator[Address]:
    """Where the session's warehouse is served; tests share it, so take a database of your own."""
    with serving(warehouse_home) as (served, _):
        yield served


def _wait(home: Path, process: subprocess.Popen[bytes]) -> Address:
    def served() -> Address | None:
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        return address(home)

    found = wait_until(served)
    assert found
    return found
