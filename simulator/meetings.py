"""Calls and meetings as their systems tell of them: webhooks, invitations, captions."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any, Final

from icalendar import Timezone

from simulator.letters import Letter
from simulator.offers import Offers
from simulator.people import People
from simulator.person import Person
from simulator.places import at_work
from simulator.said import CALL, Said

_PHONE, _CALENDAR = "dialbird", "meetwell"
_ANSWERS: Final = {"ACCEPTED": 0.86, "TENTATIVE": 0.09, "DECLINED": 0.05}
_EARLIEST_DAYS, _LATEST_DAYS = 1, 6
_CUE_SECONDS: Final = 9
_MOST_CUES: Final = 14
_WORDS: Final = (
    "Thank you for making the time today.",
    "Could you walk us through the price for the second site?",
    "We would need the security answers before we can go on.",
    "Let us look at last week's orders together.",
    "Who else has to agree on your side?",
    "The board meets at the end of the month.",
    "I will send you the notes and the next steps.",
    "What happens if we start with one team only?",
    "Our people liked the trial, but the import took too long.",
    "Then let us fix the date now.",
)


@dataclass(frozen=True)
class Talked:
    """Those in a call or meeting, ours first, and what a meeting is called."""

    ours: tuple[Person, ...]
    theirs: tuple[Person, ...]
    title: str

    @property
    def everybody(self) -> tuple[Person, ...]:
        """Ours and theirs."""
        return (*self.ours, *self.theirs)


def talked(said: Said, people: People, offers: Offers, rng: Random) -> Talked:
    """Return who takes part in a call or meeting, and what it is called."""
    ours = [said.person, said.colleague] if said.colleague >= 0 else [said.person]
    theirs = [said.contact, said.copied] if said.copied >= 0 else [said.contact]
    guests = tuple(map(people.contact, theirs))
    named = said.kind != CALL and offers.named(said, rng, offers.talk.named_in_title)
    title = f"{guests[0].employer}: {named or 'next steps'}"
    return Talked(tuple(map(people.rep, ours)), guests, title)


def report(said: Said, talked: Talked) -> dict[str, Any]:
    """Return the webhook's JSON, as `transforms.calls` reads it."""
    known = {
        "call_id": call_id(said),
        "kind": said.kind,
        "started_at": said.at.astimezone(talked.ours[0].zone).isoformat(),
        "duration_seconds": int(said.seconds),
    }
    if said.kind == CALL:
        return known | _call(said, talked)
    return known | {
        "provider": _CALENDAR,
        "shared_id": uid(said, talked.ours[0]),
        "organizer": _named(talked.ours[0]),
        "attendees": [_named(person) for person in talked.everybody[1:]],
        "outcome": "connected" if said.is_connected else "missed",
        "title": talked.title,
    }


def call_id(said: Said) -> str:
    """Return the provider's own id."""
    return f"c{said.number:09}"


def name(said: Said) -> str:
    """Return what tells a report from all others: `provider/call_id`."""
    return f"{_PHONE if said.kind == CALL else _CALENDAR}/{call_id(said)}"


def uid(said: Said, organizer: Person) -> str:
    """Return a meeting's iCalendar UID."""
    return f"m{said.number:09}@calendar.{organizer.domain}"


def calendar(said: Said, talked: Talked, method: str, answer: str = "NEEDS-ACTION") -> str:
    """Return a meeting as iCalendar: a REQUEST to all, or the REPLY of the first of theirs."""
    begins = said.at.astimezone(talked.ours[0].zone)
    ends = begins + timedelta(seconds=int(said.seconds) or 1800)
    guests = talked.everybody[1:] if method == "REQUEST" else talked.theirs[:1]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Meetwell//Calendar//EN",
        f"METHOD:{method}",
        *_clock_lines(str(begins.tzinfo), begins.year),
        "BEGIN:VEVENT",
        f"UID:{uid(said, talked.ours[0])}",
        f"DTSTAMP:{said.at - timedelta(days=_LATEST_DAYS):%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID={begins.tzinfo}:{begins:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={begins.tzinfo}:{ends:%Y%m%dT%H%M%S}",
        f"SUMMARY:{talked.title}",
        f"ORGANIZER;CN={talked.ours[0].name}:mailto:{talked.ours[0].address}",
        *(f"ATTENDEE;CN={g.name};PARTSTAT={answer}:mailto:{g.address}" for g in guests),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(folded for line in lines for folded in _folded(line))


