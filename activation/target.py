"""What a CRM must be able to do for the write-back: read values, and set some of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Record:
    """What a CRM holds of one object right now.

    Attributes:
        version: changes whenever somebody changes the record; the target's own word.
        values: of the fields asked for, those that may be set, as text; empty text for a field
            without a value. A field that the CRM does not hold is left out: it is not known empty.
    """

    version: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """Values to be set on one object, if it is still of the version that was read."""

    object_id: str
    version: str
    values: Mapping[str, str]


class Outcome(StrEnum):
    """What became of a change."""

    WRITTEN = "written"
    CONFLICT = "conflict"
    FAILED = "failed"


class Answer(NamedTuple):
    """What the CRM said to a change, and why."""

    outcome: Outcome
    detail: str = ""


class CrmTarget(Protocol):
    """A CRM that values are written back to. It never makes an object.

    Every method raises Retryable if the CRM is away and Fatal if it refuses us altogether.
    """

    @property
    def name(self) -> str:
        """What the ledger calls it."""

    def fillable(self, object_type: str) -> frozenset[str]:
        """Return the fields of people that may be filled while they are empty."""

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        """Return the objects that the CRM knows, by id; an unknown id is left out."""

    def write(self, object_type: str, changes: Sequence[Change]) -> Iterator[tuple[str, Answer]]:
        """Set values, and yield what became of each change, by object id, once it is known.

        A change whose record is no longer of its version is a conflict, and not written. One that
        fails does not stop the others. Where this raises, every change that was written has been
        yielded, but for those that were just being sent, of which nobody knows.
        """
