"""Faust's transport over the SQLite log.

One worker of a group reads at a time: it holds a lock on a file beside the log, which dies with the
process, so that a worker standing by takes over at once, also after kill -9.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec
from faust.assignor.client_assignment import ClientAssignment
from faust.transport import base
from faust.transport.consumer import Consumer as FaustConsumer
from faust.types import TP, ConsumerMessage
from typing_extensions import override

from contracts.errors import Retryable
from local.log.producer import Producer
from local.log.store import Log, Place, Record

_POLL_SECONDS: Final = 0.02
_STANDBY_SECONDS: Final = 0.2
_MAX_RECORDS: Final = 500
_Headers = list[tuple[str, bytes]]


class Consumer(FaustConsumer):
    """Reads the log for one consumer group."""

    consumer_stopped_errors = ()

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self._log: Log = transport.open_log()
        self._group: str = self.app.conf.id
        self._position: dict[TP, int] = {}
        self._assigned: set[TP] = set()
        self._next: dict[TP, int] = {}
        self._lock: int | None = None

    @override
    async def subscribe(self, topics: Iterable[str]) -> None:
        """Wait for the group's lock, then take every partition of the topics."""
        if not await self._hold_lock():
            return
        owned = set(self._partitions(topics))
        self.app.on_rebalance_start()
        revoked, self._assigned = self._assigned - owned, owned
        await self.on_partitions_revoked(revoked)
        self._tell_assignor(owned)
        self.app.consumer_generation_id += 1
        await self.seek_to_committed()
        await self._become_known()
        # Not awaited: Faust waits for this very call to finish inside the callback.
        self.add_future(self.on_partitions_assigned(owned, self.app.consumer_generation_id))

    @override
    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go on where the group left off, or at the oldest record that is kept."""
        committed = self._log.committed(self._group)
        bounds = self._log.bounds()
        self._position = {
            tp: max(committed.get(Place(*tp), 0), bounds[Place(*tp)].low) for tp in self._assigned
        }
        return dict(self._position)

    @override
    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to these offsets."""
        for tp, offset in partitions.items():
            await self.seek(TP(*tp), offset)

    @override
    async def position(self, tp: TP) -> int | None:
        """Return the next offset to be read."""
        return self._position.get(tp)

    @override
    def assignment(self) -> set[TP]:
        """Return the partitions that this worker reads."""
        return set(self._assigned)

    @override
    def highwater(self, tp: TP) -> int:
        """Return the next offset to be written, as of the last look."""
        return self._next.get(tp, 0)

    @override
    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the oldest offsets that are kept."""
        bounds = self._log.bounds()
        return {tp: bounds[Place(*tp)].low for tp in partitions if Place(*tp) in bounds}

    @override
    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the next offsets to be written."""
        bounds = self._log.bounds()
        return {tp: bounds[Place(*tp)].next for tp in partitions if Place(*tp) in bounds}

    @override
    def topic_partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has."""
        return self._log.partitions(topic)

    @override
    def key_partition(
        self, topic: str, key: bytes | None, partition: int | None = None
    ) -> int | None:
        """Return the partition for a key."""
        return partition if partition is not None else self._log.partition_of(topic, key)

    @override
    async def create_topic(
        self, topic: str, partitions: int, *_: Any, compacting: bool | None = None, **__: Any
    ) -> None:
        """Make a topic; there is no replication here, and whoever owns the log expires it."""
        self._log.create(topic, partitions, compacted=bool(compacting))

    @override
    async def on_stop(self) -> None:
        """Commit what was acknowledged, then let the next worker in."""
        await super().on_stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @override
    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit, or leave it to a later commit: until then, the messages may come again."""
        mine = {Place(*tp): offset for tp, offset in offsets.items()}
        try:
            await asyncio.to_thread(self._log.commit, self._group, mine)
        except Retryable as error:
            self.log.warning("offsets are not committed yet: %s", error)
            return False
        return True

    @override
    async def _seek(self, partition: TP, offset: int) -> None:
        self._position[TP(*partition)] = offset

    @override
    async def _getmany(
        self, active_partitions: set[TP] | None, timeout: float
    ) -> dict[TP, list[Record]]:
        deadline = monotonic() + timeout
        while not self.should_stop and self.flow_active and monotonic() < deadline:
            wanted = active_partitions if active_partitions is not None else self._assigned
            positions = {tp: self._position[tp] for tp in wanted if tp in self._position}
            found = await asyncio.to_thread(self._fetch, positions)
            # A seek may have come between: what it left behind is not delivered.
            found = {tp: got for tp, got in found.items() if self._position[tp] == positions[tp]}
            if found:
                self._position |= {tp: records[-1].offset + 1 for tp, records in found.items()}
                return found
            await asyncio.sleep(_POLL_SECONDS)
        return {}

    @override
    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    @override
    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        headers = msgspec.msgpack.decode(record.headers, type=_Headers) if record.headers else []
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset,
            record.appended_ms / 1000,
            1,  # Kafka's word for "stamped when it was appended"
            headers,
            record.key,
            record.value,
            None,
            len(record.key or b""),
            len(record.value or b""),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _fetch(self, positions: Mapping[TP, int]) -> dict[TP, list[Record]]:
        self._next = {TP(*place): bounds.next for place, bounds in self._log.bounds().items()}
        limit = self.app.conf.broker_max_poll_records or _MAX_RECORDS
        news = (tp for tp, offset in positions.items() if self._next.get(tp, 0) > offset)
        found = ((tp, self._log.read(Place(*tp), positions[tp], limit)) for tp in news)
        return {tp: records for tp, records in found if records}

    def _partitions(self, topics: Iterable[str]) -> Iterable[TP]:
        for topic in sorted(topics):
            self._log.create(topic, self.app.conf.topic_partitions)
            for partition in range(self._log.partitions(topic) or 0):
                yield TP(topic, partition)

    async def _become_known(self) -> None:
        """Commit where reading begins, so that nothing unread expires before its time."""
        await self._commit(self._position)

    async def _hold_lock(self) -> bool:
        """Wait until this worker may read; False if it is stopped before."""
        if self._lock is not None:
            return True
        lock = os.open(f"{self._log.path}.{self._group}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked(lock):
            self.log.warning("another worker reads for group %s: standing by", self._group)
        while not self.should_stop:
            if _locked(lock):
                self._lock = lock
                return True
            await self.sleep(_STANDBY_SECONDS)
        os.close(lock)
        return False

    def _tell_assignor(self, owned: set[TP]) -> None:
        """Say what is assigned, or Faust would not see the partitions of its own tables."""
        by_topic: dict[str, list[int]] = defaultdict(list)
        for topic, partition in sorted(owned):
            by_topic[topic].append(partition)
        assignor: Any = self.app.assignor
        assignor._assignment = ClientAssignment(  # noqa: SLF001 Kafka's protocol would set it
            actives=dict(by_topic), standbys={}
        )


class Transport(base.Transport):
    """`sqlite:////absolute/path/log.db`."""

    Consumer = Consumer
    Producer = Producer
    default_port = 0
    driver_version = f"sqlite={sqlite3.sqlite_version}"

    def open_log(self) -> Log:
        """Open the log; its reader and its writer each have one, and don't wait for each other."""
        return Log(Path(self.url[0].path), self.app.conf.topic_partitions)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
