"""Memory of a source over 100,000 mails with an attachment of 50 MB among them, and its speed.

`python -m bench.doors` writes an mbox, reads it as `headwater ingest` does, and judges each mail
by its header; nothing is published. It notes the peak of the process after a tenth and at the end.
"""

import resource
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TextIO

from bench.figures import measured, record
from contracts.capture import Capture
from contracts.company import Company
from ingest.source import Heard
from ingest.sources.mbox import MboxSource
from transforms.capture import judge

MAILS = 100_000
LARGE_BYTES = 50_000_000
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


def main() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.mbox"
        write(path)
        peaks, seconds = read(path)
    growth, command = peaks[1] - peaks[0], "python -m bench.doors"
    figures = [
        measured("peak memory, growth over 90,000 mails", growth, "MB", command, at_most=20),
        measured("peak memory of the process", peaks[1], "MB", command),
        measured("mails read and judged by header", MAILS / seconds, "1/s of CPU", command),
    ]
    print(record("doors", figures))


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
