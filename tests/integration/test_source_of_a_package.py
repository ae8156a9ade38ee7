"""A source that an installed package offers by its entry point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest import registry

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
METADATA = "Metadata-Version: 2.1\nName: acme-tickets\nVersion: 1.0\n"
ENTRY_POINTS = """
[headwater.sources]
tickets = acme_tickets:open_source
broken = acme_tickets:nowhere
"""
CALLS = [
    {
        "provider": "tickets", "call_id": str(number), "started_at": "2026-11-02T10:00:00Z",
        "duration_seconds": 60, "from": "+14155550199", "to": "+14155550100",
    }
    for number in (1, 2, 3)
]  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """A folder on the path with the package in it, as an installer leaves it."""
    site = tmp_path / "site"
    source, test = registry.write_template("tickets", site)
    source.rename(site / "acme_tickets.py")
    test.unlink()
    info = site / "acme_tickets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return site


@pytest.fixture
def headwater(site, tmp_path):
    """Runs the command where the package is installed; returns what it says and its exit code."""
    told = os.environ | {
        "HEADWATER_HOME": str(tmp_path / "home"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{site}",
    }

    def run(*argv):
        done = subprocess.run(
            [sys.executable, "-m", "cli", *argv], env=told, check=False, capture_output=True,
            text=True,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_an_installed_package_s_source_is_listed_and_read(headwater, tmp_path):
    calls = tmp_path / "calls.jsonl"
    calls.write_text("".join(json.dumps(call) + "\n" for call in CALLS))
    assert headwater("source", "list")[1].split() == ["broken", "tickets"]

    code, told, _ = headwater("ingest", "from", "tickets", str(calls), "--json")
    account = json.loads(told.splitlines()[-1])
    assert (code, account["seen"], account["activities"]) == (0, 3, 3)

    code, _, why = headwater("ingest", "from", "broken", str(calls))
    assert code == 1
    assert "acme_tickets:nowhere" in why
    assert "Traceback" not in why

    code, _, why = headwater("ingest", "from", "unheard_of", str(calls))
    assert code == 1
    assert "There are: broken, tickets" in why
