"""Maildirs: a folder with `cur` and `new`, or any number of them below a folder."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.lighten import Lightener
from ingest.source import Checkpoint, Heard

_PIECE_BYTES: Final = 65_536
_CHECKPOINT_EVERY: Final = 1_000
_FOLLOW_SECONDS: Final = 0.5
_GRACE_NS: Final = 10_000_000_000


class _File(NamedTuple):
    """A mail's file, and when its entry changed last: at delivery, or when a flag was set."""

    changed_ns: int
    key: str
    path: Path


class MaildirSource:
    """Reads the mail of maildirs in the order of delivery.

    The cursor is the change time of the newest file read, which nobody can set back, with the
    names of those that changed within ten seconds of it, for deliveries that overlap. What one
    object has yielded it does not yield again; a later run hears a mail again, under the same name,
    if its flags were changed since.

    Args:
        path: a maildir, or a folder with maildirs below it.
        follow: keep watching for deliveries, from where the last run that followed ended.
    """

    kind: EventKind = "mail"

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        self._path = path.expanduser().resolve()
        self._known: set[str] = set()
        self.name = f"maildir:{self._path}"
        self.resumes = follow
        self.follow_seconds = _FOLLOW_SECONDS if follow else None

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield the mails that were delivered after the cursor.

        Raises:
            UserError: if there is no maildir at the path or below it, or a file can't be read.
        """
        cursor = _Cursor.parse(state)
        found = sorted(file for file in self._files() if cursor.is_before(file))
        for number, file in enumerate(found, 1):
            if (mail := _light(file.path)) is not None:
                yield Heard(file.key, self._observer(file.path), mail)
            cursor.advance(file)
            self._known.add(file.key)
            if number % _CHECKPOINT_EVERY == 0 or number == len(found):
                yield Checkpoint(cursor.state())

    def _files(self) -> Iterator[_File]:
        for maildir in self._maildirs():
            for part in ("new", "cur"):
                for entry in os.scandir(maildir / part):
                    key = self._key(maildir, entry.name)
                    if key not in self._known and entry.is_file():
                        yield _File(entry.stat().st_ctime_ns, key, Path(entry.path))

    def _maildirs(self) -> list[Path]:
        found = []
        for parent, folders, _ in os.walk(self._path):
            if {"cur", "new"} <= set(folders):
                found.append(Path(parent))
                folders[:] = sorted(set(folders) - {"cur", "new", "tmp"})
        if not found:
            raise UserError(
                f"{self._path} holds no maildir: that is a folder with the folders `cur` and `new`"
            )
        return found

    def _key(self, maildir: Path, name: str) -> str:
        """Return the name that a mail keeps when its flags change or it moves to `cur`."""
        return str((maildir / name.partition(":2,")[0]).relative_to(self._path))

    def _observer(self, file: Path) -> str:
        maildir = file.parent.parent
        return self._path.name if maildir == self._path else str(maildir.relative_to(self._path))


class _Cursor:
    """How far deliveries were read."""

    def __init__(self, newest_ns: int, recent: dict[str, int]) -> None:
        self._newest_ns = newest_ns
        self._recent = recent

    @classmethod
    def parse(cls, state: str) -> "_Cursor":
        kept = json.loads(state) if state else {"newest_ns": 0, "recent": {}}
        return cls(kept["newest_ns"], kept["recent"])

    def is_before(self, file: _File) -> bool:
        """Tell whether a file was not there, or was another, when the cursor was kept."""
        is_old = file.changed_ns < self._newest_ns - _GRACE_NS
        return not is_old and self._recent.get(file.key) != file.changed_ns

    def advance(self, file: _File) -> None:
        self._newest_ns = max(self._newest_ns, file.changed_ns)
        self._recent[file.key] = file.changed_ns

    def state(self) -> str:
        oldest_ns = self._newest_ns - _GRACE_NS
        self._recent = {key: ns for key, ns in self._recent.items() if ns >= oldest_ns}
        return json.dumps({"newest_ns": self._newest_ns, "recent": self._recent})


def _light(path: Path) -> bytes | None:
    """Return the mail; None if it is gone. A file that only moved is read where it is now."""
    mail = Lightener()
    try:
        with (_moved(path) or path).open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                mail.feed(piece)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    return mail.mail()


def _moved(path: Path) -> Path | None:
    """Return where a mail reader has moved a mail since it was listed: to `cur`, with flags."""
    if path.exists():
        return None
    unique = path.name.partition(":2,")[0]
    cur = path.parent.parent / "cur"
    return next((file for file in cur.iterdir() if file.name.partition(":2,")[0] == unique), None)
