"""The supervisor of one machine: starts what is asked for, restarts what dies, stops all of it.

Each process leads a session of its own, so that Ctrl-C reaches the supervisor alone, which then
stops them in reverse order. Should the supervisor itself be killed, the kernel sends them SIGTERM.
"""

import ctypes
import json
import os
import signal
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
_TEND_SECONDS: Final = 0.2
_SETTLED_SECONDS: Final = 10
_MAX_WAIT_SECONDS: Final = 30
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


@dataclass
class _Started:
    """A program that was started, and what became of it so far."""

    program: Program
    process: subprocess.Popen[bytes]
    since: float
    restarts: int = 0
    in_a_row: int = 0
    due: float | None = None


class Processes:
    """Processes of one home, with a log and a pid file each.

    Args:
        home: logs are appended in `home/logs`, pid files kept in `home/run`.
        tell: is told in a sentence what died and when it starts again.
    """

    def __init__(self, home: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        self._logs = home / "logs"
        self._run = home / "run"
        self._tell = tell
        self._started: list[_Started] = []

    def start(self, program: Program) -> None:
        """Start a program without waiting for it."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._run.mkdir(parents=True, exist_ok=True)
        started = _Started(program, self._spawn(program), monotonic())
        self._started.append(started)
        self._note(started)

    def wait_ready(self, name: str) -> None:
        """Wait until a started program serves.

        Raises:
            UserError: if it ended, or took too long; with the last lines of its log.
        """
        started = next(entry for entry in self._started if entry.program.name == name)
        program, process = started.program, started.process
        deadline = monotonic() + program.ready_seconds
        while program.ready is not None and not program.ready():
            if process.poll() is not None:
                raise self._failed(program, f"ended with exit code {process.returncode}")
            if monotonic() > deadline:
                raise self._failed(program, f"did not serve within {program.ready_seconds:.0f} s")
            sleep(0.05)

    def tend(self) -> None:
        """Notice what has died, and start again what has waited long enough.

        The wait doubles with each death in a row, from one second to thirty; who lives for ten
        seconds starts afresh.
        """
        for started in self._started:
            if started.due is not None:
                if monotonic() >= started.due:
                    self._restart(started)
            elif started.process.poll() is not None:
                self._bury(started)

    def run_until_stopped(self) -> None:
        """Tend the processes until KeyboardInterrupt."""
        while True:
            self.tend()
            sleep(_TEND_SECONDS)

    def stop(self) -> None:
        """Stop everything, last started first; safe to call twice."""
        while self._started:
            started = self._started.pop()
            _stop(started.process, started.program.stop_seconds)
            self._pid_file(started.program.name).unlink(missing_ok=True)

    @contextmanager
    def stopped_at_the_end(self) -> Iterator[None]:
        """Stop everything on the way out, whatever the reason.

        SIGTERM means the same as Ctrl-C: both raise KeyboardInterrupt here. While the processes
        stop, further signals wait. SIGINT is heard even where a shell that starts us in the
        background ignores it: Dagster, which runs in process, gives SIGTERM the same handler.
        """
        before = signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
            self.stop()
            signal.signal(signal.SIGTERM, before)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self._log(program.name).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 the programs are ours
                program.argv,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 before any thread of ours starts
            )

    def _bury(self, started: _Started) -> None:
        """Say that a process died, and when its program starts again."""
        _stop(started.process, 0)  # what is left of its session
        settled = monotonic() - started.since > _SETTLED_SECONDS
        started.in_a_row = 1 if settled else started.in_a_row + 1
        wait = min(2.0 ** (started.in_a_row - 1), _MAX_WAIT_SECONDS)
        started.due = monotonic() + wait
        code = started.process.returncode
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        name = started.program.name
        self._tell(f"{name} {how}; it starts again in {wait:.0f} s (its log: {self._log(name)})")

    def _restart(self, started: _Started) -> None:
        started.process = self._spawn(started.program)
        started.since, started.due = monotonic(), None
        started.restarts += 1
        self._note(started)

    def _note(self, started: _Started) -> None:
        """Leave word for others of which process it is; whole, as they may read at any time."""
        file = self._pid_file(started.program.name)
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"pid": started.process.pid, "restarts": started.restarts}))
        new.replace(file)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid.json"

    def _failed(self, program: Program, what: str) -> UserError:
        log = self._log(program.name)
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        said = "\n".join(f"    {line}" for line in lines)
        return UserError(f"{program.name} {what}. Its log, {log}, ends with:\n{said}")


@dataclass(frozen=True)
class Alive:
    """A process that a supervisor of this home started, and that lives."""

    pid: int
    restarts: int


def alive(home: Path, name: str) -> Alive | None:
    """Return the living process of a name; None if there is none."""
    try:
        found = Alive(**json.loads((home / "run" / f"{name}.pid.json").read_text()))
        os.kill(found.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return found


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # where it is ignored, Dagster ignores SIGTERM too
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
