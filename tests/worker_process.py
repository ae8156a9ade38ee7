"""A worker as a process of its own, on a home and a warehouse."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
from pydantic import SecretStr


@contextmanager
def working(home: Path, url: SecretStr, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have a worker read the home's log while the body runs; its doors are on a port."""
    told = {
        "HEADWATER_HOME": str(home),
        "HEADWATER_WAREHOUSE_URL": url.get_secret_value(),
        "HEADWATER_WORKER_PORT": str(port),
    }
    with subprocess.Popen([sys.executable, "-m", "ingest.worker"], env=os.environ | told) as worker:
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            yield worker
        finally:
            worker.terminate()
            worker.wait(30)


def _wait(url: str, seconds: float = 60) -> None:
    deadline = monotonic() + seconds
    while True:
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.HTTPError:
            pass
        assert monotonic() < deadline, f"{url} did not answer within {seconds} s"
        sleep(0.1)
