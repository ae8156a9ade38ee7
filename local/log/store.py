"""A durable log in one SQLite file: topics, partitions, offsets, and what groups have committed.

Any process of the machine may append and read. What was appended or committed is on the disk when
the call returns (synchronous=FULL). Deleted records are overwritten (secure_delete), so that an
erasure is real.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple

from contracts.clock import Clock, SystemClock
from contracts.errors import UserError
from local.log.schema import back_up, connect, fates, transaction

_MAX_READ_BYTES: Final = 4_000_000
_PAGE: Final = 500


class Place(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Draft(NamedTuple):
    """A record to be appended.

    Attributes:
        headers: in the caller's own encoding.
        partition: where it goes; None lets its key choose, or spreads records without a key.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: bytes | None = None
    partition: int | None = None


class Record(NamedTuple):
    """A record as it is stored, stamped when it was appended."""

    offset: int
    appended_ms: int
    key: bytes | None
    value: bytes | None
    headers: bytes | None


class Bounds(NamedTuple):
    """Offsets of a partition: the oldest that may still be there, and the next to be written."""

    low: int
    next: int


class Expired(NamedTuple):
    """What became of a topic's old records.

    Attributes:
        read: deleted; every group had read them.
        unread: deleted unread, because they might stay no longer.
        kept: old but unread: they wait for a group.
    """

    read: int
    unread: int
    kept: int


