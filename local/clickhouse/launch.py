"""What the rest of the house calls: how to start a home's warehouse, and where it is served."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from local.clickhouse import home as homes
from settings import secret

_PASSWORD = "warehouse_password"  # noqa: S105 the name of its file


@dataclass(frozen=True)
class Address:
    """Where a warehouse is served, and how one comes in (user `headwater`)."""

    host: str
    port: int
    password: SecretStr
    pid: int


def server_command(home: Path, *, port: int = 0) -> list[str]:
    """Return the command that serves the warehouse of a home on loopback.

    The password is made if the home has none. The server runs until SIGTERM; `address` tells when
    it serves.

    Args:
        home: the folder of all that one machine keeps.
        port: where to listen; 0 picks a free one.
    """
    secret(home, _PASSWORD)
    return [
        sys.executable,
        "-m",
        "local.clickhouse",
        *("--path", str(home / "warehouse")),
        *("--port", str(port)),
        *("--password-file", str(home / "secrets" / _PASSWORD)),
        *("--ready-file", str(_ready_file(home))),
    ]


def address(home: Path) -> Address | None:
    """Return where the warehouse of a home is served; nothing if no living process serves it."""
    try:
        served = json.loads(_ready_file(home).read_text())
        found = Address(served["host"], served["port"], secret(home, _PASSWORD), served["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    alive = _lives(found.pid) and homes.is_open(home / "warehouse")
    return found if alive else None


def _ready_file(home: Path) -> Path:
    return home / "run" / "warehouse.json"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        pass
    return True