def invitation(said: Said, talked: Talked, rng: Random) -> tuple[Letter, Letter]:
    """Return the invitation to a meeting, and the answer of the first guest."""
    organizer, guest = talked.ours[0], talked.theirs[0]
    days = rng.uniform(_EARLIEST_DAYS, _LATEST_DAYS)
    asks = (said.at - timedelta(days=days)).replace(microsecond=0)
    sent = at_work(asks, organizer.zone, step=-1)
    answers = at_work(sent + timedelta(minutes=rng.randrange(5, 1_000)), guest.zone)
    answered = min(answers, (said.at - timedelta(minutes=1)).astimezone(guest.zone))
    answer = rng.choices(list(_ANSWERS), list(_ANSWERS.values()))[0]
    title = talked.title
    asked = Letter(
        message_id=f"invite.{said.number:09}@{organizer.domain}",
        sender=organizer,
        to=talked.everybody[1:],
        at=sent,
        subject=f"Invitation: {title}",
        text=f"{organizer.name} invites you to {title}.",
        form="calendar",
        calendar=calendar(said, talked, "REQUEST"),
    )
    reply = Letter(
        message_id=f"answer.{said.number:09}@{guest.domain}",
        sender=guest,
        to=(organizer,),
        at=answered,
        subject=f"{answer.title()}: {title}",
        text=f"{guest.name}: {answer.lower()}",
        references=(asked.message_id,),
        form="calendar",
        calendar=calendar(said, talked, "REPLY", answer),
    )
    return asked, reply


def captions(said: Said, talked: Talked, rng: Random) -> str:
    """Return what a recorder wrote down, as WebVTT; it begins with the consent that was given."""
    speakers = talked.everybody
    lines = [
        (speakers[0], "This call is recorded. Is that all right with everybody?"),
        (talked.theirs[0], "Yes, that is fine."),
    ]
    count = min(int(said.seconds) // _CUE_SECONDS, _MOST_CUES)
    lines += [(rng.choice(speakers), rng.choice(_WORDS)) for _ in range(count - len(lines))]
    cues = (
        f"{place + 1}\n{_clock(place * _CUE_SECONDS)} --> {_clock((place + 1) * _CUE_SECONDS)}\n"
        f"<v {person.name}>{words}\n"
        for place, (person, words) in enumerate(lines)
    )
    return "WEBVTT\n\nNOTE Recorded with consent\n\n" + "\n".join(cues)


def _call(said: Said, talked: Talked) -> dict[str, Any]:
    ours, theirs = talked.ours[0], talked.theirs[0]
    caller, callee = (ours, theirs) if said.by_us else (theirs, ours)
    return {
        "provider": _PHONE,
        "shared_id": f"sip{said.number:09}@pbx.{ours.domain}",
        "direction": "outbound" if said.by_us else "inbound",
        "from": {"address": caller.phone, "name": caller.name},
        "to": {"address": callee.phone, "name": callee.name},
        "outcome": "connected" if said.is_connected else ("missed", "voicemail")[said.number % 2],
        "title": "",
    }


def _named(person: Person) -> dict[str, str]:
    return {"address": person.address, "name": person.name}


@lru_cache
def _clock_lines(zone: str, year: int) -> tuple[str, ...]:
    """Return a zone's VTIMEZONE for a year and the one after it."""
    told = Timezone.from_tzid(zone, first_date=date(year, 1, 1), last_date=date(year + 2, 1, 1))
    return tuple(told.to_ical().decode().replace("\r\n ", "").splitlines())


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000"


def _folded(line: str) -> list[str]:
    """Return a content line in pieces of at most 75 octets (RFC 5545, 3.1)."""
    pieces, rest = [], line
    while len(rest.encode()) > 74:  # noqa: PLR2004 one octet is the space of the next line
        cut = 74
        while len(rest[:cut].encode()) > 74:  # noqa: PLR2004
            cut -= 1
        pieces.append(rest[:cut])
        rest = " " + rest[cut:]
    return [*pieces, rest]
