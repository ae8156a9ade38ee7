"""Maildirs: a folder with `cur` and `new`, or any number of them below a folder."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from itertools import chain
from operator import is_not
from pathlib import Path
from typing import Final, NamedTuple

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.file_times import by_day, held_at
from ingest.lighten import Lightener
from ingest.listing import Listing
from ingest.source import Checkpoint, Found, Heard, Withdrawn

_PIECE_BYTES: Final = 65_536
_CHECKPOINT_EVERY: Final = 1_000
_FOLLOW_SECONDS: Final = 0.5
_GRACE_NS: Final = 10_000_000_000


class _File(NamedTuple):
    """A mail's file.

    Attributes:
        changed_ns: when its entry changed last: at delivery, or when a flag was set.
        held_at: when it was delivered.
    """

    changed_ns: int
    key: str
    path: Path
    held_at: datetime | None


class MaildirSource:
    """Reads the mail of maildirs in the order of delivery.

    The cursor is the change time of the newest file read, which nobody can set back, with the
    names of those that changed within ten seconds of it, for deliveries that overlap. What one
    object has yielded up to a checkpoint, if it was read on from there, it does not yield again,
    and what then goes, it withdraws; a later run hears a mail again, under the same name, if its
    flags were changed since.

    Args:
        path: a maildir, or a folder with maildirs below it.
        follow: keep watching for deliveries, from where the last run that followed ended.
    """

    kind: EventKind = "mail"

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        self._path = path.expanduser().resolve()
        self._known: set[str] = set()
        self._has_looked = False
        self._listings: dict[Path, Listing] = {}
        self._looked: list[Mapping[str, str]] = []
        self._mails: dict[str, str] = {}
        self._read_through: dict[str, str] | None = None
        self.name = f"maildir:{as_text(self._path)}"
        self.resumes = follow
        self.follow_seconds = _FOLLOW_SECONDS if follow else None

    def read(self, state: str) -> Iterator[Found]:
        """Yield what is gone, and the mails that were delivered after the cursor.

        Raises:
            UserError: if there is no maildir at the path or below it, or a file can't be read.
        """
        cursor = _Cursor.parse(state)
        present = self._present()
        if present is self._read_through:
            return
        if gone := sorted(self._known - present.keys()):
            yield from (Withdrawn(key, self._observer(_folder(key))) for key in gone)
            yield Checkpoint(state)
            self._known.difference_update(gone)
        files = [_file(key, Path(present[key])) for key in present.keys() - self._known]
        found = sorted(
            file for file in files if file and (self._has_looked or cursor.is_before(file))
        )
        self._known.update(present.keys() - {file.key for file in found})
        self._has_looked = True
        for start in range(0, len(found), _CHECKPOINT_EVERY):
            for file in (some := found[start : start + _CHECKPOINT_EVERY]):
                if (heard := self._heard(file)) is not None:
                    yield heard
                cursor.advance(file)
            yield Checkpoint(cursor.state())
            self._known.update(file.key for file in some)
        self._read_through = present

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Heard]:
        """Yield the mails that are still there; raises as `read` does."""
        present = self._present()
        for key in present.keys() & set(external_ids):
            file = _file(key, Path(present[key]))
            if file and (heard := self._heard(file)) is not None:
                yield heard

    def count(self, since: datetime, until: datetime) -> Mapping[str, Counter[date]]:
        """Return how many mails were delivered on each day, by the times of their files."""
        files = (_file(key, Path(path)) for key, path in self._present().items())
        held = ((self._observer(_folder(file.key)), file.held_at) for file in files if file)
        empty = ((self._observer(self._relative(maildir)), None) for maildir in self._maildirs())
        return by_day(chain(empty, held), since, until)

    def _present(self) -> dict[str, str]:
        """Return where each mail is, by the name that it keeps when it moves or is flagged.

        The same object as long as nothing comes, goes, moves or is flagged.
        """
        self._listings = {
            maildir / part: self._listings.get(maildir / part)
            or Listing(maildir / part, partial(_key, self._relative(maildir)))
            for maildir in self._maildirs()
            for part in ("new", "cur")
        }
        looked = [listing.files() for listing in self._listings.values()]
        if len(looked) != len(self._looked) or any(map(is_not, looked, self._looked)):
            self._looked = looked
            self._mails = {key: path for files in looked for key, path in files.items()}
        return self._mails

    def _heard(self, file: _File) -> Heard | None:
        mail = _light(file.path)
        if mail is None:
            return None
        return Heard(file.key, self._observer(_folder(file.key)), mail, file.held_at)

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

    def _relative(self, maildir: Path) -> str:
        return as_text(maildir.relative_to(self._path)) if maildir != self._path else ""

    def _observer(self, folder: str) -> str:
        return folder or as_text(self._path.name)


def _key(folder: str, name: str) -> str:
    return "/".join(filter(None, (folder, as_text(_unique(name)))))


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


def _unique(name: str) -> str:
    return name.partition(":2,")[0]


def _file(key: str, path: Path) -> _File | None:
    """Look at a mail's file; None if it is gone, or has moved since it was listed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        if (moved := _moved(path)) is None:
            return None
        return _file(key, moved)
    return _File(found.st_ctime_ns, key, path, held_at(found))


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
    unique = _unique(path.name)
    cur = path.parent.parent / "cur"
    with suppress(FileNotFoundError):  # the folder went, too
        return next((file for file in cur.iterdir() if _unique(file.name) == unique), None)
    return None
