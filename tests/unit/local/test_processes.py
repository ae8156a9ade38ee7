"""The process runner: ready means asked, ended means told, and nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from contracts.errors import UserError
from local.ports import refuse_taken_port
from local.processes import Processes, Program, alive
from tests.waiting import PATIENCE_SECONDS, wait_until


def _program(code: str, **given) -> Program:
    argv = [sys.executable, "-c", textwrap.dedent(code)]
    return Program(name="probe", argv=argv, environment=dict(os.environ), **given)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_is_ready_only_when_it_says_so(tmp_path):
    mark = tmp_path / "serving"
    program = _program(
        f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(60)",
        ready=mark.exists,
    )
    processes = Processes(tmp_path)
    with processes.stopped_at_the_end():
        processes.start(program)
        processes.wait_ready("probe")
        assert mark.exists()
        assert alive(tmp_path, "probe")
    assert not alive(tmp_path, "probe")


def test_a_program_that_ends_before_it_serves_is_an_error_with_its_last_words(tmp_path):
    processes = Processes(tmp_path)
    with processes.stopped_at_the_end():
        processes.start(_program("print('no port for me'); exit(3)", ready=lambda: False))
        with pytest.raises(UserError, match=r"exit code 3(.|\n)*no port for me"):
            processes.wait_ready("probe")


def test_a_program_that_never_serves_is_an_error_after_its_time(tmp_path):
    slow = _program("import time; time.sleep(60)", ready=lambda: False, ready_seconds=0.3)
    processes = Processes(tmp_path)
    with processes.stopped_at_the_end():
        processes.start(slow)
        with pytest.raises(UserError, match="did not serve within"):
            processes.wait_ready("probe")


def test_a_program_that_dies_is_started_again_later_and_later(tmp_path):
    told = []
    processes = Processes(tmp_path, told.append)
    with processes.stopped_at_the_end():
        processes.start(_program("exit(4)"))
        wait_until(lambda: processes.tend() or len(told) == 2)
    assert "probe ended with exit code 4; it starts again in 1 s" in told[0]
    assert "it starts again in 2 s" in told[1]


def test_a_program_that_is_killed_takes_its_children_along_and_comes_back(tmp_path):
    child = tmp_path / "child"
    program = _program(
        f"""
        import pathlib, subprocess, sys, time
        if not pathlib.Path({str(child)!r}).exists():
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            pathlib.Path({str(child)!r}).write_text(str(sleeper.pid))
        time.sleep(60)
        """
    )
    told = []
    processes = Processes(tmp_path, told.append)
    with processes.stopped_at_the_end():
        processes.start(program)
        wait_until(lambda: child.exists() and child.read_text())
        first = alive(tmp_path, "probe")
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: processes.tend() or (alive(tmp_path, "probe") or first) != first)
        second = alive(tmp_path, "probe")
        assert (first.restarts, second.restarts) == (0, 1)
        assert not _alive(int(child.read_text()))
    assert "was killed by signal 9" in told[0]
    assert alive(tmp_path, "probe") is None


def test_a_program_that_ignores_sigterm_is_killed(tmp_path):
    mark = tmp_path / "deaf"
    deaf = _program(
        f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(mark)!r}).touch()
        time.sleep(60)
        """,
        ready=mark.exists,
        stop_seconds=0.3,
    )
    processes = Processes(tmp_path)
    processes.start(deaf)
    processes.wait_ready("probe")
    processes.stop()
    assert not alive(tmp_path, "probe")


def _hear_ctrl_c():
    """A suite in the background of a shell ignores Ctrl-C, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_runner_whatever_ends_it(tmp_path, number):
    child_pid = tmp_path / "child"
    runner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
            import os, pathlib, sys
            from local.processes import Processes, Program
            child = "import os, pathlib, time; pathlib.Path({str(child_pid)!r}).write_text("
            child += "str(os.getpid())); time.sleep(60)"
            processes = Processes(pathlib.Path({str(tmp_path)!r}))
            try:
                with processes.stopped_at_the_end():
                    processes.start(Program(name="child", argv=[sys.executable, "-c", child],
                                            environment=dict(os.environ)))
                    processes.run_until_stopped()
            except KeyboardInterrupt:
                sys.exit(0)
            """),
        ],
        cwd=Path(__file__).parents[3],
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 the runner has no thread yet
    )
    wait_until(lambda: child_pid.exists() and child_pid.read_text())
    child = int(child_pid.read_text())
    runner.send_signal(number)
    assert runner.wait(PATIENCE_SECONDS) == (-9 if number == signal.SIGKILL else 0)
    wait_until(lambda: not _alive(child))


def test_a_taken_port_names_the_setting_that_moves_ours():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .* taken .* HEADWATER_DASHBOARD_PORT"):
            refuse_taken_port(port, "HEADWATER_DASHBOARD_PORT")
    refuse_taken_port(port, "HEADWATER_DASHBOARD_PORT")


def test_a_program_hears_ctrl_c_where_its_parent_ignores_it(tmp_path):
    """A shell starts what is in the background so; Dagster then ignores SIGTERM as well."""
    mark = tmp_path / "handler"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        processes = Processes(tmp_path)
        with processes.stopped_at_the_end():
            processes.start(
                _program(
                    f"""
                    import pathlib, signal, time
                    pathlib.Path({str(mark)!r}).write_text(signal.getsignal(signal.SIGINT).__name__)
                    time.sleep(60)
                    """,
                    ready=lambda: mark.exists() and mark.read_text() != "",
                )
            )
            processes.wait_ready("probe")
    finally:
        signal.signal(signal.SIGINT, before)
    assert mark.read_text() == "default_int_handler"
