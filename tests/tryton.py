"""A real CRM: Tryton on SQLite, in the environment that `make crm` builds."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
import pytest
from pydantic import SecretStr

from activation.tryton import Tryton
from local.ports import free_port
from tests.services import need
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv-crm"
MODULE = ROOT / "activation" / "tryton_module" / "headwater_tryton"
PASSWORD = SecretStr("only-for-tests")
PARTY = "party"
OURS = "headwater"


@pytest.fixture(scope="session")
def tryton_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Tryton database of this session, with our module activated."""
    folder = tmp_path_factory.mktemp("tryton")
    with serving(folder, OURS) as served:
        yield served.url


@pytest.fixture(scope="session")
def tryton(tryton_url: str) -> Tryton:
    """The session's Tryton, as we speak to it."""
    return Tryton(tryton_url, "admin", PASSWORD)


class Served(NamedTuple):
    """A database that is served."""

    url: str
    server: "subprocess.Popen[bytes]"


@contextmanager
def serving(folder: Path, module: str) -> Iterator[Served]:
    """Serve a folder's database `crm` on a free port: a fresh one, with a module, if need be."""
    _need_environment()
    if not (folder / "crm.sqlite").exists():
        shutil.copy(_template(module), folder / "crm.sqlite")
    port = free_port()
    config = _config(folder, port)
    argv = [str(ENVIRONMENT / "bin" / "trytond"), "-c", str(config), "-d", "crm"]
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stderr=log) as server:
        try:
            wait_until(lambda: _serves(server, port))
            yield Served(f"http://127.0.0.1:{port}/crm", server)
        finally:
            server.kill()


def _need_environment() -> None:
    ready = ENVIRONMENT / "ready"
    need(ready.exists(), "Tryton is not installed: run `make crm`")
    newest = max(part.stat().st_mtime for part in _parts())
    need(ready.stat().st_mtime >= newest, "Tryton's environment is out of date: run `make crm`")


def _parts() -> list[Path]:
    module = (part for part in MODULE.rglob("*") if part.suffix in (".py", ".xml", ".cfg"))
    return [ROOT / "requirements" / "crm.lock", *sorted(module)]


def _template(module: str) -> Path:
    """Return a prepared database, made once for each version of Tryton and of our module."""
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in _parts())).hexdigest()[:12]
    template = ENVIRONMENT / f"tryton-{module}-{digest}.sqlite"
    base = None if module == PARTY else _template(PARTY)
    with (ENVIRONMENT / "making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            _make(template, module, base)
    return template


def _make(template: Path, module: str, base: Path | None) -> None:
    with TemporaryDirectory(dir=ENVIRONMENT) as made:
        folder = Path(made)
        database = folder / "crm.sqlite"
        if base:
            shutil.copy(base, database)
        else:
            database.touch()
        password = folder / "password"
        password.write_text(PASSWORD.get_secret_value())
        program, config = ENVIRONMENT / "bin" / "trytond-admin", _config(folder, 0)
        command = [str(program), "-c", str(config), "-d", "crm"]
        options = f"-u {module} --activate-dependencies --email admin@crm.example".split()
        environment = os.environ | {"TRYTONPASSFILE": str(password)}
        subprocess.run([*command, *options], env=environment, check=True, stdin=subprocess.DEVNULL)
        database.rename(template)


def _config(folder: Path, port: int) -> Path:
    config = folder / "trytond.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"
    )
    return config


def _serves(server: subprocess.Popen[bytes], port: int) -> bool:
    assert server.poll() is None, "Tryton ended before it served"
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=10)
    except httpx.HTTPError:
        return False
    return True
