"""A real CRM: Tryton on SQLite, in the environment that `make crm` builds."""

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from pydantic import SecretStr

from tests.services import need

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv-crm"
MODULE = ROOT / "activation" / "tryton_module" / "headwater_tryton"
PASSWORD = SecretStr("only-for-tests")


@pytest.fixture(scope="session")
def tryton_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Tryton database of this session, with our module activated."""
    need((ENVIRONMENT / "bin" / "trytond").exists(), "Tryton is not installed: run `make crm`")
    folder = tmp_path_factory.mktemp("tryton")
    shutil.copy(_template(), folder / "crm.sqlite")
    with serving(folder) as url:
        yield url


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the database `crm` of a folder on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = _config(folder, port)
    argv = [str(ENVIRONMENT / "bin" / "trytond"), "-c", str(config), "-d", "crm"]
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stderr=log) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/", server)
            yield f"http://127.0.0.1:{port}/crm"
        finally:
            server.kill()


def _template() -> Path:
    """Return a prepared database, made once for each version of Tryton and of our module."""
    parts = [ROOT / "requirements" / "crm.lock", *sorted(MODULE.glob("*.*"))]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    template = ENVIRONMENT / f"tryton-{digest}.sqlite"
    if not template.exists():
        folder = ENVIRONMENT / f"making-{digest}-{os.getpid()}"
        folder.mkdir(exist_ok=True)
        (folder / "crm.sqlite").touch()
        password = folder / "password"
        password.write_text(PASSWORD.get_secret_value())
        command = str(ENVIRONMENT / "bin" / "trytond-admin")
        admin = [command, "-c", str(_config(folder, 0)), "-d", "crm"]
        environment = os.environ | {"TRYTONPASSFILE": str(password)}
        for step in ("--all --email admin@crm.example", "-u headwater --activate-dependencies"):
            subprocess.run(
                [*admin, *step.split()], env=environment, check=True, stdin=subprocess.DEVNULL
            )
        (folder / "crm.sqlite").rename(template)
        shutil.rmtree(folder)
    return template


def _config(folder: Path, port: int) -> Path:
    config = folder / "trytond.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"
    )
    return config


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + 60
    while True:
        try:
            httpx.get(url)
        except httpx.HTTPError:
            assert server.poll() is None, "Tryton ended before it served"
            assert monotonic() < deadline, "Tryton took more than a minute to serve"
            sleep(0.1)
        else:
            return
