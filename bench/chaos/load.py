"""The load: numbered mails, sent at a steady rate by a program that may itself be killed.

`python -m bench.chaos.load FOLDER RATE` sends until the folder holds a file named `enough`. What
the log has acknowledged is noted in the folder's `journal`, where a sender that is started again
goes on.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from time import monotonic

from contracts import topics
from contracts.clock import SystemClock
from contracts.errors import Retryable
from contracts.wire import Event
from ingest.publish import Publisher
from settings import load as load_settings

A_PIECE = 10
ACCOUNTS = 50
_POISON_EVERY = 1_000
_SOURCES = 7
_GARBAGE = "garbage "
_GARBAGE_EVERY = 500


def account_of(number: int) -> str:
    """Return the account that a mail comes from."""
    return f"acct{number % ACCOUNTS:02d}"


def is_poison(name: str) -> bool:
    """Tell whether a mail or message is one that nobody can understand: one in a thousand."""
    return name.startswith(_GARBAGE) or int(name) % _POISON_EVERY == _POISON_EVERY // 2


def names_sent(pieces: int) -> set[str]:
    """Return the names of all that the first pieces are made of."""
    garbage = {f"{_GARBAGE}{piece}" for piece in range(0, pieces, _GARBAGE_EVERY)}
    return garbage | {str(number) for number in range(pieces * A_PIECE)}


def events(piece: int, began_at: datetime, now: datetime) -> list[Event]:
    """Return the mails of a piece of the load; the same piece is the same mails."""
    numbers = range(piece * A_PIECE, (piece + 1) * A_PIECE)
    return [
        Event(
            kind="mail",
            source=f"chaos-{piece % _SOURCES}",
            external_id=str(number),
            observer="kim",
            ingest_run="chaos",
            received_at=now,
            payload=_mail(number, began_at),
        )
        for number in numbers
    ]


def accounts(now: datetime) -> list[Event]:
    """Return the CRM records of the accounts that write."""
    return [
        Event(
            kind="crm",
            source="chaos-crm",
            external_id=f"account-{number}",
            observer="crm",
            ingest_run="chaos-crm",
            received_at=now,
            payload=json.dumps({"entity": "account", "record": _account(number, now)}).encode(),
        )
        for number in range(ACCOUNTS)
    ]


class Journal:
    """How many pieces the log has acknowledged; appended to, so that a kill can't take it back."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal"
        self._beginning = folder / "began_at"

    def began_at(self, now: datetime) -> datetime:
        """Return when the first sender began: mail that is sent again is the same mail."""
        try:
            return datetime.fromisoformat(self._beginning.read_text())
        except (FileNotFoundError, ValueError):
            self._beginning.write_text(now.isoformat())
            return now

    def pieces(self) -> int:
        """Return how many pieces were acknowledged: all those before this number."""
        try:
            return len(self._path.read_bytes())
        except FileNotFoundError:
            return 0

    def acknowledged(self) -> None:
        """Note that the next piece was acknowledged."""
        with self._path.open("ab", buffering=0) as file:
            file.write(b".")


async def send(folder: Path, rate: float) -> None:
    """Send piece after piece, as many mails a second as asked for, until it is enough."""
    journal, clock = Journal(folder), SystemClock()
    began_at = journal.began_at(clock.now())
    async with Publisher(load_settings()) as publisher:
        piece, due = journal.pieces(), monotonic()
        while not (folder / "enough").exists():
            try:
                await publisher.publish(events(piece, began_at, clock.now()))
                if piece % _GARBAGE_EVERY == 0:
                    garbage = f"{_GARBAGE}{piece}".encode()
                    await publisher.send_bytes(topics.MAIL, _GARBAGE, garbage)
            except Retryable:
                await asyncio.sleep(0.5)
                continue
            journal.acknowledged()
            piece += 1
            due = max(due + A_PIECE / rate, monotonic() - 1)
            await asyncio.sleep(max(0.0, due - monotonic()))
    (folder / "done").touch()
    signal.pause()


def _mail(number: int, sent_at: datetime) -> bytes:
    if is_poison(str(number)):
        return b"Subject: nobody\r\n\r\nto nobody"
    domain = f"{account_of(number)}.example"
    return (
        f"From: Buyer <buyer@{domain}>\r\nTo: Kim <kim@ourco.example>\r\n"
        f"Subject: order {number}\r\nMessage-ID: <{number}@{domain}>\r\n"
        f"Date: {format_datetime(sent_at)}\r\n\r\n"
        f"Hello Kim,\r\n\r\nplease send {number % 90 + 1} of them by Friday.\r\n\r\nBest\r\n"
    ).encode()


def _account(number: int, now: datetime) -> dict[str, object]:
    account = account_of(number)
    return {
        "account_id": account,
        "name": account.title(),
        "domains": [f"{account}.example"],
        "changed_at": now.isoformat(),
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(send(Path(sys.argv[1]), float(sys.argv[2])))
