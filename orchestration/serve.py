"""Serves Dagster: the code with the definitions, the web server, the daemon of the schedules.

On one machine `python -m orchestration.serve` serves all three; `dagster dev` does so with five
processes one after another, and leaves some behind when it is stopped. Here the web server comes
before the daemon, and the definitions are loaded once for both.

Where each has a container of its own, `python -m orchestration.serve code`, `web` and `daemon`
serve one part; `dagster_code_host` tells the others where the code is.
"""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contracts.errors import HeadwaterError, UserError
from local.processes import Processes, Program
from orchestration.instance import dagster_home, workspace
from orchestration.launch import (
    become,
    code_command,
    daemon_command,
    dagster_environment,
    web_command,
)
from settings import Settings, load

_READY_SECONDS: Final = 120


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        UserError: if one of the processes does not come up; with the last lines of its log.
    """
    processes = Processes(settings.home, lambda said: print(said, flush=True))  # noqa: T201
    with TemporaryDirectory(prefix="headwater-") as folder, processes.stopped_at_the_end():
        for program in _programs(settings, Path(folder)):
            processes.start(program)
            processes.wait_ready(program.name)
        processes.run_until_stopped()


def serve_part(settings: Settings, part: str) -> None:
    """Go on as one part, in place of this process.

    Raises:
        UserError: if there is no such part.
    """
    host, port = settings.dagster_code_host, settings.dagster_code_port
    known = dagster_home(settings) / f"{part}.yaml"
    commands = {
        "code": code_command("--host", settings.bind, "--port", str(port)),
        "web": web_command(settings, known),
        "daemon": daemon_command(known),
    }
    if part not in commands:
        raise UserError(f"orchestration.serve {part}: say one of {', '.join(commands)}, or nothing")
    workspace(known, {"host": host, "port": port})
    become(commands[part], settings)


def _programs(settings: Settings, folder: Path) -> Iterator[Program]:
    code = folder / "code"
    known = workspace(folder / "workspace.yaml", {"host": "localhost", "socket": str(code)})
    web_at = (settings.bind, settings.dagster_port)
    for name, argv, ready in (
        ("dagster_code", code_command("--socket", str(code)), lambda: _accepts(code)),
        ("dagster_web", web_command(settings, known), lambda: _accepts(web_at)),
        ("dagster_daemon", daemon_command(known), None),
    ):
        yield Program(
            name=name,
            argv=argv,
            environment=os.environ | dagster_environment(settings),
            ready=ready,
            ready_seconds=_READY_SECONDS,
        )


def _accepts(address: Path | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(str(address) if isinstance(address, Path) else address) == 0


if __name__ == "__main__":
    try:
        serve_part(load(), sys.argv[1]) if len(sys.argv) > 1 else serve(load())
    except KeyboardInterrupt:
        sys.exit(0)
    except HeadwaterError as error:
        sys.exit(str(error))
