"""Tells a client how far its query came."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from local.clickhouse.engine import Connection
from local.clickhouse.protocol import Channel, Progress


class ProgressTeller:
    """Sends by how much a query's counts grew; the engine tells totals, from its own threads."""

    def __init__(self, channel: Channel, connection: Connection) -> None:
        self._channel = channel
        self._seen: Progress | None = None
        connection.set_progress_callback(self._on_progress)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell the progress of the query that the body runs."""
        self._seen = Progress()
        try:
            yield
        finally:
            self._seen = None

    def tell(self, now: Progress) -> None:
        """Tell a query's totals, as far as they grew."""
        if self._seen is None:
            return
        before, self._seen = self._seen, Progress(*map(max, now, self._seen))
        growth = Progress(*(new - old for new, old in zip(self._seen, before, strict=True)))
        if any(growth):
            self._channel.send_progress(growth)

    def _on_progress(self, seen: Mapping[str, int]) -> None:
        with suppress(OSError):  # that the client is gone, its own thread finds
            self.tell(
                Progress(
                    seen["read_rows"],
                    seen["read_bytes"],
                    seen["total_rows_to_read"],
                    seen["written_rows"],
                    seen["written_bytes"],
                )
            )
