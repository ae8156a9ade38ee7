"""What a source is: something that is read from where it was left. docs/add-a-source.md adds one.

A source is one module, and knows neither the log nor the other sources. It is handed a cursor (its
own words, which nobody else reads; empty at the beginning) and yields what it finds, with a
`Checkpoint` wherever reading could go on later. Whoever reads it publishes what was found, waits
until the log has it, and only then keeps the checkpoint. So everything is heard at least once; the
same thing has the same `external_id` each time, and so is stored once.

`Source` is all that is needed. The other protocols are for sources that can do more.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol, runtime_checkable

from contracts.wire import EventKind


class Heard(NamedTuple):
    """One copy of something, as the source has it.

    Attributes:
        external_id: its key within the source; the same in every run as long as it is the same.
        observer: the mailbox, phone system or CRM that it was seen in.
        payload: its bytes, not interpreted.
        held_at: when the source took it in, aware; None where the source does not say.
    """

    external_id: str
    observer: str
    payload: bytes
    held_at: datetime | None = None


class Glimpse(NamedTuple):
    """The header of a mail whose body is only fetched if it may be kept; else like `Heard`."""

    external_id: str
    observer: str
    payload: bytes
    held_at: datetime | None = None


class Withdrawn(NamedTuple):
    """The source no longer holds what it had yielded before: it was deleted, or moved."""

    external_id: str
    observer: str


class Checkpoint(NamedTuple):
    """All that was yielded before need not be read again from this cursor."""

    state: str


Found = Heard | Glimpse | Withdrawn | Checkpoint


class Source(Protocol):
    """Anything that events come from and that can be read again."""

    @property
    def name(self) -> str:
        """What its sightings and its cursor are kept under, such as `mbox:/home/kim/old.mbox`."""

    @property
    def kind(self) -> EventKind:
        """What it yields."""

    @property
    def resumes(self) -> bool:
        """Whether a new run goes on from the kept cursor, or reads everything again.

        What is read again counts as repeated, so that a file's account names all that is in it.
        """

    @property
    def follow_seconds(self) -> float | None:
        """How long to wait before reading again for what is new; None to read once."""

    def read(self, state: str) -> Iterator[Found]:
        """Yield what comes after a cursor, in bounded memory. May block; called from a thread.

        Raises:
            UserError: if it can't be read as asked; the message says where and what to do. What
                was yielded before stands.
            Retryable: not now: reading goes on from the last checkpoint, after a while.
        """


@runtime_checkable
class HeaderFirst(Source, Protocol):
    """A source that yields glimpses; or one that can fetch again what it yielded long ago."""

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Heard]:
        """Yield what it still has of these, in any order; raises as `read` does.

        Called between two items of `read`, in its thread, and also by itself.
        """


@runtime_checkable
class Countable(Source, Protocol):
    """A source that can say how much it holds without being read."""

    def count(self, since: datetime, until: datetime) -> Mapping[str, Counter[date]]:
        """Return for each observer how many it took in on each day (UTC), from since to until.

        Every observer is named, also those without any. Raises as `read` does.
        """


@runtime_checkable
class Patient(Source, Protocol):
    """A source that is told when there is something new, and holds a connection for that."""

    def wait(self, seconds: float) -> bool:
        """Block until there may be something new (true), or this time has passed (false)."""

    def close(self) -> None:
        """Leave the connection; reading opens it again.

        Called from any thread: `read` or `wait`, if they wait for an answer, end with an error.
        """
