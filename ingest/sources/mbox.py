"""An mbox file: mails one after the other, each below a line that begins with `From `."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate
from hashlib import sha256
from io import SEEK_END
from itertools import chain
from pathlib import Path
from typing import IO, Final

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.file_times import by_day
from ingest.lighten import Lightener
from ingest.source import Checkpoint, Heard

_BLOCK_BYTES: Final = 65_536
_LOOK_AHEAD_BYTES: Final = 1_000_000
_CHECKPOINT_EVERY: Final = 1_000

# RFC 4155 wants sender and asctime; what is only required here is a time and a year, so that a
# sentence that begins with "From " is text. What was matched up to the time is not tried again:
# a line that is full of times costs no more than any other.
_FROM_LINE: Final = re.compile(rb"^(?>From .*?\d\d?:\d\d).*\b\d{4}\b.*\n?", re.MULTILINE)
_DELIVERED: Final = re.compile(
    rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d?:\d\d(?::\d\d)?(?: [+-]\d{4})? \d{4}\b"
)
_QUOTED_FROM: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


class MboxSource:
    """Reads an mbox file of any size; mail over 256 kB enters without its attachments.

    Bytes before the first `From ` line are handed on as a mail of their own: decoding tells
    whether they are one. The cursor is an offset in the file.
    """

    kind: EventKind = "mail"
    resumes = False
    follow_seconds = None

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        self._observer = as_text(self._path.name)
        self.name = f"mbox:{as_text(self._path)}"

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield the mails in the order of the file.

        Raises:
            UserError: if the file can't be opened, or holds no mbox.
        """
        with _opened(self._path) as file:
            _refuse_other_formats(file, self._path)
            offset = _resumed(file, state)
            for number, (start, mail, line) in enumerate(_mails(file, offset), 1):
                if number % _CHECKPOINT_EVERY == 0:
                    yield Checkpoint(str(start))
                digest = sha256(mail).hexdigest()[:16]
                yield Heard(f"{start}-{digest}", self._observer, mail, _delivered_at(line))
            yield Checkpoint(str(file.tell()))

    def count(self, since: datetime, until: datetime) -> Mapping[str, Counter[date]]:
        """Return how many mails came on each day, by their `From ` lines; raises as `read` does."""
        with _opened(self._path) as file:
            lines = (piece for _, piece, is_line in _pieces(file, 0) if is_line)
            held = ((self._observer, _delivered_at(line)) for line in lines)
            return by_day(chain([(self._observer, None)], held), since, until)


def _delivered_at(line: bytes) -> datetime | None:
    """Return the time of a `From ` line, which is UTC by RFC 4155; None if it is none."""
    found = _DELIVERED.search(line)
    told = parsedate(found.group().decode()) if found else None
    try:
        return datetime(*told[:6], tzinfo=UTC) if told else None
    except ValueError:
        return None


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except IsADirectoryError as error:
        raise UserError(
            f"{path} is a folder: `headwater ingest maildir` or `eml` reads it"
        ) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error


def _refuse_other_formats(file: IO[bytes], path: Path) -> None:
    """Refuse a file without any `From ` line near its beginning; an empty one is an empty mbox."""
    head = file.read(_LOOK_AHEAD_BYTES)
    if head.strip() and not _FROM_LINE.search(head):
        begins = head[:40].decode("ascii", "backslashreplace")
        raise UserError(
            f"{path} is not an mbox: no line of its first {len(head):,} bytes begins a mail "
            f"(`From kim@example.com Mon Nov 23 10:00:00 2026`); it begins with {begins!r}. "
            "Unpack it if it is compressed; `headwater ingest eml` reads a single mail"
        )


def _resumed(file: IO[bytes], state: str) -> int:
    """Go to the cursor's offset if a mail begins or the file ends there, else to the beginning."""
    offset = int(state or 0)
    is_end = offset == file.seek(0, SEEK_END)
    file.seek(offset)
    if not is_end and not _FROM_LINE.match(file.readline(_BLOCK_BYTES)):
        offset = 0
    return file.seek(offset)


def _mails(file: IO[bytes], offset: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield where each mail begins, the mail, and the `From ` line above it."""
    start, line, mail, has_begun = offset, b"", Lightener(), False
    for at, piece, is_line in _pieces(file, offset):
        if not is_line:
            mail.feed(piece)
            has_begun = has_begun or bool(piece.strip())  # blank lines above the first are nothing
            continue
        if has_begun:
            yield start, mail.mail(), line
        start, line, mail, has_begun = at, piece, Lightener(), True
    if has_begun:
        yield start, mail.mail(), line


def _pieces(file: IO[bytes], offset: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield the text of a file, unquoted, and its `From ` lines (true), with their offsets."""
    is_line_start = True
    while block := file.read(_BLOCK_BYTES) + file.readline(_BLOCK_BYTES):
        at = 0 if is_line_start else block.find(b"\n") + 1 or len(block)
        yield offset, block[:at], False
        for line in _FROM_LINE.finditer(block, at):
            yield offset + at, _QUOTED_FROM.sub(rb"\1", block[at : line.start()]), False
            yield offset + line.start(), line.group(), True
            at = line.end()
        yield offset + at, _QUOTED_FROM.sub(rb"\1", block[at:]), False
        offset += len(block)
        is_line_start = block.endswith(b"\n")
