"""How Dagster is started: whole on one machine (the process runner asks here), or part by part."""

import os
import sys
from pathlib import Path

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


def code_command(*where: str) -> list[str]:
    """Return the command that serves the definitions; runs are its children.

    Args:
        where: `--socket PATH`, or `--host HOST --port PORT`.
    """
    served = ("--module-name", "orchestration.definitions")
    return [sys.executable, "-m", "dagster", "api", "grpc", *served, *where]


def web_command(settings: Settings, workspace: Path) -> list[str]:
    """Return the command that serves the pages."""
    where = ("--host", settings.bind, "--port", str(settings.dagster_port))
    return [sys.executable, "-m", "dagster_webserver", *where, "--workspace", str(workspace)]


def daemon_command(workspace: Path) -> list[str]:
    """Return the command that starts what the schedules say is due."""
    return [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)]


def become(command: list[str], settings: Settings) -> None:
    """Go on as one of these commands, in place of this process."""
    os.execve(command[0], command, os.environ | dagster_environment(settings))  # noqa: S606 ours
