"""Mail files: one mail a file, or a folder of them with its subfolders."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.file_times import by_day, held_at
from ingest.lighten import Lightener
from ingest.source import Heard

_PIECE_BYTES: Final = 65_536


class EmlSource:
    """Reads every file below a path, whatever its name; one that is no mail is a dead letter.

    Links to folders are not followed. There is no cursor: every run reads everything.
    """

    kind: EventKind = "mail"
    resumes = False
    follow_seconds = None

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        self.name = f"eml:{as_text(self._path)}"

    def read(self, state: str) -> Iterator[Heard]:  # noqa: ARG002 there is no cursor
        """Yield the mails by folder and name.

        Raises:
            UserError: if there is no such path, or a file can't be read.
        """
        yield from (_heard(file, root) for file, root in self._all())

    def count(self, since: datetime, until: datetime) -> Mapping[str, Counter[date]]:
        """Return how many files came on each day, by their own times; raises as `read` does."""
        held = ((_observer(file, root), _held_at(file)) for file, root in self._all())
        return by_day(held, since, until)

    def _all(self) -> Iterator[tuple[Path, Path]]:
        """Yield each file, and the folder from which it is named."""
        if self._path.is_file():
            yield self._path, self._path.parent
        elif self._path.is_dir():
            yield from ((file, self._path) for file in _files(self._path))
        else:
            raise UserError(f"{self._path} does not exist: name a mail file or a folder of them")


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        files = (Path(parent, name) for name in sorted(names))
        yield from (file for file in files if file.is_file())


def _heard(file: Path, root: Path) -> Heard:
    mail = _light(file)
    name = f"{as_text(file.relative_to(root))}-{sha256(mail).hexdigest()[:16]}"
    return Heard(name, _observer(file, root), mail, _held_at(file))


def _held_at(file: Path) -> datetime | None:
    try:
        return held_at(file.stat())
    except OSError:  # it went meanwhile
        return None


def _observer(file: Path, root: Path) -> str:
    folders = file.relative_to(root).parts[:-1]
    return as_text(folders[0] if folders else root.name)


def _light(file: Path) -> bytes:
    mail = Lightener()
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                mail.feed(piece)
    except OSError as error:
        raise UserError(
            f"{file} can't be read: {error.strerror}. Nothing after it was read; correct it and "
            "bring in the folder again: what was stored already counts as repeated"
        ) from error
    return mail.mail()
