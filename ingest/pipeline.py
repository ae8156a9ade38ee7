"""From messages to rows: decode, to_rows, write; and what becomes of an item that can't be.

Nothing here knows Faust: the agents hand over messages, and acknowledge them when this returns.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, TypeVar

import msgspec

from contracts.errors import HeadwaterError, Rejected
from contracts.rows import Row

Item = TypeVar("Item")
Write = Callable[[Sequence[Row]], None]


class Message(msgspec.Struct, frozen=True):
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


class Partly(Exception, Generic[Item]):
    """Only some parts of an item have rows: the others are refused, each by itself.

    Attributes:
        rows: of the parts that could be carried out.
        refused: the parts that could not, each with its place in the item and why.
    """

    def __init__(self, rows: Sequence[Row], refused: Sequence[tuple[int, Item, Rejected]]) -> None:
        super().__init__(f"{len(refused)} parts can't be carried out")
        self.rows, self.refused = rows, refused


class _Found(msgspec.Struct, Generic[Item], frozen=True):
    """An item, where it stands, and its rows."""

    message: Message
    position: int
    item: Item
    rows: Sequence[Row]


class Pipeline(Generic[Item]):
    """Carries out one kind of message, a batch at a time.

    Args:
        decode: a message to its items; raises Rejected.
        to_rows: an item to its rows; raises Rejected, or Partly. Any other error that is not one of
            the fates is taken for a bug that this item met: it is refused, and nothing else stops.
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
        found = [one for message in messages for one in self._found(message, outcome)]
        self._write_all(found, outcome)
        return outcome

    def _found(self, message: Message, outcome: Outcome[Item]) -> Iterator[_Found[Item]]:
        """Yield the items of a message that have rows."""
        try:
            items = self._decode(message.value)
        except Rejected as why:
            outcome.refused.append(Refused(message, -1, None, why))
            return
        for position, item in enumerate(items):
            try:
                rows = self._to_rows(item)
            except Partly as some:
                outcome.refused.extend(Refused(message, *part) for part in some.refused)
                rows = some.rows
            except Exception as error:  # noqa: BLE001 a bug is kept with its item, to be replayed
                outcome.refused.append(Refused(message, position, item, rejection(error)))
                continue
            if rows:
                yield _Found(message, position, item, rows)

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


def rejection(error: Exception) -> Rejected:
    """Return why an item is refused; raise an error that is not the item's fault."""
    if isinstance(error, Rejected):
        return error
    if isinstance(error, HeadwaterError):
        raise error
    return Rejected("unexpected_error", f"{type(error).__name__}: {error}")


def _refused(found: _Found[Item], why: Rejected) -> Refused[Item]:
    return Refused(found.message, found.position, found.item, why)
