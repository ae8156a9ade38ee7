"""The demo as a person runs it: everything goes through the doors, and everything stops."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1_200)]
HEADWATER = [str(Path(sys.executable).parent / "headwater")]


def _headwater(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADWATER, *args],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1_000,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
    ports = {f"HEADWATER_{n}_PORT": str(free_port()) for n in ("WORKER", "DASHBOARD", "DAGSTER")}
    return kept | ports | {"HEADWATER_HOME": str(tmp_path_factory.mktemp("demo") / "home")}


@pytest.fixture(scope="module")
def summary(environment: dict[str, str]) -> dict[str, object]:
    """What the first showing ended with."""
    done = _headwater(environment, "demo", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return last


@pytest.fixture
def second_showing(
    environment: dict[str, str], summary: dict[str, object]
) -> Iterator[subprocess.Popen[str]]:
    """The demo started again, until its live day goes on."""
    with subprocess.Popen(
        [*HEADWATER, "demo"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout
        said = ""
        while "the live day goes on" not in said:
            said = demo.stdout.readline()
            assert said, "the demo ended before its live day"
        yield demo
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)


def _nothing_is_left_behind(environment: dict[str, str]) -> None:
    """Resource trackers and code servers end by themselves, a moment after their users."""
    wait_until(lambda: _running(environment), [])


def _running(environment: dict[str, str]) -> list[str]:
    home = environment["HEADWATER_HOME"].encode()
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes()
            if b"HEADWATER_HOME=" + home in told.split(b"\0"):
                left.append((process / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return left


def test_the_demo_comes_from_the_mailboxes_to_the_crm_and_leaves_nothing_running(
    environment, summary
):
    assert summary["dashboard"] == summary["dagster"] == "ok"
    for count in ("activities", "accounts_scored", "investments_judged", "crm_fields_written"):
        assert summary[count] > 0, count
    assert 0 < summary["freshness_p50_s"] <= summary["freshness_p99_s"]
    _nothing_is_left_behind(environment)


def _status(environment: dict[str, str]) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(_headwater(environment, "status", "--json").stdout)
    return status


def test_a_second_showing_is_asked_about_mended_backed_up_and_stopped_by_ctrl_c(
    environment, second_showing, tmp_path
):
    status = _status(environment)
    assert status["warehouse"] == "serving"
    assert all(process["pid"] for process in status["processes"].values()), status
    assert status["activities"] > 0

    worker = status["processes"]["worker"]
    os.kill(worker["pid"], signal.SIGKILL)
    wait_until(lambda: _status(environment)["processes"]["worker"]["restarts"], 1)

    assert _headwater(environment, "backup", str(tmp_path / "copy")).returncode == 0
    assert (tmp_path / "copy" / "manifest.json").exists()

    os.killpg(second_showing.pid, signal.SIGINT)
    assert second_showing.wait(PATIENCE_SECONDS) == 0
    _nothing_is_left_behind(environment)


def test_a_taken_port_is_named_with_the_setting_that_moves_ours(environment, summary):
    with socket.create_server(("127.0.0.1", int(environment["HEADWATER_WORKER_PORT"]))):
        done = _headwater(environment, "up")
    assert done.returncode == 1
    assert "is taken by another program" in done.stderr
    assert "HEADWATER_WORKER_PORT" in done.stderr
    _nothing_is_left_behind(environment)


def test_a_home_with_somebodys_data_is_not_the_demos(environment, tmp_path):
    (tmp_path / "warehouse").mkdir()
    own = environment | {"HEADWATER_HOME": str(tmp_path)}
    done = _headwater(own, "demo", "--once")
    assert done.returncode == 1
    assert "holds data that is not the demo's" in done.stderr
