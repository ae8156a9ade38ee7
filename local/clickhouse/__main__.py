"""`python -m local.clickhouse`: serves a warehouse until SIGTERM or Ctrl-C."""

import argparse
import ipaddress
import json
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from contracts.errors import UserError
from local.clickhouse import binary
from local.clickhouse.binary import BinaryServer
from local.clickhouse.engine import Engine
from local.clickhouse.home import identity, opened
from local.clickhouse.server import Server, bind
from local.clickhouse.terms import Limits, Place

_GIB = 1 << 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; return the exit code: 0 after a clean end, 2 if it can't be served as asked."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        _serve(_options().parse_args(arguments))
    except UserError as error:
        sys.stderr.write(f"warehouse: {error}\n")
        return 2
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.clickhouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="the warehouse's folder")
    parser.add_argument("--password-file", type=Path, required=True, help="readable by you alone")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=9000, help="0 picks a free one")
    parser.add_argument("--ready-file", type=Path, required=True, help="says where it serves")
    parser.add_argument("--max-connections", type=int, default=64)
    parser.add_argument("--max-memory", type=int, default=4 * _GIB, help="bytes a query may use")
    parser.add_argument("--stop-seconds", type=float, default=10, help="for running writes to end")
    return parser


def _serve(options: argparse.Namespace) -> None:
    _refuse_open_host(options.host)
    password = _password(options.password_file)
    limits = Limits(options.max_connections, options.max_memory, options.stop_seconds)
    found = _binary(options.path)
    with opened(options.path, "clickhouse" if found else "chdb") as folder:
        options.ready_file.unlink(missing_ok=True)
        place = Place(folder, options.host, options.port, password)
        server = BinaryServer(found, place, limits) if found else _in_process(place, limits)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        with _announced(options.ready_file, server.address, server.version):
            server.serve()


def _binary(folder: Path) -> binary.Binary | None:
    """Return the ClickHouse to run: for a new folder, or one whose data it wrote."""
    known = identity(folder)
    if known and known.engine == "chdb":
        return None
    found = binary.find()
    if known and not found:
        oldest = ".".join(map(str, binary.OLDEST))
        raise UserError(
            f"{folder} was written by a ClickHouse server: put `clickhouse` {oldest} or newer on "
            "the PATH"
        )
    return found


def _in_process(place: Place, limits: Limits) -> Server:
    listener = bind(place.host, place.port)
    return Server(Engine(place.folder, limits.query_bytes), listener, place.password, limits)


def _refuse_open_host(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise UserError(
            f"--host {host} is not a loopback address: this server has one user and no TLS; use "
            "127.0.0.1, and a ClickHouse server of your own to serve other machines"
        )


def _password(path: Path) -> SecretStr:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        password = path.read_text().strip()
    except OSError as error:
        raise UserError(f"the password file {path} can't be read: {error.strerror}") from error
    if mode & 0o077:
        raise UserError(f"others can read the password file {path}: chmod 600 {path}")
    if not password:
        raise UserError(f"the password file {path} is empty: write a password into it")
    return SecretStr(password)


@contextmanager
def _announced(path: Path, address: tuple[str, int], version: str) -> Iterator[None]:
    """Have a file tell, while the body runs, where clients are served."""
    host, port = address
    said = {"host": host, "port": port, "pid": os.getpid(), "version": version}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(said))
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
