"""Takes rows in: those of an INSERT, and those of tables sent along with a query."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from local.clickhouse.engine import Connection, described
from local.clickhouse.errors import QueryError
from local.clickhouse.native import Block, Column
from local.clickhouse.progress import ProgressTeller
from local.clickhouse.protocol import Channel, Progress
from local.clickhouse.statements import Insert, quoted

_BATCH_BYTES: Final = 1 << 25
_NOT_INSERTED: Final = ("MATERIALIZED", "ALIAS", "EPHEMERAL")


class Inserts:
    """Takes in what one client sends.

    Every method raises RuntimeError or QueryError if the engine refuses, EOFError or OSError if the
    client is gone, OutOfStep if it can't be followed.
    """

    def __init__(self, connection: Connection, channel: Channel, progress: ProgressTeller) -> None:
        self._connection = connection
        self._channel = channel
        self._progress = progress

    def insert(self, insert: Insert) -> None:
        """Insert the blocks to come; when this returns, they are durable against a killed process.

        After an error the rest of the blocks is read and thrown away: the client tells nothing else
        before it has sent them all.
        """
        columns = self._columns(insert)
        self._channel.send_header(columns)
        blocks = self._blocks()
        names = ", ".join(quoted(column.name) for column in columns)
        try:
            with self._progress.told():
                self._write(f"{insert.table} ({names})", insert.settings, blocks)
        except (RuntimeError, QueryError):
            for _ in blocks:
                pass
            raise

    @contextmanager
    def tables_sent(self) -> Iterator[None]:
        """Have the tables that a client sends with its query exist while the body runs.

        They end with a block without a name; all is read, even where a table cannot be made.
        """
        made: dict[str, None] = {}
        sent = self._tables()
        try:
            for name, block in sent:
                self._take(name, block, made)
            yield
        finally:
            for _ in sent:
                pass
            for name in made:
                self._connection.query(f"DROP TEMPORARY TABLE IF EXISTS {quoted(name)}")

    def _take(self, name: str, block: Block, made: dict[str, None]) -> None:
        if name not in made:
            columns = ", ".join(f"{quoted(column.name)} {column.type}" for column in block.columns)
            self._connection.query(f"CREATE TEMPORARY TABLE {quoted(name)} ({columns})")
            made[name] = None
        if block.rows:
            self._write(quoted(name), "", iter([block]))

    def _tables(self) -> Iterator[tuple[str, Block]]:
        while (said := self._channel.read_data()) is not None and said[1].columns:
            yield said

    def _blocks(self) -> Iterator[Block]:
        while (said := self._channel.read_data()) is not None:
            block = said[1]
            if not block.columns:
                return
            if block.rows:
                yield block
        raise QueryError(394, "Query was cancelled", "QUERY_WAS_CANCELLED")

    def _columns(self, insert: Insert) -> Sequence[Column]:
        """Return the columns of an INSERT with their types.

        Raises:
            QueryError: if the table has not got one of them.
        """
        known = described(self._connection, f"DESCRIBE TABLE {insert.table}")
        if not insert.columns:
            return [Column(name, kind) for name, kind, how in known if how not in _NOT_INSERTED]
        types = {name: kind for name, kind, _ in known}
        for name in insert.columns:
            if name not in types:
                raise QueryError(
                    16, f"No such column {name} in table {insert.table}", "NO_SUCH_COLUMN_IN_TABLE"
                )
        return [Column(name, types[name]) for name in insert.columns]

    def _write(self, target: str, settings: str, blocks: Iterator[Block]) -> None:
        """Write blocks to a table, many at a time.

        The engine reads them as a file: its own way of streaming an INSERT tells no errors, neither
        of a violated constraint nor of a full disk.
        """
        rows = size = 0
        for batch in _batches(blocks):
            with _in_memory(batch) as path:
                done = self._connection.query(
                    f"INSERT INTO {target} FROM INFILE '{path}' COMPRESSION 'none' {settings} "
                    "FORMAT Native"
                )
            rows, size = rows + done.rows_written(), size + done.bytes_written()
            self._progress.tell(Progress(written_rows=rows, written_bytes=size))


def _batches(blocks: Iterator[Block]) -> Iterator[list[bytes]]:
    """Yield blocks in groups, so that a row at a time is no INSERT at a time."""
    batch: list[bytes] = []
    for block in blocks:
        batch.append(block.native)
        if sum(map(len, batch)) >= _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _in_memory(blocks: Iterable[bytes]) -> Iterator[str]:
    """Have a file in memory, without a name on any disk; yield the path that reaches it.

    Raises:
        QueryError: if there is no room for it.
    """
    descriptor = os.memfd_create("blocks")
    try:
        for block in blocks:
            _write_all(descriptor, block)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise QueryError(243, f"rows can't be taken in: {error}", "NOT_ENOUGH_SPACE") from error
