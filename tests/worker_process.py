"""A worker as a process of its own, on a home and a warehouse."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from tests.waiting import PATIENCE_SECONDS, answers, wait_until


@contextmanager
def working(
    home: Path, url: SecretStr, port: int, probe: str = "healthz", **told: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a worker read the home's log while the body runs; its doors are on a port.

    Args:
        probe: the page that must answer before the body runs.
        told: further settings, by their names.
    """
    told |= {"home": str(home), "warehouse_url": url.get_secret_value(), "worker_port": str(port)}
    variables = {f"HEADWATER_{name.upper()}": value for name, value in told.items()}
    argv = [sys.executable, "-m", "ingest.worker"]
    with subprocess.Popen(argv, env=os.environ | variables) as worker:

        def serves() -> bool:
            assert worker.poll() is None, f"the worker ended with exit code {worker.returncode}"
            return answers(f"http://127.0.0.1:{port}/{probe}")

        try:
            wait_until(serves)
            yield worker
        finally:
            worker.terminate()
            worker.wait(PATIENCE_SECONDS)
