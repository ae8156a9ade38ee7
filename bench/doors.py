"""The doors of files: memory over 100,000 mails, and speed.

`python -m bench.doors` reads an mbox with an attachment of 50 MB in it as `headwater ingest` does,
and judges each mail by its header; nothing is published. It notes the peak of the process after a
tenth and at the end. Then it puts as many mails of a maildir as of an mbox into a log, all bodies
kept, and counts mails and envelopes by the processor time of this process; the warehouse takes no
part.
"""

import asyncio
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TextIO

from bench.figures import Figure, measured, record
from contracts.capture import Capture
from contracts.company import Company
from contracts.topics import MAIL
from contracts.wire import Event
from ingest.publish import Publisher
from ingest.run import MAX_EVENTS
from ingest.source import Heard, Source
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from local.log.store import Log
from settings import Settings
from transforms.capture import judge

COMMAND = "python -m bench.doors"
MAILS = 100_000
PUBLISHED = 20_000
LARGE_BYTES = 50_000_000
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


def main() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.mbox"
        write(path)
        figures = [*_memory(path), *_published(path, Path(folder))]
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g} {figure.unit}")
    print(record("doors", figures))


def _memory(path: Path) -> list[Figure]:
    peaks, seconds = read(path)
    growth = peaks[1] - peaks[0]
    return [
        measured("peak memory, growth over 90,000 mails", growth, "MB", COMMAND, at_most=20),
        measured("peak memory of the process", peaks[1], "MB", COMMAND),
        measured("mails read and judged by header", MAILS / seconds, "1/s of CPU", COMMAND),
    ]


def _published(mbox: Path, folder: Path) -> Iterator[Figure]:
    """Put the same mails into a log, from an mbox and from a maildir."""
    for part in ("tmp", "new", "cur"):
        (folder / "maildir" / part).mkdir(parents=True)
    for number, item in enumerate(islice(_heard(MboxSource(mbox)), PUBLISHED)):
        (folder / "maildir" / "new" / f"{number}.host").write_bytes(item.payload)
    for kind, source in (
        ("mbox", MboxSource(mbox)),
        ("maildir", MaildirSource(folder / "maildir")),
    ):
        settings = Settings(home=folder / f"home-{kind}")
        began = process_time()
        asyncio.run(_publish(settings, source))
        seconds = process_time() - began
        log = Log(settings.home / "log" / "log.db")
        ends = [bounds.next for place, bounds in log.bounds().items() if place.topic == MAIL.name]
        log.close()
        yield measured(f"{kind} into the log", PUBLISHED / seconds, "mails/s of CPU", COMMAND)
        yield measured(f"{kind} into the log", sum(ends) / seconds, "envelopes/s of CPU", COMMAND)


async def _publish(settings: Settings, source: Source) -> None:
    async with Publisher(settings) as publisher:
        items = islice(_heard(source), PUBLISHED)
        while piece := list(islice(items, MAX_EVENTS)):
            await publisher.publish([_judged(source, item) for item in piece])


def _judged(source: Source, item: Heard) -> Event:
    verdict = judge(item.payload, NOW, COMPANY, lambda _: True, Capture())
    return Event(
        kind="mail",
        source=source.name,
        ingest_run="bench",
        received_at=NOW,
        captured=verdict.captured,
        **item._asdict(),
    )


def _heard(source: Source) -> Iterator[Heard]:
    return (item for item in source.read("") if isinstance(item, Heard))


def write(path: Path) -> None:
    text = "Thank you for the offer; we will look at it next week.\n" * 30
    with path.open("w") as file:
        for number in range(MAILS):
            file.write(
                "From jo@acme.example Mon Nov  2 10:00:00 2026\nFrom: jo@acme.example\n"
                f"To: kim@ourco.example\nSubject: Offer {number}\nMessage-ID: <m{number}@acme>\n"
                f"Date: Mon, 02 Nov 2026 10:00:00 +0000\n\n{text}\n"
            )
            if number == MAILS // 2:
                attach(file)


def attach(file: TextIO) -> None:
    file.write(
        "From jo@acme.example Mon Nov  2 10:00:00 2026\nFrom: jo@acme.example\n"
        "Content-Type: application/pdf\nContent-Disposition: attachment\n\n"
    )
    for _ in range(LARGE_BYTES // 77):
        file.write("QUJD" * 19 + "\n")


def read(path: Path) -> tuple[list[float], float]:
    peaks, started = [], process_time()
    for number, item in enumerate(MboxSource(path).read(""), 1):
        if isinstance(item, Heard):
            judge(item.payload, NOW, COMPANY, lambda _: True, Capture())
        if number == MAILS // 10:
            peaks.append(peak_mb())
    return [*peaks, peak_mb()], process_time() - started


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    main()
