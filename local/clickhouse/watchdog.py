"""Watches the clients whose query blocks their thread: nothing else notices that one has gone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from time import sleep
from typing import Final

from local.clickhouse.protocol import Channel
from local.clickhouse.wire import FromClient

_LOOK_EVERY_SECONDS: Final = 0.05


@dataclass(eq=False)
class Running:
    """A running query, and what its client was seen to do meanwhile.

    Attributes:
        token: stands in a comment before the query's text.
        writes: it changes data.
        cancelled: the client wants no more of it.
        gone: the client itself is no more.
        stopped: the server stops.
    """

    channel: Channel
    writes: bool
    token: str = field(default_factory=lambda: token_hex(8))
    cancelled: bool = False
    gone: bool = False
    stopped: bool = False

    @property
    def ended(self) -> bool:
        """Whether its answer is of no more use."""
        return self.cancelled or self.gone or self.stopped

    def look(self) -> None:
        """See what the client does."""
        try:
            self.cancelled |= self.channel.peek() == FromClient.CANCEL
        except EOFError:
            self.gone = True


class Watchdog:
    """Kills the query of a client that died or cancelled, until the query really ends.

    Args:
        kill: ends the query of a token, as far as it runs.
    """

    def __init__(self, kill: Callable[[str], None]) -> None:
        self._kill = kill
        self._watched: set[Running] = set()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, running: Running) -> Iterator[None]:
        """Watch over a query while the body waits for the engine, and nobody reads the socket."""
        self._watched.add(running)
        try:
            yield
        finally:
            self._watched.discard(running)

    def _run(self) -> None:
        while True:
            sleep(_LOOK_EVERY_SECONDS)
            for running in self._watched.copy():
                running.look()
                if running.ended:
                    self._kill(running.token)
