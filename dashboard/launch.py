"""How the dashboard is started: the process runner asks, `python -m dashboard.launch` does it."""

import os
import sys
from pathlib import Path
from typing import Final

from contracts.errors import HeadwaterError
from settings import Settings, load

APP: Final = Path(__file__).parent / "app.py"


def dashboard_command(settings: Settings) -> list[str]:
    """Return the command that serves the dashboard on the bind address until SIGTERM.

    It finds the warehouse through HEADWATER_WAREHOUSE_URL, and answers `/_stcore/health` once it
    serves. The flags win over any STREAMLIT_* of the environment: nobody publishes it by accident.
    """
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        f"--server.port={settings.dashboard_port}",
        f"--server.address={settings.bind}",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
    ]


if __name__ == "__main__":
    try:
        command = dashboard_command(load())
    except HeadwaterError as error:
        sys.exit(str(error))
    os.execv(command[0], command)  # noqa: S606 the command is ours
