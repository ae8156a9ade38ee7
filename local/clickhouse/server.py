"""Listens on loopback, gives each client a thread, and ends cleanly."""

import logging
import select
import socket
import threading
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

from pydantic import SecretStr

from contracts.errors import UserError
from local.clickhouse.engine import Engine
from local.clickhouse.errors import QueryError, told
from local.clickhouse.protocol import Channel
from local.clickhouse.session import Session, greet
from local.clickhouse.terms import Limits
from local.clickhouse.watchdog import Watchdog

log: Final = logging.getLogger(__name__)

_BACKLOG: Final = 128
_BREATH_SECONDS: Final = 0.1


def bind(host: str, port: int) -> socket.socket:
    """Take a port; nothing can connect yet.

    Raises:
        UserError: if the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UserError(
            f"port {port} on {host} can't be taken ({error.strerror}): stop the program that "
            "listens there, or choose another with --port (0 picks a free one)"
        ) from error
    return listener


class Server:
    """Serves an engine's clients.

    Args:
        listener: bound; clients can connect from here on, and are answered by `serve`.
        password: what every client must know.
    """

    def __init__(
        self, engine: Engine, listener: socket.socket, password: SecretStr, limits: Limits
    ) -> None:
        self._engine = engine
        self._listener = listener
        self._password = password
        self._limits = limits
        self._watchdog = Watchdog(engine.kill)
        self._clients: dict[threading.Thread, Channel] = {}
        self._sessions: dict[Channel, Session] = {}
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self.version = engine.version
        self.address: tuple[str, int] = listener.getsockname()
        listener.listen(_BACKLOG)

    def serve(self) -> None:
        """Answer clients until `stop`, then let running writes end, within the limit, and close."""
        with self._listener:
            while not self._stopping:
                readable, _, _ = select.select([self._listener, self._woken], [], [])
                if self._listener in readable:
                    self._accept()
        self._end_all()
        self._engine.close()

    def stop(self) -> None:
        """Have `serve` end, from any thread or a signal handler."""
        self._stopping = True
        self._wake.send(b"\0")

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError as error:  # no more files can be open, or it was gone at once
            log.warning("a client could not be let in: %s", error)
            sleep(_BREATH_SECONDS)
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel = Channel(client)
        full = len(self._clients) >= self._limits.connections
        thread = threading.Thread(target=self._converse, args=(channel, full), daemon=True)
        self._clients[thread] = channel
        thread.start()

    def _converse(self, channel: Channel, full: bool) -> None:  # noqa: FBT001 a thread's target
        try:
            self._serve(channel, full=full)
        except (EOFError, OSError) as error:
            log.debug("a client went away: %s", error)
        except Exception as error:
            if not isinstance(error, QueryError):
                log.exception("a session failed")
            with suppress(OSError):
                channel.send_error(told(error))
        finally:
            channel.close()
            del self._clients[threading.current_thread()]

    def _serve(self, channel: Channel, *, full: bool) -> None:
        hello = greet(channel, self._password)
        if hello is None:
            return
        if full:
            raise self._too_many()
        session = Session(self._engine, self._watchdog, channel)
        self._sessions[channel] = session
        try:
            session.serve(hello.database)
        finally:
            del self._sessions[channel]

    def _too_many(self) -> QueryError:
        return QueryError(
            202,
            f"the warehouse server has its {self._limits.connections} connections in use: close "
            "some, or start it with a higher --max-connections",
            "TOO_MANY_SIMULTANEOUS_QUERIES",
        )

    def _end_all(self) -> None:
        deadline = monotonic() + self._limits.stop_seconds
        for channel in list(self._clients.values()):
            session = self._sessions.get(channel)
            if session:
                session.stop()
            else:
                channel.hang_up()  # it has not greeted yet
        self._join(deadline)
        for channel in list(self._clients.values()):
            channel.hang_up()
        self._join(monotonic() + 1)

    def _join(self, deadline: float) -> None:
        for thread in list(self._clients):
            thread.join(max(0.0, deadline - monotonic()))
