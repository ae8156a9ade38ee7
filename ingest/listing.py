"""What a folder holds, listed again only where its times tell that something changed."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Final

from contracts.errors import UserError

_COARSEST_SECONDS: Final = 2.0
_RELIED_ON_SECONDS: Final = 60.0


class Listing:
    """The files of one folder.

    A folder's times change with each file that comes, goes or is renamed. They may be as coarse as
    two seconds, so that two changes look like one: a listing is relied on only if it was made that
    long after its times were first seen. And no longer than a minute, for there are file systems
    that keep no such times.

    Args:
        folder: that is listed.
        key: of a file, by its name.
        now: seconds of a clock that is never set back.
    """

    def __init__(
        self, folder: Path, key: Callable[[str], str], now: Callable[[], float] = monotonic
    ) -> None:
        self._folder = folder
        self._key = key
        self._now = now
        self._files: dict[str, str] = {}
        self._times: tuple[int, ...] = ()
        self._seen_at = self._listed_at = float("-inf")

    def files(self) -> Mapping[str, str]:
        """Return the path of each file by its key: the same object while nothing changes.

        Raises:
            UserError: if the folder is there and can't be read.
        """
        try:
            return self._looked(self._now(), _times(self._folder))
        except OSError as error:
            raise UserError(f"{self._folder} can't be read: {error.strerror}") from error

    def _looked(self, now: float, times: tuple[int, ...]) -> Mapping[str, str]:
        if times != self._times:
            self._times, self._seen_at = times, now
        is_settled = self._listed_at - self._seen_at >= _COARSEST_SECONDS
        if not is_settled or now - self._listed_at >= _RELIED_ON_SECONDS:
            self._listed_at = now
            self._list()
        return self._files

    def _list(self) -> None:
        try:
            with os.scandir(self._folder) as entries:
                found = {self._key(entry.name): entry.path for entry in entries if entry.is_file()}
        except FileNotFoundError:
            found = {}
        if found != self._files:
            self._files = found


def _times(folder: Path) -> tuple[int, ...]:
    """Return when a folder was changed last, and which one it is; nothing if it is gone."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
