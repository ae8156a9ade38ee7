"""Messages per second on one core, from raw bytes to rows, beside the bare `email` parser.

`python -m bench.mail` reads real mail from the public corpora, all in one process, and takes the
best of ROUNDS by processor time. The limit is the standard library's parser with every body
decoded and nothing understood. Then the memory and time that bombs cost, beside a plain mail.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from time import process_time

from bench.corpora import CORPORA, DATA
from bench.figures import Figure, measured, record
from contracts.company import Company
from contracts.errors import Rejected
from contracts.wire import Event
from transforms.rows import to_rows

ROUNDS = 3
COMMAND = "python -m bench.mail"
COMPANY = Company(own_domains=("enron.com",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAIN = b"From: a@b.example\nTo: k@enron.com\nSubject: x\n\n" + b"Hello there, Kim.\n" * 200
BOMBS = {
    "10,000 nested parts": b"From: a@b.example\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(10_000)),
    "100,000 parts": b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\n\nx\n" * 100_000,
    "a header of 50 MB": b"From: a@b.example\nSubject: " + b"x" * 50_000_000,
    "an attachment of 50 MB": b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nHello\n--b\nContent-Type: application/zip\nContent-Disposition: attachment\n\n"
        + b"A" * 50_000_000,
}  # fmt: skip


def main() -> None:
    figures = [*_speed(_mails()), *_bombs()]
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g} {figure.unit}")
    print(record("mail", figures))


def _mails() -> list[bytes]:
    folders = (DATA / name for name in CORPORA[:2])
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.read_bytes() for path in files if path.name != "SOURCE.txt"]


def _rows(mail: bytes) -> None:
    event = Event(
        kind="mail", source="bench", external_id="1", observer="o", ingest_run="r",
        received_at=HEARD_AT, payload=mail,
    )  # fmt: skip
    with suppress(Rejected):
        to_rows(event, COMPANY)


def _stdlib(parser: BytesParser) -> Callable[[bytes], None]:
    def read(mail: bytes) -> None:
        with suppress(Exception):  # the newer policy raises on some real mail
            message = parser.parsebytes(mail)
            for part in message.walk():
                if not part.is_multipart():
                    part.get_payload(decode=True)
            for name in message:
                str(message[name])

    return read


def _speed(mails: list[bytes]) -> Iterator[Figure]:
    _rows(PLAIN)  # the models are read at the first mail
    readers = {
        "bytes to rows": _rows,
        "email, policy.default": _stdlib(BytesParser(policy=policy.default)),
        "email, compat32": _stdlib(BytesParser(policy=policy.compat32)),
    }
    rates = {name: len(mails) / _seconds(read, mails) for name, read in readers.items()}
    yield measured("mail: mails read", len(mails), "mails", COMMAND)
    for name, rate in rates.items():
        yield measured(f"mail: {name}", rate, "mails/s of one core", COMMAND)
    for name in [*rates][1:]:
        ratio = rates["bytes to rows"] / rates[name]
        yield measured(f"mail: bytes to rows beside {name}", ratio, "ratio", COMMAND)


def _seconds(read: Callable[[bytes], None], mails: list[bytes]) -> float:
    """Return the least processor time of ROUNDS."""
    taken = []
    for _ in range(ROUNDS):
        began = process_time()
        for mail in mails:
            read(mail)
        taken.append(process_time() - began)
    return min(taken)


def _bombs() -> Iterator[Figure]:
    for name, bomb in BOMBS.items():
        began = process_time()
        _rows(bomb)
        yield measured(f"bomb: {name}: time", process_time() - began, "CPU s", COMMAND, at_most=2)
        peak = _peak(bomb) / 1e6
        yield measured(f"bomb: {name}: memory beside it", peak, "MB", COMMAND, at_most=50)
    yield measured("bomb: a plain mail: memory", _peak(PLAIN) / 1e6, "MB", COMMAND)


def _peak(mail: bytes) -> int:
    """Return the most bytes that were held at once beside the mail's own."""
    tracemalloc.start()
    _rows(mail)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()
