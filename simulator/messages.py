"""The messages form: every mail in its mailboxes, every call as a webhook, calendars and captions.

The folder holds what doors would give: `mail/<user>/{cur,new,tmp}`, `calls.jsonl`,
`calendar/*.ics`, `transcripts/*.vtt`; `sealed/messages.parquet` tells the truth of each.
"""

import json
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import IO, Final

import pandas as pd
import pyarrow as pa

from simulator import meetings
from simulator.activities import TalkTruth
from simulator.correspond import Correspondence
from simulator.directory import OWN_DOMAIN
from simulator.follow import Company
from simulator.letters import Letter, render
from simulator.meetings import Talked
from simulator.people import People
from simulator.talk import CALL, MEETING, Said, each_said

INVITATION, ANSWER = "invitation", "answer"
"""Kinds of mail that this form has beside those of `Talk`: they come with meetings."""

Pace = Callable[[], None]

_FOLDERS: Final = ("cur", "new", "tmp")


class Messages:
    """Writes months of talk below a folder."""

    def __init__(self, company: Company, folder: Path) -> None:
        self._company, self._folder = company, folder
        self._people = People(company.history, company.who)
        self._truth = TalkTruth(company.history, company.timeline, company.who)
        self._rng = Random(int(company.chance.text.integers(2**62)))  # noqa: S311 a simulation
        self._is_live = False
        for address in company.who.rep_address:
            for part in _FOLDERS:
                (self._mailbox(address) / part).mkdir(parents=True)
        for part in ("calendar", "transcripts"):
            (folder / part).mkdir()

    def write(self, said: pd.DataFrame, calls: IO[str], pace: Pace | None = None) -> pa.Table:
        """Write a month; return the truth of every message: `TalkTruth` and its `name`.

        `name` is the Message-ID, or `provider/call_id`; an invitation and its answer have the
        meeting's `activity_id`.

        Args:
            said: the month, in order of time.
            calls: takes a JSON line a call or meeting.
            pace: waits before each message; then mail is new, as if it had just come.
        """
        self._is_live = pace is not None
        writer = Correspondence(self._people, self._company.who, self._company.history, self._rng)
        rows: list[int] = []
        kinds: list[str] = []
        names: list[str] = []
        for place, row in enumerate(each_said(said)):
            if pace:
                calls.flush()
                pace()
            for kind, name in self._written(row, writer, calls):
                rows.append(place)
                kinds.append(kind)
                names.append(name)
        told = said.iloc[rows].assign(kind=kinds)
        return self._truth.of(told).append_column("name", pa.array(names))

    def _written(
        self,
        row: Said,
        writer: Correspondence,
        calls: IO[str],
    ) -> Iterator[tuple[str, str]]:
        """Write one mail, call or meeting; yield the kind and name of each message of it."""
        if row.kind not in {CALL, MEETING}:
            letter = writer.letter(row)
            self._deliver(letter, row.number)
            yield row.kind, letter.message_id
            return
        talked = self._talked(row)
        calls.write(json.dumps(meetings.report(row, talked), ensure_ascii=False) + "\n")
        yield row.kind, meetings.name(row)
        if row.is_recorded:
            path = self._folder / "transcripts" / f"{meetings.call_id(row)}.vtt"
            path.write_text(meetings.captions(row, talked, self._rng), encoding="utf-8")
        if row.kind == MEETING:
            yield from self._invited(row, talked)

    def _invited(self, row: Said, talked: Talked) -> Iterator[tuple[str, str]]:
        path = self._folder / "calendar" / f"m{row.number:09}.ics"
        path.write_text(meetings.calendar(row, talked, "REQUEST"), encoding="utf-8", newline="")
        letters = meetings.invitation(row, talked, self._rng)
        for kind, letter in zip((INVITATION, ANSWER), letters, strict=True):
            self._deliver(letter, row.number)
            yield kind, letter.message_id

    def _talked(self, row: Said) -> Talked:
        people = self._people
        ours = [row.person, row.colleague] if row.colleague >= 0 else [row.person]
        theirs = [row.contact, row.copied] if row.copied >= 0 else [row.contact]
        return Talked(tuple(map(people.rep, ours)), tuple(map(people.contact, theirs)))

    def _deliver(self, letter: Letter, number: int) -> None:
        """Put a copy into the mailbox of each of ours who takes part; the sender's has no trace."""
        content = render(letter)
        name = f"{int(letter.at.timestamp())}.M{number}P1.{letter.sender.domain}"
        for address in dict.fromkeys(person.address for person in letter.people):
            if address.endswith("@" + OWN_DOMAIN):
                is_own = address == letter.sender.address
                copy = content if is_own else _carried(letter, address) + content
                self._put(self._mailbox(address), name, copy)

    def _put(self, mailbox: Path, name: str, content: bytes) -> None:
        """Put a mail into a maildir; a live one whole at once, for somebody may be reading."""
        if not self._is_live:
            (mailbox / "cur" / f"{name}:2,S").write_bytes(content)
            return
        written = mailbox / "tmp" / name
        written.write_bytes(content)
        written.rename(mailbox / "new" / name)

    def _mailbox(self, address: str) -> Path:
        return self._folder / "mail" / address.partition("@")[0]


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
