"""A CSV file as spreadsheets write it: whatever separates its columns, in whatever encoding."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, NamedTuple

from contracts.errors import UserError

_DELIMITERS: Final = ",;\t"
_PIECE_CHARS: Final = 1_000_000


class Sheet(NamedTuple):
    """A file, how it is read, and its first line."""

    path: Path
    encoding: str
    delimiter: str
    header: list[str]

    def rows(self) -> Iterator[list[str]]:
        """Yield the lines below the header that hold something, in order.

        Raises:
            UserError: if the file can't be read to its end.
        """
        with _readable(self.path), _opened(self.path, self.encoding) as file:
            rows = csv.reader(file, delimiter=self.delimiter)
            next(rows, None)
            yield from (row for row in rows if any(value.strip() for value in row))


def open_sheet(path: Path) -> Sheet:
    """Look at a file: its encoding, what separates its columns, and their names.

    Raises:
        UserError: if it can't be read.
    """
    with _readable(path):
        encoding = _encoding(path)
        with _opened(path, encoding) as file:
            first = file.readline(_PIECE_CHARS)
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
            header = next(csv.reader(file, delimiter=delimiter), [])
    return Sheet(path, encoding, delimiter, header)


def plain_name(column: str) -> str:
    """Return a column's name without case and spacing: `Account ID` is `account_id`."""
    return "_".join(column.replace("-", " ").replace("_", " ").lower().split())


def told_apart(payloads: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield a key for each payload, and the payload: equal ones are told apart by counting them."""
    times: Counter[bytes] = Counter()
    for payload in payloads:
        digest = sha256(payload).digest()[:16]
        times[digest] += 1
        yield digest.hex() + (f"#{times[digest]}" if times[digest] > 1 else ""), payload


def _encoding(path: Path) -> str:
    """Return UTF-8 or UTF-16 by its mark, UTF-8 if all of the file is, else Windows-1252."""
    with path.open("rb") as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            return "utf-16"
    try:
        with path.open(encoding="utf-8-sig") as text:
            while text.read(_PIECE_CHARS):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _opened(path: Path, encoding: str) -> IO[str]:
    return path.open(encoding=encoding, errors="replace", newline="")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, csv.Error) as error:
        raise UserError(f"{path} can't be read: {error}") from error
