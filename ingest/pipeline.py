"""From messages to rows: decode, to_rows, write; and what becomes of an item that can't be.

Nothing here knows Faust: the agents hand over messages, and acknowledge them when this returns.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Generic, TypeVar

from contracts.errors import HeadwaterError, Rejected
from contracts.rows import Row

Item = TypeVar("Item")
Write = Callable[[Sequence[Row]], None]


@dataclass(frozen=True)
class Message:
    """A message of the log, and where it stands."""

    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True)
class Refused(Generic[Item]):
    """What can't be carried out, and why.

    Attributes:
        position: its place in the message; -1 where the message could not be read.
        item: None where the message could not be read.
    """

    message: Message
    position: int
    item: Item | None
    why: Rejected


@dataclass(frozen=True)
class Outcome(Generic[Item]):
    """What became of a batch: the rows that are durable, and the items that were refused."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refused[Item]] = field(default_factory=list)


@dataclass(frozen=True)
class _Found(Generic[Item]):
    """An item, where it stands, and its rows."""

    message: Message
    position: int
    item: Item
    rows: Sequence[Row] = ()


class Pipeline(Generic[Item]):
    """Carries out one kind of message, a batch at a time.

    Args:
        decode: a message to its items; raises Rejected.
        to_rows: an item to its rows; raises Rejected. Any other error that is not one of the fates
            is taken for a bug that this item met: it is refused, and nothing else stops.
        write: makes rows durable; raises Retryable, Rejected or Fatal.
    """

    def __init__(
        self,
        decode: Callable[[bytes], Sequence[Item]],
        to_rows: Callable[[Item], Sequence[Row]],
        write: Write,
    ) -> None:
        self._decode = decode
        self._to_rows = to_rows
        self._write = write

    def carry_out(self, messages: Iterable[Message]) -> Outcome[Item]:
        """Write the rows of every item that can be written. Safe to repeat.

        Raises:
            Retryable: some rows may not be written: call again with the same messages.
            Fatal: the worker must stop.
        """
        outcome: Outcome[Item] = Outcome()
        decoded = chain.from_iterable(self._decoded(message, outcome) for message in messages)
        with_rows = [self._with_rows(found, outcome) for found in decoded]
        self._write_all([found for found in with_rows if found.rows], outcome)
        return outcome

    def _decoded(self, message: Message, outcome: Outcome[Item]) -> list[_Found[Item]]:
        try:
            items = self._decode(message.value)
        except Rejected as why:
            outcome.refused.append(Refused(message, -1, None, why))
            return []
        return [_Found(message, position, item) for position, item in enumerate(items)]

    def _with_rows(self, found: _Found[Item], outcome: Outcome[Item]) -> _Found[Item]:
        try:
            return replace(found, rows=self._to_rows(found.item))
        except Rejected as why:
            outcome.refused.append(_refused(found, why))
        except HeadwaterError:
            raise
        except Exception as bug:  # noqa: BLE001 it is kept with its item, to be replayed
            why_not = Rejected("unexpected_error", f"{type(bug).__name__}: {bug}")
            outcome.refused.append(_refused(found, why_not))
        return found

    def _write_all(self, found: Sequence[_Found[Item]], outcome: Outcome[Item]) -> None:
        """Write everything at once; if the warehouse refuses it, find the guilty by halves."""
        rows = list(chain.from_iterable(one.rows for one in found))
        if not rows:
            return
        try:
            self._write(rows)
        except Rejected as why:
            if len(found) == 1:
                outcome.refused.append(_refused(found[0], why))
                return
            half = len(found) // 2
            self._write_all(found[:half], outcome)
            self._write_all(found[half:], outcome)
        else:
            outcome.rows.extend(rows)


def _refused(found: _Found[Item], why: Rejected) -> Refused[Item]:
    return Refused(found.message, found.position, found.item, why)
