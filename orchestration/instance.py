"""Dagster's own files: where runs, logs and schedules are kept, how, and where its code is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from settings import Settings

_CONFIG: Final = """\
# Written by headwater at each start: what is changed here is overwritten.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
retention:
  schedule:
    purge_after_days: 30
"""


def dagster_home(settings: Settings) -> Path:
    """Return DAGSTER_HOME, ready to use; the UI and what runs headless share it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists() or config.read_text() != _CONFIG:
        config.write_text(_CONFIG)
    return home


def workspace(file: Path, code: Mapping[str, str | int]) -> Path:
    """Write where the code is served: `host`, and `socket` or `port`; return the file.

    The name under which runs and schedules are known outlives that place.
    """
    known = {"grpc_server": {"location_name": "headwater", **code}}
    file.write_text(json.dumps({"load_from": [known]}))  # JSON is YAML
    return file
