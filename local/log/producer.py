"""Faust's producer over the SQLite log: one transaction for all that waits."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from faust.transport.producer import Producer as FaustProducer
from faust.types import TP
from faust.types.tuples import RecordMetadata
from typing_extensions import override

from local.log.store import Draft, Log

_MAX_TRANSACTION: Final = 5_000
_Sent = tuple[Draft, "asyncio.Future[RecordMetadata]"]


class Producer(FaustProducer):
    """Appends to the log: all that was sent while the last append ran goes in the next one."""

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self._log: Log = transport.open_log()
        self._waiting: list[_Sent] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._appender: asyncio.Task[None] | None = None

    @override
    async def on_start(self) -> None:
        """Begin to append."""
        await super().on_start()
        self._appender = asyncio.create_task(self._append_all())

    @override
    async def on_stop(self) -> None:
        """Append what is left, then end."""
        await self.flush()
        if self._appender is not None:
            self._appender.cancel()

    @override
    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> "asyncio.Future[RecordMetadata]":
        """Return a future that is done once the record is on the disk.

        The log stamps the record itself, so that retention has one clock. The future raises
        Retryable if the log could not take it; then it holds nothing of the record.
        """
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        encoded = msgspec.msgpack.encode(pairs) if pairs else None
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self._waiting.append((Draft(topic, key, value, encoded, partition), future))
        self._idle.clear()
        self._wake.set()
        return future

    @override
    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """Send, and return once the record is on the disk."""
        return await (await self.send(*args, **kwargs))

    @override
    async def flush(self) -> None:
        """Return once everything sent so far is on the disk, or its sender knows why not."""
        await self.buffer.flush()
        await self._idle.wait()

    @override
    async def create_topic(
        self, topic: str, partitions: int, *_: Any, compacting: bool | None = None, **__: Any
    ) -> None:
        """Make a topic."""
        self._log.create(topic, partitions, compacted=bool(compacting))

    @override
    def key_partition(self, topic: str, key: bytes) -> TP:
        """Return the partition for a key."""
        return TP(topic, self._log.partition_of(topic, key))

    @override
    def supports_headers(self) -> bool:
        """Say that headers are kept."""
        return True

    async def _append_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = self._waiting[:_MAX_TRANSACTION]
                del self._waiting[:_MAX_TRANSACTION]
                await self._append(batch)
            self._idle.set()

    async def _append(self, batch: list[_Sent]) -> None:
        """Append a batch, or tell each sender why it could not be done."""
        try:
            placed = await asyncio.to_thread(self._log.append, [draft for draft, _ in batch])
        except Exception as error:  # noqa: BLE001 every sender gets it, whatever it is
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (place, offset), (_, future) in zip(placed, batch, strict=True):
            if not future.done():
                future.set_result(RecordMetadata(*place, TP(*place), offset))
