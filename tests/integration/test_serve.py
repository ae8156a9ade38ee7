"""Dagster as a person meets it: served, listing the assets, its schedules on, gone when stopped."""

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from local.ports import free_port
from orchestration.launch import dagster_command
from settings import Settings
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.warehouse]

QUERY = """{
  assetNodes { assetKey { path } }
  schedulesOrError(repositorySelector: {
    repositoryLocationName: "headwater", repositoryName: "__repository__"
  }) { ... on Schedules { results { name scheduleState { status } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType healthy } } }
}"""


@pytest.fixture
def dagster(tmp_path, warehouse_url):
    settings = Settings(home=tmp_path, warehouse_url=warehouse_url, dagster_port=free_port())
    argv, extra = dagster_command(settings)
    told = {
        "HEADWATER_HOME": str(settings.home),
        "HEADWATER_WAREHOUSE_URL": warehouse_url.get_secret_value(),
        "HEADWATER_DAGSTER_PORT": str(settings.dagster_port),
    }
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(argv, env=environment | told | extra, start_new_session=True) as process:
        yield f"http://127.0.0.1:{settings.dagster_port}/graphql", process
        process.send_signal(signal.SIGTERM)


def answer(url, process):
    """Return what Dagster answers; nothing while it does not."""
    assert process.poll() is None, f"Dagster ended with exit code {process.returncode}"
    try:
        return httpx.post(url, json={"query": QUERY}, timeout=30).json()["data"]
    except httpx.HTTPError:
        return None


def healthy(data):
    if data is None:
        return False
    daemons = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    return {"SCHEDULER", "QUEUED_RUN_COORDINATOR"} <= {
        daemon["daemonType"] for daemon in daemons if daemon["healthy"]
    }


def test_dagster_serves_the_assets_runs_the_schedules_and_leaves_nothing_behind(dagster, tmp_path):
    url, process = dagster
    data = wait_until(lambda: answer(url, process), healthy)
    paths = [node["assetKey"]["path"] for node in data["assetNodes"]]
    assert ["marts", "investment_roi"] in paths
    assert ["raw", "crm_write"] in paths
    schedules = data["schedulesOrError"]["results"]
    assert {s["scheduleState"]["status"] for s in schedules} == {"RUNNING"}
    assert {s["name"] for s in schedules} == {
        "engagement_schedule",
        "marts_schedule",
        "plan_schedule",
        "return_on_investment_schedule",
        "write_back_schedule",
    }
    pids = [json.loads(file.read_text())["pid"] for file in pid_files(tmp_path)]
    assert len(pids) == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert pid_files(tmp_path) == []
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def pid_files(home):
    return sorted((home / "run").glob("dagster_*.pid.json"))
