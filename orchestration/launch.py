"""How Dagster is started on one machine: the process runner asks here."""

import sys

from orchestration.instance import dagster_home
from settings import Settings


def dagster_command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the command that serves Dagster until SIGTERM, and what it adds to the environment.

    The web server answers `/server_info` once it serves; schedules run a few seconds later.
    """
    return [sys.executable, "-m", "orchestration.serve"], dagster_environment(settings)


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Return what Dagster's own processes are told beside the settings."""
    return {"DAGSTER_HOME": str(dagster_home(settings)), "DAGSTER_DISABLE_TELEMETRY": "1"}
