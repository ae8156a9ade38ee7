"""Mail files: one mail a file, or a folder of them with its subfolders."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts.errors import UserError
from contracts.wire import EventKind
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
        self.name = f"eml:{self._path}"

    def read(self, state: str) -> Iterator[Heard]:  # noqa: ARG002 there is no cursor
        """Yield the mails by folder and name.

        Raises:
            UserError: if there is no such path, or a file can't be read.
        """
        if self._path.is_file():
            yield _heard(self._path, self._path.parent)
        elif self._path.is_dir():
            yield from (_heard(file, self._path) for file in _files(self._path))
        else:
            raise UserError(f"{self._path} does not exist: name a mail file or a folder of them")


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        files = (Path(parent, name) for name in sorted(names))
        yield from (file for file in files if file.is_file())


def _heard(file: Path, root: Path) -> Heard:
    mail = _light(file)
    relative = file.relative_to(root)
    observer = relative.parts[0] if len(relative.parts) > 1 else root.name
    return Heard(f"{relative}-{sha256(mail).hexdigest()[:16]}", observer, mail)


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
