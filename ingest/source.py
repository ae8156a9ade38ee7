"""What a source is: something that is read from where it was left.

A source is one module of `ingest/sources`, and knows neither the log nor the other sources. It is
handed a cursor (its own words, which nobody else reads; empty at the beginning) and yields what it
finds, with a `Checkpoint` wherever reading could go on later. Whoever reads it publishes what was
found, waits until the log has it, and only then keeps the checkpoint. So everything is heard at
least once; the same thing has the same `external_id` each time, and so is stored once.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from contracts.wire import EventKind


class Heard(NamedTuple):
    """One copy of something, as the source has it.

    Attributes:
        external_id: its key within the source; the same in every run as long as it is the same.
        observer: the mailbox, phone system or CRM that it was seen in.
        payload: its bytes, not interpreted.
    """

    external_id: str
    observer: str
    payload: bytes


class Checkpoint(NamedTuple):
    """All that was yielded before need not be read again from this cursor."""

    state: str


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

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield what comes after a cursor, in bounded memory. May block; called from a thread.

        Raises:
            UserError: if it can't be read as asked; the message says where and what to do. What
                was yielded before stands.
        """
