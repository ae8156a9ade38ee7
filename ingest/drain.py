"""Takes fetched messages to the agents, a run of one partition at a time."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from faust.types import TP
from mode.utils.futures import notify

_FETCH_SECONDS: Final = 1.0


class Drain:
    """A mixin for a Faust consumer: replaces the loop between the fetch and the agents.

    Faust's own loop makes four tasks a message and hands each over by itself, most of what a
    message costs. Here a topic's one agent gets lists of messages, which `batches` reads. The
    checks are Faust's: a message of an older generation, of a partition no longer owned, or read
    before, is not delivered. One is stricter: what was fetched before a rebalance is never taken
    for what came after it, which would skip the messages in between.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._room = asyncio.Event()
        self._drops: dict[TP, Any] = {}

    def track(self: Any, messages: Sequence[Any]) -> None:
        """Let a worker that stops wait for these messages."""
        self._unacked_messages.update(messages)

    def forget(self: Any, messages: Sequence[Any]) -> None:
        """Let a worker that stops not wait for messages that were left."""
        self._unacked_messages.difference_update(messages)

    def acknowledge(self: Any, messages: Sequence[Any]) -> None:
        """Let the offsets of these messages be committed, as Faust does one by one."""
        for message in messages:
            tp, offset = message.tp, message.offset
            committed, known = self._committed_offset[tp], self._acked_index[tp]
            if (committed is None or offset >= committed) and offset not in known:
                known.add(offset)
                self._acked[tp].append(offset)
                self._n_acked += 1
        self.forget(messages)
        notify(self._waiting_for_ack)

    def look_again(self) -> None:
        """Tell a fetch under way that more partitions may be read than when it began.

        Nothing to do where the log is looked at every few milliseconds.
        """

    async def _drain_messages(self: Any, fetcher: Any) -> None:
        """Deliver until the consumer or the fetcher is stopped."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._wait_for_room()
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

    async def _wait_for_room(self: Any) -> None:
        """Return once a partition may be read; Faust would look again after a second only."""
        self._room.clear()
        if not self._get_active_partitions():
            await self.wait_first(self._room.wait(), timeout=_FETCH_SECONDS)

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
        await self.app.flow_control.acquire()
        for place, run in records.items():
            tp = TP(*place)  # Kafka's client has a type of its own
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                await self._deliver(tp, [self._to_message(tp, record) for record in run])
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))

    async def _deliver(self: Any, tp: TP, messages: list[Any]) -> None:
        read = self._read_offset[tp]
        unread = [message for message in messages if read is None or message.offset >= read]
        for message in unread:
            if read and message.offset - read > 1:
                await self._add_gap(tp, read + 1, message.offset - 1)
            read = message.offset
        if unread:
            self._hand_over(tp, unread)
            self._read_offset[tp] = read

    def _hand_over(self: Any, tp: TP, messages: list[Any]) -> None:
        """Give an agent its messages; where it has enough of them, its partition must wait."""
        (channel,) = self.app.topics._tp_index[tp]  # noqa: SLF001 as Faust's own handler has it
        channel.queue.put_nowait_enhanced(
            messages,
            on_pressure_high=partial(self.on_buffer_full, tp),
            on_pressure_drop=self._drops.setdefault(tp, partial(self._resume, tp)),
        )

    def _resume(self: Any, tp: TP) -> None:
        """Read a partition again whose agent had no room."""
        self.on_buffer_drop(tp)
        self._room.set()
        self.look_again()
