"""The company, written once for all tests that read it."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from simulator.fixture import write_company

NOW = datetime(2026, 7, 15, 15, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brightwater")
    manifest = write_company(folder, NOW)
    truth = json.loads((folder / "truth.json").read_text())
    return SimpleNamespace(folder=folder, manifest=manifest, truth=truth, now=NOW)
