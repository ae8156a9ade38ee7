"""How the dashboard is started: the process runner asks here."""

import sys
from pathlib import Path
from typing import Final

from settings import Settings

APP: Final = Path(__file__).parent / "app.py"


def dashboard_command(settings: Settings) -> list[str]:
    """Return the command that serves the dashboard on loopback until SIGTERM.

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
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
    ]
