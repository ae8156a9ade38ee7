"""The process runner of one machine: starts what is asked for, in order, and stops all of it.

Each process leads a session of its own, so that Ctrl-C reaches the runner alone, which then stops
them in reverse order. Should the runner itself be killed, the kernel sends them SIGTERM.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from contracts.errors import UserError

_PR_SET_PDEATHSIG: Final = 1
_LAST_LINES: Final = 12
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how to know that it serves.

    Attributes:
        ready: asked until it answers true; a program without it is ready once it runs.
        ready_seconds: how long it may take.
        stop_seconds: how long it may take to end after SIGTERM, before it is killed.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60
    stop_seconds: float = 15


class Processes:
    """Processes of one home, with a log and a pid file each.

    Args:
        home: logs are appended in `home/logs`, pid files kept in `home/run`.
    """

    def __init__(self, home: Path) -> None:
        self._logs = home / "logs"
        self._run = home / "run"
        self._started: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def start(self, program: Program) -> None:
        """Start a program without waiting for it."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._run.mkdir(parents=True, exist_ok=True)
        with self._log(program.name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 the programs are ours
                program.argv,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 before any thread of ours starts
            )
        self._started.append((program, process))
        self._pid_file(program.name).write_text(json.dumps({"pid": process.pid}))

    def wait_ready(self, name: str) -> None:
        """Wait until a started program serves.

        Raises:
            UserError: if it ended, or took too long; with the last lines of its log.
        """
        program, process = next(entry for entry in self._started if entry[0].name == name)
        deadline = monotonic() + program.ready_seconds
        while program.ready is not None and not program.ready():
            if process.poll() is not None:
                raise self._failed(program, f"ended with exit code {process.returncode}")
            if monotonic() > deadline:
                raise self._failed(program, f"did not serve within {program.ready_seconds:.0f} s")
            sleep(0.05)

    def run_until_stopped(self) -> None:
        """Block until KeyboardInterrupt.

        Raises:
            UserError: if a process ends by itself.
        """
        while True:
            sleep(0.5)
            for program, process in self._started:
                if process.poll() is not None:
                    raise self._failed(program, f"ended with exit code {process.returncode}")

    def stop(self) -> None:
        """Stop everything, last started first; safe to call twice."""
        while self._started:
            program, process = self._started.pop()
            _stop(process, program.stop_seconds)
            self._pid_file(program.name).unlink(missing_ok=True)

    @contextmanager
    def stopped_at_the_end(self) -> Iterator[None]:
        """Stop everything on the way out, whatever the reason.

        SIGTERM means the same as Ctrl-C: both raise KeyboardInterrupt here. While the processes
        stop, further signals wait.
        """
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
            self.stop()
            signal.signal(signal.SIGTERM, before)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid.json"

    def _failed(self, program: Program, what: str) -> UserError:
        log = self._log(program.name)
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        said = "\n".join(f"    {line}" for line in lines)
        return UserError(f"{program.name} {what}. Its log, {log}, ends with:\n{said}")


def running(home: Path, name: str) -> bool:
    """Tell whether a process that a runner of this home started is alive."""
    try:
        os.kill(json.loads((home / "run" / f"{name}.pid.json").read_text())["pid"], 0)
    except (OSError, ValueError, KeyError):
        return False
    return True


def refuse_taken_port(port: int, setting: str, host: str = "127.0.0.1") -> None:
    """Make sure that a port can be served.

    Raises:
        UserError: if another program listens there; names the setting that moves ours.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"port {port} on {host} is taken by another program: stop it, or choose another "
                f"port with {setting}"
            ) from error


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a process and whatever is left of its session."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
