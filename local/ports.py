"""Ports on loopback: a free one, or a clear word about a taken one."""

import socket
from typing import Final

from contracts.errors import UserError

LOOPBACK: Final = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def refuse_taken_port(port: int, setting: str) -> None:
    """Make sure that a port can be served.

    Raises:
        UserError: if another program listens there; names the setting that moves ours.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UserError(
                f"port {port} on {LOOPBACK} is taken by another program: stop it, or choose "
                f"another port with {setting}"
            ) from error
