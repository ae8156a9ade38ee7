"""Takes fetched messages to the agents, with one wait a fetch."""

import asyncio
from typing import Any, Final

from faust.types import TP

_FETCH_SECONDS: Final = 1.0
_YIELD_EVERY: Final = 500


class Drain:
    """A mixin for a Faust consumer: replaces the loop between the fetch and the agents.

    Faust's own loop makes four tasks a message, most of what a message costs. The checks are
    Faust's: a message of an older generation, of a partition no longer owned, or read before, is
    not delivered. One is stricter: what was fetched before a rebalance is never taken for what
    came after it, which would skip the messages in between.
    """

    async def _drain_messages(self: Any, fetcher: Any) -> None:
        """Deliver until the consumer or the fetcher is stopped."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                generation = self.app.consumer_generation_id
                records, active = await self._wait_next_records(_FETCH_SECONDS)
                if self.should_stop or fetcher.should_stop:
                    return
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    await self._rewind()
                elif records:
                    await self.wait_first(
                        self._deliver_all(records, active, generation), self.suspend_flow.wait()
                    )
                await asyncio.sleep(0)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise

    async def _rewind(self: Any) -> None:
        """Read again from what is committed; what was fetched is dropped."""
        while not self.should_stop:
            try:
                await self.perform_seek()
            except Exception as error:  # noqa: BLE001 during a rebalance, Kafka's client raises many
                self.log.warning("waiting to seek: %r", error)
                await self.sleep(_FETCH_SECONDS)
            else:
                return

    async def _deliver_all(
        self: Any, records: Any, active: set[TP] | None, generation: int
    ) -> None:
        for number, (tp, record) in enumerate(self.scheduler.iterate(records), 1):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                await self._deliver(tp, self._to_message(tp, record))
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        for tp in records:
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))

    async def _deliver(self: Any, tp: TP, message: Any) -> None:
        read = self._read_offset[tp]
        if read is not None and message.offset < read:
            return
        if read and message.offset - read > 1 and self.app.topics.acks_enabled_for(message.topic):
            await self._add_gap(tp, read + 1, message.offset - 1)
        await self.callback(message)
        self._read_offset[tp] = message.offset
