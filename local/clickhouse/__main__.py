"""`python -m local.clickhouse`: serves a warehouse until SIGTERM or Ctrl-C."""

import argparse
import ipaddress
import json
import logging
import os
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from contracts.errors import UserError
from local.clickhouse.engine import Engine
from local.clickhouse.home import opened
from local.clickhouse.server import Limits, Server, bind

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
    parser.add_argument("--ready-file", type=Path, help="written once clients are served")
    parser.add_argument("--max-connections", type=int, default=64)
    parser.add_argument("--max-memory", type=int, default=4 * _GIB, help="bytes a query may use")
    return parser


def _serve(options: argparse.Namespace) -> None:
    _refuse_open_host(options.host)
    password = _password(options.password_file)
    with opened(options.path, "chdb") as folder, bind(options.host, options.port) as listener:
        if options.ready_file:
            options.ready_file.unlink(missing_ok=True)
        engine = Engine(folder, options.max_memory)
        server = Server(engine, listener, password, Limits(options.max_connections))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        server.listen()
        if options.ready_file:
            _announce(options.ready_file, listener.getsockname(), engine.version)
        try:
            server.serve()
        finally:
            if options.ready_file:
                options.ready_file.unlink(missing_ok=True)
        engine.close()


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


def _announce(path: Path, at: tuple[str, int], version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"host": at[0], "port": at[1], "pid": os.getpid(), "version": version}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(said))
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
