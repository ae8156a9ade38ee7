"""Serves Dagster on one machine: the definitions, the web server, and the daemon of the schedules.

`dagster dev` does so with five processes one after another, and leaves some behind when it is
stopped. Here are three, of which the web server comes first and the daemon last; the definitions
are loaded once for both.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contracts.errors import HeadwaterError
from local.processes import Processes, Program
from orchestration.launch import dagster_environment
from settings import Settings, load

_HOST: Final = "127.0.0.1"
_READY_SECONDS: Final = 120
_WORKSPACE: Final = """\
load_from:
  - grpc_server:
      host: localhost
      socket: {socket}
      location_name: headwater
"""
"""The name under which runs and schedules are known must outlive the socket."""


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


def _programs(settings: Settings, folder: Path) -> Iterator[Program]:
    code, workspace = folder / "code", folder / "workspace.yaml"
    workspace.write_text(_WORKSPACE.format(socket=json.dumps(str(code))))
    served = ("--workspace", str(workspace))
    web = ("--host", _HOST, "--port", str(settings.dagster_port), *served)
    grpc = ("api", "grpc", "--module-name", "orchestration.definitions", "--socket", str(code))
    for name, module, args, ready in (
        ("dagster_code", "dagster", grpc, lambda: _accepts(code)),
        ("dagster_web", "dagster_webserver", web, lambda: _accepts((_HOST, settings.dagster_port))),
        ("dagster_daemon", "dagster._daemon", ("run", *served), None),
    ):
        yield Program(
            name=name,
            argv=[sys.executable, "-m", module, *args],
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
        serve(load())
    except KeyboardInterrupt:
        sys.exit(0)
    except HeadwaterError as error:
        sys.exit(str(error))
