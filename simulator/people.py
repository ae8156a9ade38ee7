"""Everybody as those who write and call: how they sign, quote and call themselves."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from simulator.activities import DAEMON, NEWSLETTERS, PARTNERS
from simulator.company import History
from simulator.directory import LANGUAGES, Directory
from simulator.person import Person
from simulator.places import clock

_CLIENTS: Final = ("outlook", "gmail", "apple", "outlook", "gmail", "html")


@lru_cache
def machines() -> Mapping[str, Any]:
    """Return what machines write (`machines.toml`)."""
    return tomllib.loads((Path(__file__).parent / "machines.toml").read_text(encoding="utf-8"))


class People:
    """Reps, contacts and the others, by number.

    Attributes:
        partners, newsletters: people of partners, and machines that write to many.
        daemon: the mail server.
    """

    def __init__(self, history: History, who: Directory) -> None:
        self._who, self._employer = who, history.scenario.name
        self._reps = len(history.seat)
        self._known: dict[tuple[str, int], Person] = {}
        self.partners = [Person(name=f"Robin Partner {n}", address=a) for n, a in _from_1(PARTNERS)]
        names = [entry["name"] for entry in machines()["news"]]
        self.newsletters = [
            Person(name=name, address=address, client="html")
            for name, address in zip(names, NEWSLETTERS, strict=True)
        ]
        self.daemon = Person(name="Mail Delivery System", address=DAEMON)

    def rep(self, number: int) -> Person:
        """Return one of us."""
        who = self._who
        return self._known.get(("rep", number)) or self._met(
            "rep",
            number,
            Person(
                name=who.rep_name[number],
                address=who.rep_address[number],
                title=self.title(number),
                phone=who.rep_phone[number],
                client=_CLIENTS[number % 3],
                employer=self._employer,
                zone=clock(int(who.rep_zone[number])),
            ),
        )

    def title(self, number: int) -> str:
        """Return what one of us is: managers follow the reps."""
        return "Account Executive" if number < self._reps else "Sales Manager"

    def other(self, number: int) -> Person:
        """Return one of theirs as they write from their second address."""
        return self._known.get(("other", number)) or self._met(
            "other", number, replace(self.contact(number), address=self._who.contact_other[number])
        )

    def contact(self, number: int) -> Person:
        """Return one of theirs."""
        return self._known.get(("contact", number)) or self._met(
            "contact", number, self._contact(number)
        )

    def _contact(self, number: int) -> Person:
        who, account = self._who, int(self._who.contact_account[number])
        language = LANGUAGES[who.language[account]]
        return Person(
            name=who.contact_name[number],
            address=who.contact_address[number],
            title=who.contact_title[number],
            phone=who.contact_phone[number],
            client=_CLIENTS[number % len(_CLIENTS)],
            employer=who.account_name[account],
            language=language,
            zone=clock(int(who.contact_zone[number])),
        )

    def _met(self, side: str, number: int, person: Person) -> Person:
        self._known[side, number] = person
        return person


def _from_1(names: tuple[str, ...]) -> list[tuple[int, str]]:
    return list(enumerate(names, 1))
