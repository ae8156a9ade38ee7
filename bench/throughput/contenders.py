"""Who runs, where they come from, and one run of one of them."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.throughput.task import Task

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
_STOP_SECONDS = 30
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Contender:
    """A program that reads a log and stores its events.

    Attributes:
        module: what is run, with a task as its argument.
        python: the environment that it runs in.
        log: `kafka` or `sqlite`.
    """

    name: str
    module: str
    python: str = sys.executable
    log: str = "kafka"


@dataclass(frozen=True)
class Run:
    """What one run took, from the first event heard to the last one stored."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


ON_KAFKA = Contender("Headwater, Kafka", "bench.throughput.ours")
ON_SQLITE = Contender("Headwater, SQLite log", "bench.throughput.ours", log="sqlite")
LIMIT = Contender("the limit", "bench.peers.limit", str(PEERS))
STOCK = Contender("stock Faust", "bench.peers.stock_faust", str(PEERS))
QUIX = Contender("Quix Streams", "bench.peers.quix", str(PEERS))
BYTEWAX = Contender("Bytewax", "bench.peers.flow", str(PEERS))
FASTSTREAM = Contender("FastStream", "bench.peers.fast_stream", str(PEERS))

OURS = (ON_KAFKA, ON_SQLITE)
OTHERS = (STOCK, QUIX, BYTEWAX, FASTSTREAM)


def missing() -> str:
    """Say why the limit and the peers can't run here; nothing if they can."""
    return "" if PEERS.exists() else "the peers' environment is missing: run `make peers`"


@contextmanager
def running(contender: Contender, task: Task) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a contender until the body ends."""
    scratch = Path(task.scratch)
    scratch.mkdir(parents=True)
    argv = [contender.python, "-m", contender.module, task.argument()]
    with (
        (scratch / "output.log").open("wb") as output,
        subprocess.Popen(
            argv,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def measure(contender: Contender, task: Task) -> Run:
    """Run a contender until it has stored everything.

    Raises:
        AssertionError: if it ends or takes too long before; says where its output is.
    """
    with running(contender, task) as process:
        return Run(**json.loads(_line(process, task.scratch)))


def _line(process: "subprocess.Popen[bytes]", scratch: str) -> bytes:
    assert process.stdout
    for _ in iter(lambda: select.select([process.stdout], [], [], _PATIENCE_SECONDS)[0], []):
        line = process.stdout.readline()
        if line.startswith(b'{"seconds"'):
            return line
        assert line, f"it ended without a result; see {scratch}/output.log"
    raise AssertionError(f"no result after {_PATIENCE_SECONDS} s; see {scratch}/output.log")