class Log:
    """The log in one file. Threads take turns; give a busy one a Log of its own.

    Args:
        path: of the file; made, with its folder, if absent.
        partitions: of a topic that is first named by an append.
        clock: stamps records.

    Raises:
        UserError: if the file is somebody else's, damaged, or of a newer version.
        Retryable: from here and from every method, if the disk is full or the file is busy;
            nothing was changed.
    """

    def __init__(self, path: Path, partitions: int = 4, clock: Clock | None = None) -> None:
        self.path = path
        self._default_partitions = partitions
        self._clock = clock or SystemClock()
        self._db = connect(path)
        self._turn = RLock()
        self._spread = count()
        self._partitions: dict[str, int] = {}

    def create(self, topic: str, partitions: int, *, compacted: bool = False) -> None:
        """Make a topic, if it is not there."""
        if self.partitions(topic) is None:
            with self._transaction() as db:
                _create(db, topic, partitions, compacted=compacted)

    def partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has; None if there is no such topic."""
        if topic in self._partitions:
            return self._partitions[topic]
        with self._reading() as db:
            row = db.execute("SELECT partitions FROM topic WHERE name = ?", (topic,)).fetchone()
            if row and not db.in_transaction:  # which may yet be rolled back
                self._partitions[topic] = row[0]
        return row[0] if row else None

    def partition_of(self, topic: str, key: bytes | None) -> int:
        """Return the partition for a key: always the same one; in turn for records without."""
        partitions = self.partitions(topic) or self._default_partitions
        return (zlib.crc32(key) if key is not None else next(self._spread)) % partitions

    def append(self, drafts: Sequence[Draft]) -> list[tuple[Place, int]]:
        """Append records in one durable transaction; return where each stands.

        Offsets of a partition are dense and follow the order of the drafts.
        """
        with self._transaction() as db:
            for topic in {draft.topic for draft in drafts} - self._partitions.keys():
                _create(db, topic, self._default_partitions)
            now = int(self._clock.now().timestamp() * 1000)
            places = [self._place(draft) for draft in drafts]
            placed = list(zip(places, _offsets(db, places), strict=True))
            db.executemany(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (*place, offset, now, draft.key, draft.value, draft.headers)
                    for (place, offset), draft in zip(placed, drafts, strict=True)
                ],
            )
            db.executemany(
                "UPDATE head SET next = ? WHERE topic = ? AND partition = ?",
                [(offset + 1, *place) for place, offset in dict(placed).items()],
            )
        return placed

    def read(
        self, place: Place, offset: int, max_records: int, max_bytes: int = _MAX_READ_BYTES
    ) -> list[Record]:
        """Return records of a partition from an offset on, in order, at least one if there is."""
        found: list[Record] = []
        size = 0
        with self._reading() as db:
            rows = db.execute(
                "SELECT offset, appended_ms, key, value, headers FROM record "
                "WHERE topic = ? AND partition = ? AND offset >= ? ORDER BY offset LIMIT ?",
                (*place, offset, max_records),
            )
            for row in rows:
                found.append(Record(*row))
                size += len(row[3] or b"")
                if size >= max_bytes:
                    break
        return found

    def bounds(self) -> dict[Place, Bounds]:
        """Return the offsets that every partition holds."""
        with self._reading() as db:
            rows = db.execute("SELECT topic, partition, low, next FROM head").fetchall()
        return {
            Place(topic, partition): Bounds(low, after) for topic, partition, low, after in rows
        }

    def commit(self, group: str, offsets: Mapping[Place, int]) -> None:
        """Remember the next offset that a group needs of each partition; it never moves back."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO committed VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET offset = max(offset, excluded.offset)",
                [(group, *place, offset) for place, offset in offsets.items()],
            )

    def committed(self, group: str) -> dict[Place, int]:
        """Return the next offset that a group needs of each partition it has committed."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT topic, partition, offset FROM committed WHERE consumer_group = ?", (group,)
            ).fetchall()
        return {Place(topic, partition): offset for topic, partition, offset in rows}

    def expire(self, topic: str, *, before_ms: int, unread_before_ms: int) -> Expired:
        """Delete a topic's records that were appended before a moment.

        A record that a known group (one that has ever committed in this partition) has not read is
        kept until the second, earlier moment: the date by which an erasure is complete.
        """
        with self._transaction() as db:
            read, unread = (
                db.execute(statement, (topic, moment)).rowcount
                for statement, moment in ((_DELETE_READ, before_ms), (_DELETE, unread_before_ms))
            )
            db.execute(_RAISE_LOW, (topic,))
            kept = db.execute(_COUNT_OLD, (topic, before_ms)).fetchone()[0]
        self._empty_wal()
        return Expired(read, unread, kept)

    def mend(self, topic: str, mended: Callable[[Record], bytes | None]) -> int:
        """Put another value, or nothing, in the place of records that every group has read.

        Args:
            topic: whose records are looked at.
            mended: returns the value that may stay, the same one where nothing is to be done; None
                deletes the record.

        Returns:
            How many records were changed or deleted.
        """
        places = [place for place in self.bounds() if place.topic == topic]
        changed = sum(self._mend(place, mended) for place in places)
        self._empty_wal()
        return changed

    def compact(self, topic: str) -> int:
        """Keep the newest record of each key of a compacted topic; return how many went.

        Raises:
            UserError: if the topic was not made to be compacted.
        """
        with self._transaction() as db:
            compacted = db.execute(
                "SELECT compacted FROM topic WHERE name = ?", (topic,)
            ).fetchone()
            if not compacted or not compacted[0]:
                raise UserError(f"topic {topic} is not a compacted topic: its records expire")
            gone = db.execute(_DELETE_SUPERSEDED, (topic, topic)).rowcount
            db.execute(_RAISE_LOW, (topic,))
        self._empty_wal()
        return gone

    def backup(self, path: Path) -> None:
        """Copy the log, as of one moment, into a new file; others may append meanwhile."""
        with self._turn:
            back_up(self._db, path)

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._db.close()

    def _mend(self, place: Place, mended: Callable[[Record], bytes | None]) -> int:
        changed, offset = 0, 0
        while page := self.read(place, offset, _PAGE):
            offset = page[-1].offset + 1
            told = [(mended(record), record) for record in page]
            with self._transaction() as db:
                for value, record in told:
                    if value is None:
                        changed += db.execute(_DELETE_ONE, (*place, record.offset)).rowcount
                    elif value != record.value:
                        changed += db.execute(_SET, (value, *place, record.offset)).rowcount
        return changed

    def _place(self, draft: Draft) -> Place:
        partition = draft.partition
        if partition is None:
            partition = self.partition_of(draft.topic, draft.key)
        return Place(draft.topic, partition)

    def _empty_wal(self) -> None:
        """Bring deletions to the main file, and leave no copy behind, if nobody reads just now."""
        with self._turn, fates(self.path):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._turn, fates(self.path):
            yield self._db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn, fates(self.path), transaction(self._db):
            yield self._db


def _create(
    db: sqlite3.Connection, topic: str, partitions: int, *, compacted: bool = False
) -> None:
    made = db.execute(
        "INSERT OR IGNORE INTO topic VALUES (?, ?, ?)", (topic, partitions, compacted)
    ).rowcount
    if made:
        db.executemany(
            "INSERT INTO head (topic, partition) VALUES (?, ?)",
            [(topic, partition) for partition in range(partitions)],
        )


def _offsets(db: sqlite3.Connection, places: Sequence[Place]) -> Iterator[int]:
    """Number records on from the heads of their partitions."""
    heads: dict[Place, Iterator[int]] = {}
    for place in places:
        if place not in heads:
            row = db.execute(
                "SELECT next FROM head WHERE topic = ? AND partition = ?", place
            ).fetchone()
            if row is None:
                raise UserError(f"topic {place.topic} has no partition {place.partition}")
            heads[place] = count(row[0])
        yield next(heads[place])


_DELETE: Final = "DELETE FROM record WHERE topic = ? AND appended_ms < ?"
_IS_READ: Final = """
    offset < coalesce(
    (
        SELECT min(committed.offset) FROM committed
        WHERE committed.topic = record.topic AND committed.partition = record.partition
    ),
    offset + 1)
"""
_DELETE_READ: Final = f"{_DELETE} AND {_IS_READ}"
_AT: Final = f"topic = ? AND partition = ? AND offset = ? AND {_IS_READ}"
_SET: Final = f"UPDATE record SET value = ? WHERE {_AT}"
_DELETE_ONE: Final = f"DELETE FROM record WHERE {_AT}"
_COUNT_OLD: Final = "SELECT count(*) FROM record WHERE topic = ? AND appended_ms < ?"
_DELETE_SUPERSEDED: Final = """
    DELETE FROM record WHERE topic = ? AND key IS NOT NULL AND (partition, offset) NOT IN
    (
        SELECT partition, max(offset) FROM record
        WHERE topic = ? AND key IS NOT NULL
        GROUP BY partition, key
    )
"""
_RAISE_LOW: Final = """
    UPDATE head SET low = max(low, coalesce(
        (
            SELECT min(offset) FROM record
            WHERE record.topic = head.topic AND record.partition = head.partition
        ),
        next))
    WHERE topic = ?
"""
