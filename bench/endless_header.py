"""Mails whose headers are 1 GB long, through each door of files: what they cost, and what is kept.

`python -m bench.endless_header` writes each shape to the disk piece by piece, reads it through each
door in a process of its own, as `headwater ingest` does, and notes the growth of that process's
peak, its processor time, and the bytes that would enter the log.
"""

import resource
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import NamedTuple

from bench.figures import Figure, measured, record
from ingest.lighten import MAX_LIGHT_BYTES
from ingest.source import Heard, Source
from ingest.sources.eml import EmlSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource

COMMAND = "python -m bench.endless_header"
HEADER_BYTES = 1_000_000_000
BEGINNING = (
    b"From jo@acme.example Mon Nov  2 10:00:00 2026\nFrom: jo@acme.example\n"
    b"To: kim@ourco.example\nSubject: "
)
SHAPES = {
    "one line": b"x" * 1_000_000,
    "lines of 70 bytes": (b"X-Field: " + b"y" * 60 + b"\n") * 14_285,
    "lines of 5 bytes": b"X: y\n" * 200_000,
}
DOORS: dict[str, Callable[[Path], Source]] = {
    "eml": EmlSource,
    "maildir": MaildirSource,
    "mbox": lambda folder: MboxSource(folder / "new" / "1.mail"),
}


class Cost(NamedTuple):
    """Of reading one mail: growth of the peak, processor time, bytes kept."""

    memory_mb: float
    cpu_seconds: float
    kept_bytes: int


def main() -> None:
    figures = [figure for shape, piece in SHAPES.items() for figure in _of_shape(shape, piece)]
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g} {figure.unit}")
    print(record("endless_header", figures))


def _of_shape(shape: str, piece: bytes) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        write(Path(folder), piece)
        for door in DOORS:
            with get_context("spawn").Pool(1) as pool:
                cost = pool.apply(read, (door, folder))
            name = f"1 GB of header, {shape}, {door}"
            yield measured(f"{name}: memory", cost.memory_mb, "MB", COMMAND, at_most=20)
            yield measured(f"{name}: time", cost.cpu_seconds, "CPU s", COMMAND, at_most=60)
            yield measured(
                f"{name}: kept", cost.kept_bytes, "bytes", COMMAND, at_most=MAX_LIGHT_BYTES + 100
            )


def write(folder: Path, piece: bytes) -> None:
    """Write the one mail of a maildir, which is also an mbox."""
    for part in ("new", "cur"):
        (folder / part).mkdir()
    with (folder / "new" / "1.mail").open("wb") as file:
        file.write(BEGINNING)
        for _ in range(HEADER_BYTES // len(piece)):
            file.write(piece)
        file.write(b"\n\nHello\n")


def read(door: str, folder: str) -> Cost:
    """Read all that a door yields of a folder."""
    before, began = peak_mb(), process_time()
    source = DOORS[door](Path(folder))
    kept = sum(len(item.payload) for item in source.read("") if isinstance(item, Heard))
    return Cost(peak_mb() - before, process_time() - began, kept)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
