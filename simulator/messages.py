"""The messages form: every mail in its mailboxes, every call as a webhook, calendars and captions.

The folder holds what doors would give: `mail/<user>/{cur,new,tmp}`, `calls.jsonl`,
`calendar/*.ics`, `transcripts/*.vtt`; `sealed/messages.parquet` tells the truth of each.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import IO

import pandas as pd
import pyarrow as pa

from simulator import meetings
from simulator.activities import TalkTruth
from simulator.correspond import Correspondence
from simulator.follow import Company
from simulator.letters import Letter
from simulator.mailboxes import copies, file_name, keep, open_mailboxes
from simulator.meetings import Talked
from simulator.people import People
from simulator.said import CALL, MEETING, Said, each_said

INVITATION, ANSWER = "invitation", "answer"
"""Kinds of mail that this form has beside those of `Talk`: they come with meetings."""


class Messages:
    """Writes months of talk below a folder."""

    def __init__(self, company: Company, folder: Path) -> None:
        self._company, self._folder = company, folder
        self._people = People(company.history, company.who)
        self._truth = TalkTruth(company.history, company.timeline, company.who)
        self._rng = Random(int(company.chance.text.integers(2**62)))  # noqa: S311 a simulation
        open_mailboxes(folder / "mail", company.who.rep_address)
        for part in ("calendar", "transcripts"):
            (folder / part).mkdir()

    def write(self, said: pd.DataFrame, calls: IO[str]) -> pa.Table:
        """Write a month; return the truth of every message: `TalkTruth` and its `name`.

        `name` is the Message-ID, or `provider/call_id`; an invitation and its answer have the
        meeting's `activity_id`.

        Args:
            said: the month, in order of time.
            calls: takes a JSON line a call or meeting.
        """
        company = self._company
        writer = Correspondence(
            self._people, company.offers, company.who, company.history, self._rng
        )
        rows: list[int] = []
        kinds: list[str] = []
        names: list[str] = []
        for place, row in enumerate(each_said(said)):
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
        talked = meetings.talked(row, self._people, self._company.offers, self._rng)
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

    def _deliver(self, letter: Letter, number: int) -> None:
        """Put a copy into the mailbox of each of ours who takes part."""
        name = file_name(letter, number)
        for user, content in copies(letter):
            keep(self._folder / "mail" / user, name, content)
