"""Runs what answers with rows, and sends them."""

from collections.abc import Generator
from contextlib import closing, suppress

from local.clickhouse import native
from local.clickhouse.engine import Connection, Result, described
from local.clickhouse.errors import QueryError
from local.clickhouse.native import Column
from local.clickhouse.progress import ProgressTeller
from local.clickhouse.protocol import Channel, Progress
from local.clickhouse.watchdog import Running


class Answers:
    """Sends one client the answers to its queries.

    Every method raises RuntimeError or QueryError if the engine refuses, OSError if the client is
    gone.
    """

    def __init__(self, connection: Connection, channel: Channel, progress: ProgressTeller) -> None:
        self._connection = connection
        self._channel = channel
        self._progress = progress

    def run(self, sql: str, running: Running) -> None:
        """Run a statement whole, then send its rows if it has any."""
        with self._progress.told():
            result = self._connection.query(_tagged(sql, running), "Native")
            blocks = list(native.blocks_of(result.bytes()))
            if blocks:
                self._channel.send_header(blocks[0].columns)
            for block in blocks:
                self._channel.send_block(block.native)
            self._finish(
                result, sum(block.rows for block in blocks), len(blocks), len(result.bytes())
            )

    def stream(self, sql: str, running: Running) -> None:
        """Send the rows of a SELECT as they are found.

        A client takes the columns from a first block without rows. Their types are asked for
        beforehand: a second query on the connection would silently end the stream.
        """
        types = self._types(sql, running)
        self._channel.send_header(types)
        rows = blocks = size = 0
        result: Result | None = None
        chunks = self._chunks(_tagged(sql, running), running)
        with self._progress.told(), closing(chunks):
            for result in chunks:
                block = _zoned(result.bytes(), types)
                self._channel.send_block(block)
                rows, blocks, size = rows + result.rows_read(), blocks + 1, size + len(block)
            self._finish(result, rows, blocks, size)

    def _types(self, sql: str, running: Running) -> list[Column]:
        return [
            Column(name, kind)
            for name, kind, _ in described(
                self._connection, _tagged(f"DESCRIBE ({sql}\n)", running)
            )
        ]

    def _chunks(self, sql: str, running: Running) -> Generator[Result, None, None]:
        """Yield results until there is none, or the answer is of no more use."""
        stream = self._connection.send_query(sql, "Native")
        more = True
        try:
            while not running.ended:
                result = self._connection.streaming_fetch_result(stream)
                more = result is not None and result.rows_read() > 0
                if not more:
                    return
                yield result
            raise QueryError(394, "Query was cancelled", "QUERY_WAS_CANCELLED")
        finally:
            if more:
                with suppress(RuntimeError):  # it may have failed
                    self._connection.streaming_cancel_query(stream)

    def _finish(self, result: Result | None, rows: int, blocks: int, size: int) -> None:
        if result is not None:
            self._progress.tell(
                Progress(
                    rows=result.storage_rows_read(),
                    bytes=result.storage_bytes_read(),
                    written_rows=result.rows_written(),
                    written_bytes=result.bytes_written(),
                )
            )
        self._channel.send_profile(rows, blocks, size)


def _tagged(sql: str, running: Running) -> str:
    """Return a query with the comment by which it can be found and killed."""
    return f"/*{running.token}*/ {sql}"


def _zoned(block: bytes, types: list[Column]) -> bytes:
    """Return a block with its time zones: the engine writes DateTime('UTC') as DateTime."""
    if any(column.type.startswith("DateTime(") for column in types):
        return native.retyped(block, [column.type for column in types])
    return block
