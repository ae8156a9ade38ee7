"""From messages to rows: decode, to_rows, write; and what becomes of an event that can't be.

Nothing here knows Faust: the agents hand over messages, and acknowledge them when this returns.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from contracts.clock import Clock
from contracts.errors import Rejected
from contracts.rows import ActivityRow, Row
from contracts.wire import DeadLetter, Event, Recorded, decode_envelope

ToRows = Callable[[Event], Sequence[Row]]
Write = Callable[[Sequence[Row]], None]
_SLICE: Final = 2_000
"""How many events are written at once: it bounds memory, and what is written twice after a kill."""


@dataclass(frozen=True)
class Message:
    """A message of the log, and where it stands."""

    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True)
class _Heard:
    """An event, and where it stands."""

    message: Message
    position: int
    event: Event


@dataclass(frozen=True)
class Captured:
    """What is left to do once the rows are durable: tell the others."""

    recorded: tuple[Recorded, ...]
    dead: tuple[DeadLetter, ...]


class Capture:
    """Carries out events, one batch of messages at a time.

    Args:
        to_rows: an event to its rows; raises Rejected.
        write: makes rows durable; raises Retryable, Rejected or Fatal.
        clock: stamps what failed.
    """

    def __init__(self, to_rows: ToRows, write: Write, clock: Clock) -> None:
        self._to_rows = to_rows
        self._write = write
        self._clock = clock

    def __call__(self, messages: Iterable[Message]) -> Captured:
        """Write the rows of every event that can be written; return what failed.

        Safe to repeat. When it returns, every event is either written or among the dead.

        Raises:
            Retryable: some rows may not be written: call again with the same messages.
            Fatal: the worker must stop.
        """
        dead: list[DeadLetter] = []
        recorded: list[Recorded] = []
        heard = self._heard(messages, dead)
        for start in range(0, len(heard), _SLICE):
            decoded = self._decoded(heard[start : start + _SLICE], dead)
            written = self._written(decoded, dead)
            recorded += (_recorded(row) for row in written if isinstance(row, ActivityRow))
        return Captured(tuple(recorded), tuple(dead))

    def _heard(self, messages: Iterable[Message], dead: list[DeadLetter]) -> list[_Heard]:
        heard: list[_Heard] = []
        for message in messages:
            try:
                events = decode_envelope(message.value).events
            except Rejected as why:
                dead.append(self._dead(message, -1, why, None))
                continue
            heard += (_Heard(message, position, event) for position, event in enumerate(events))
        return heard

    def _decoded(
        self, heard: Iterable[_Heard], dead: list[DeadLetter]
    ) -> list[tuple[_Heard, Sequence[Row]]]:
        decoded: list[tuple[_Heard, Sequence[Row]]] = []
        for one in heard:
            try:
                decoded.append((one, self._to_rows(one.event)))
            except Rejected as why:
                dead.append(self._dead(one.message, one.position, why, one.event))
        return decoded

    def _written(
        self, decoded: list[tuple[_Heard, Sequence[Row]]], dead: list[DeadLetter]
    ) -> list[Row]:
        """Write all rows at once; if the warehouse refuses them, find the guilty one by halves."""
        rows = list(chain.from_iterable(rows for _, rows in decoded))
        if not rows:
            return []
        try:
            self._write(rows)
        except Rejected as why:
            if len(decoded) == 1:
                one = decoded[0][0]
                dead.append(self._dead(one.message, one.position, why, one.event))
                return []
            half = len(decoded) // 2
            return self._written(decoded[:half], dead) + self._written(decoded[half:], dead)
        return rows

    def _dead(
        self, message: Message, position: int, why: Rejected, event: Event | None
    ) -> DeadLetter:
        return DeadLetter(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            position=position,
            reason=why.reason,
            detail=why.detail,
            failed_at=self._clock.now(),
            event=event,
            payload=b"" if event else message.value,
        )


def _recorded(row: ActivityRow) -> Recorded:
    outside = (
        address
        for address, is_ours in zip(row.participant_address, row.participant_is_ours, strict=True)
        if not is_ours
    )
    return Recorded(
        activity_id=row.activity_id,
        event_time=row.event_time,
        outside=tuple(dict.fromkeys(outside)),
    )
