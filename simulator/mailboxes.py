"""Maildirs: who of ours has a copy of a mail, and how it lies there."""

from collections.abc import Iterable, Iterator
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from simulator.directory import OWN_DOMAIN
from simulator.letters import Letter, render

_FOLDERS: Final = ("cur", "new", "tmp")


def open_mailboxes(folder: Path, addresses: Iterable[str]) -> None:
    """Make a maildir for each address of ours, named after its user."""
    for address in addresses:
        for part in _FOLDERS:
            (folder / address.partition("@")[0] / part).mkdir(parents=True)


def file_name(letter: Letter, number: int) -> str:
    """Return what a mail's file is called in every mailbox."""
    return f"{int(letter.at.timestamp())}.M{number}P1.{letter.sender.domain}"


def copies(letter: Letter) -> Iterator[tuple[str, bytes]]:
    """Yield the user and the bytes of each copy of ours; the sender's has no trace of a way."""
    content = render(letter)
    for address in dict.fromkeys(person.address for person in letter.people):
        user, _, domain = address.partition("@")
        if domain == OWN_DOMAIN:
            is_own = address == letter.sender.address
            yield user, content if is_own else _carried(letter, address) + content


def keep(mailbox: Path, name: str, content: bytes) -> None:
    """Put a mail into a maildir as one that was read."""
    (mailbox / "cur" / f"{name}:2,S").write_bytes(content)


def deliver(mailbox: Path, name: str, content: bytes) -> None:
    """Put a mail into a maildir as it comes: whole at once, for somebody may be reading."""
    written = mailbox / "tmp" / name
    written.write_bytes(content)
    written.rename(mailbox / "new" / name)


def _carried(letter: Letter, reader: str) -> bytes:
    """Return what the servers on its way to a reader wrote above a mail."""
    is_automatic = "Auto-Submitted" in letter.headers
    queue = sha256(f"{letter.message_id}{reader}".encode()).hexdigest()[:10].upper()
    return (
        f"Return-Path: <{'' if is_automatic else letter.sender.address}>\n"
        f"Delivered-To: {reader}\n"
        f"Received: from mail.{letter.sender.domain} by mx.{OWN_DOMAIN} with ESMTPS id {queue}\n"
        f"\tfor <{reader}>; {format_datetime(letter.at)}\n"
    ).encode()
