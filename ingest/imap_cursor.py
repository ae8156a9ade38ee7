"""How far an IMAP account was read: for each folder, what is known of it, in a few bytes."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec

from ingest.imap_session import Status

_UNREAD: Final = Status(0, 0, 0, 0)


class Folder(msgspec.Struct):
    """What was read of a folder.

    Attributes:
        validity: the UIDVALIDITY under which its UIDs mean anything.
        uids: those that were read and that it still held, as `1:50,53`.
        status: as it was when all of it had been read.
    """

    validity: int = 0
    uids: str = ""
    status: Status = _UNREAD

    def known(self) -> set[int]:
        """Return the UIDs that were read."""
        return set(_numbers(self.uids))

    def know(self, uids: Iterable[int]) -> None:
        """Note the UIDs that were read, and no others."""
        self.uids = _told(uids)


def parse(state: str) -> dict[str, Folder]:
    """Return the folders of a cursor."""
    return msgspec.json.decode(state or "{}", type=dict[str, Folder])


def tell(folders: dict[str, Folder]) -> str:
    """Return the cursor of some folders."""
    return msgspec.json.encode(folders).decode()


def _numbers(uids: str) -> Iterator[int]:
    for run in uids.split(",") if uids else ():
        first, _, last = run.partition(":")
        yield from range(int(first), int(last or first) + 1)


def _told(uids: Iterable[int]) -> str:
    """Return sorted runs of neighbours: what the n-th of them is above n is the same for all."""
    pairs = enumerate(sorted(uids))
    runs = ([uid for _, uid in run] for _, run in groupby(pairs, lambda pair: pair[1] - pair[0]))
    return ",".join(f"{run[0]}:{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
