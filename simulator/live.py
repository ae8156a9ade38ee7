"""A live day: what a company says in its last month happens again, now, message by message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import pandas as pd

from contracts.clock import Clock
from simulator import meetings
from simulator.correspond import Correspondence
from simulator.follow import Company
from simulator.letters import Letter
from simulator.mailboxes import copies, deliver, file_name
from simulator.meetings import Talked, talked
from simulator.people import People
from simulator.said import CALL, INTERNAL, MEETING, Said, each_said

_NUMBERS: Final = 1_000_000
"""Ids of a live day begin at its second times this, so that no id comes up twice."""


@dataclass(frozen=True)
class LiveMail:
    """A mail on its way to our mailboxes.

    Attributes:
        name: of its file.
        copies: bytes by the user whose mailbox is to hold them.
    """

    name: str
    message_id: str
    copies: Mapping[str, bytes]


@dataclass(frozen=True)
class LiveCall:
    """A call or meeting that has just ended, as the webhook wants it."""

    payload: dict[str, Any]


def live_messages(company: Company, clock: Clock) -> Iterator[LiveMail | LiveCall]:
    """Yield mails, calls and meetings without end, each dated as it is asked for.

    The order is that of the last month's talk from this moment on, then from its first day, and so
    on. Conversations are whole: nothing answers a mail that did not come. Talk among ourselves is
    left out.

    Args:
        company: that lives on.
        clock: says what time it is.
    """
    begins = clock.now().replace(microsecond=0)
    day = _Day(company, int(begins.timestamp()))
    month = _last_month(company)
    passed = int(month["at"].searchsorted(pd.Timestamp(begins).tz_localize(None)))
    rows = [*each_said(month)]
    while True:
        for said in (*rows[passed:], *rows[:passed]):
            if event := day.event(said, clock):
                yield event
        day.begin_again()


def deliver_mail(folder: Path, mail: LiveMail) -> None:
    """Put a mail into the maildirs below a folder."""
    for user, content in mail.copies.items():
        deliver(folder / user, mail.name, content)


def _last_month(company: Company) -> pd.DataFrame:
    *_, month = company.talk(lambda done, of: None)  # noqa: ARG005 a progress that nobody watches
    kept: pd.DataFrame = month[month["kind"] != INTERNAL].reset_index(drop=True)
    return kept


class _Day:
    """Numbers what happens, and knows which conversations have begun."""

    def __init__(self, company: Company, second: int) -> None:
        self._company, self._first = company, second * _NUMBERS
        self._people = People(company.history, company.who)
        self._rng = Random(second)  # noqa: S311 a simulation
        self._numbers = count(self._first)
        self.begin_again()

    def begin_again(self) -> None:
        """Forget the conversations: those that follow are others."""
        company = self._company
        self._writer = Correspondence(
            self._people, company.offers, company.who, company.history, self._rng
        )
        self._threads: dict[int, int] = {}

    def event(self, said: Said, clock: Clock) -> LiveMail | LiveCall | None:
        """Return what happens now in place of this; None where nobody began the conversation."""
        number = next(self._numbers)
        if said.kind in {CALL, MEETING}:
            began = clock.now() - timedelta(seconds=said.seconds)
            now = said._replace(number=number, at=began)
            return LiveCall(meetings.report(now, self._talked(now)))
        if said.step == 0:
            self._threads[said.thread] = number
        if said.thread not in self._threads:
            return None
        at = clock.now().replace(microsecond=0)
        now = said._replace(number=number, thread=self._threads[said.thread], at=at)
        return _mail(self._writer.letter(now), number)

    def _talked(self, said: Said) -> Talked:
        return talked(said, self._people, self._company.offers, self._rng)


def _mail(letter: Letter, number: int) -> LiveMail:
    return LiveMail(file_name(letter, number), letter.message_id, dict(copies(letter)))
