"""A call log: a file with one JSON object a line, each as the call webhook takes it."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.source import Checkpoint, Heard

_MAX_LINE_BYTES: Final = 1_000_000
_CHECKPOINT_EVERY: Final = 1_000


class CallLogSource:
    """Reads a call log of any size. The cursor is an offset in the file."""

    kind: EventKind = "call"
    resumes = False
    follow_seconds = None

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        self.name = f"calls:{as_text(self._path)}"

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield the lines in order; blank ones are passed over.

        Raises:
            UserError: if the file can't be opened, or its first line is no JSON object.
        """
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise UserError(f"{self._path} can't be read: {error.strerror}") from error
        with file:
            _refuse_other_formats(file, self._path)
            file.seek(int(state or 0))
            for number, (offset, line) in enumerate(_lines(file), 1):
                digest = sha256(line).hexdigest()[:16]
                yield Heard(f"{offset}-{digest}", as_text(self._path.name), line)
                if number % _CHECKPOINT_EVERY == 0:
                    yield Checkpoint(str(file.tell()))
            yield Checkpoint(str(file.tell()))


def _refuse_other_formats(file: IO[bytes], path: Path) -> None:
    head = file.read(_MAX_LINE_BYTES).strip()
    if head and not head.startswith(b"{"):
        raise UserError(
            f"{path} is not a call log: each line must be one JSON object such as "
            '{"provider": "aircall", "call_id": "1", "started_at": "2026-11-23T10:00:00Z", '
            '"duration_seconds": 60, "from": "+14155550100", "to": "+14155550199"}'
        )


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that hold something, with their offsets; one too long is cut."""
    offset = file.tell()
    while line := file.readline(_MAX_LINE_BYTES):
        start, is_whole = offset, line.endswith(b"\n")
        offset += len(line)
        while not is_whole and (rest := file.readline(_MAX_LINE_BYTES)):
            offset, is_whole = offset + len(rest), rest.endswith(b"\n")
        if line.strip():
            yield start, line.strip()
