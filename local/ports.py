"""Ports on loopback: a free one, or a clear word about a taken one."""

import socket
from secrets import SystemRandom
from typing import Final

from contracts.errors import UserError

LOOPBACK: Final = "127.0.0.1"


_SERVED: Final = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections: none of these takes one that is free
now and served a moment later, or again after a restart."""


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    for port in SystemRandom().sample(_SERVED, len(_SERVED)):
        if not _is_taken(port):
            return port
    raise UserError(f"every port from {_SERVED.start} to {_SERVED.stop} on {LOOPBACK} is taken")


def refuse_taken_port(port: int, setting: str) -> None:
    """Make sure that a port can be served.

    Raises:
        UserError: if another program listens there; names the setting that moves ours.
    """
    if _is_taken(port):
        raise UserError(
            f"port {port} on {LOOPBACK} is taken by another program: stop it, or choose "
            f"another port with {setting}"
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False
