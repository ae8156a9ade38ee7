"""Calls and meetings, as the call webhook and the call log tell of them, to activities."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

import msgspec

from contracts.activity import Activity, Channel, Direction, Participant, Role, TimeQuality
from contracts.clock import utc
from contracts.company import Company
from contracts.errors import Rejected
from transforms.address import normalise
from transforms.colleagues import is_ours
from transforms.direction import direction
from transforms.encodings import clean
from transforms.phones import e164

MAX_SECONDS: Final = 7 * 86_400
FUTURE_TOLERANCE: Final = timedelta(days=1)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Person(msgspec.Struct, frozen=True):
    """Somebody in a call or meeting: a phone number or an e-mail address, perhaps a name."""

    address: str
    name: str = ""


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One call or meeting in JSON, as a provider reports it when it has ended.

    Attributes:
        provider: who reports it, such as `aircall`.
        call_id: the provider's own id; a later report with the same id replaces the earlier one.
        shared_id: an id that every system which saw the call knows too: the SIP Call-ID, or a
            meeting's iCalendar UID with its RECURRENCE-ID. With it, reports of several providers
            are one activity; without it, each provider's call is an activity of its own.
        ended_at, duration_seconds: one of the two, for a call that connected.
        direction: seen from the company; where it is absent, our own numbers tell.
        from_, to, participants: the callers' numbers (on the wire `from`).
        organizer, attendees: a meeting's people.
        outcome: a meeting that was not held is `missed`.
        is_scheduled: only a calendar tells of it: a report of the same meeting without this stands,
            whichever is heard last.
    """

    provider: str
    call_id: str
    started_at: datetime
    kind: Literal["call", "meeting"] = "call"
    shared_id: str = ""
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    direction: Literal["inbound", "outbound", ""] = ""
    from_: str | Person = ""
    to: str | Person | list[str | Person] = ""
    participants: list[str | Person] = []
    organizer: str | Person = ""
    attendees: list[str | Person] = []
    outcome: Literal["connected", "missed", "voicemail"] = "connected"
    title: str = ""
    is_scheduled: bool = False


_decoder: Final = msgspec.json.Decoder(CallRecord)


def decode_call(payload: bytes, received_at: datetime, company: Company) -> Activity:
    """Return the activity that a provider's JSON tells of.

    Raises:
        Rejected: `bad_call` with the field and what is wrong with it, or `no_participants`.
    """
    call = _read(payload)
    participants = _participants(call, company)
    if not participants:
        raise Rejected("no_participants", "neither a phone number nor an address can be read in it")
    started_at = _started_at(call, received_at)
    return Activity(
        activity_id=_activity_id(call),
        channel=Channel(call.kind),
        direction=_direction(call, participants, company),
        event_time=started_at,
        time_quality=TimeQuality.SCHEDULED if call.is_scheduled else TimeQuality.STATED,
        knowable_at=started_at,
        participants=participants,
        thread_id=str(_activity_id(call)),
        subject=clean(call.title),
        duration_seconds=_duration(call),
    )


def call_name(payload: bytes) -> tuple[str, str]:
    """Return the provider and its call id, to name a sighting; empty where they can't be read."""
    try:
        call = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    return call.provider, call.call_id


def _read(payload: bytes) -> CallRecord:
    try:
        call = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("bad_call", str(error)) from error
    if not call.provider or not call.call_id:
        raise Rejected("bad_call", "provider and call_id must not be empty: they name the call")
    return call


def _started_at(call: CallRecord, received_at: datetime) -> datetime:
    try:
        started_at = utc(call.started_at)
    except (ValueError, OverflowError) as error:
        raise Rejected("bad_call", f"started_at: {error}") from error
    if not EARLIEST <= started_at <= received_at + FUTURE_TOLERANCE:
        raise Rejected("bad_call", f"started_at: {started_at} lies before 1970 or in the future")
    return started_at


def _duration(call: CallRecord) -> int:
    """Return the seconds that people really spoke: none in a missed call or to a machine."""
    if call.outcome != "connected":
        return 0
    seconds = call.duration_seconds
    if seconds is None:
        seconds = _elapsed(call)
    if not 0 <= seconds <= MAX_SECONDS:
        raise Rejected("bad_call", f"duration_seconds: {seconds} is not between 0 and a week")
    return seconds


def _elapsed(call: CallRecord) -> int:
    if call.ended_at is None:
        raise Rejected("bad_call", "ended_at or duration_seconds must be given")
    try:
        return int((utc(call.ended_at) - utc(call.started_at)).total_seconds())
    except ValueError as error:
        raise Rejected("bad_call", f"ended_at: {error}") from error


def _activity_id(call: CallRecord) -> UUID:
    key = ("shared", call.shared_id) if call.shared_id else (call.provider.lower(), call.call_id)
    text = "\0".join((call.kind, *key)).encode("utf-8", "replace")
    return UUID(bytes=sha256(text).digest()[:16])


def _participants(call: CallRecord, company: Company) -> tuple[Participant, ...]:
    """Return who took part, without those whose number can't be read (`anonymous`, `101`)."""
    people = [_participant(person, role, call, company) for person, role in _listed(call)]
    unique = {person.address: person for person in reversed(people) if person.address}
    return tuple(reversed(unique.values()))


def _listed(call: CallRecord) -> list[tuple[Person, Role]]:
    """Return everybody whom the report names, the caller or organizer first."""
    if call.kind == "meeting":
        listed = [(call.organizer, Role.ORGANIZER), *((p, Role.ATTENDEE) for p in call.attendees)]
    else:
        callees = call.to if isinstance(call.to, list) else [call.to]
        others = [*callees, *call.participants]
        listed = [(call.from_, Role.CALLER), *((p, Role.CALLEE) for p in others)]
    return [(Person(p) if isinstance(p, str) else p, role) for p, role in listed if p]


def _participant(person: Person, role: Role, call: CallRecord, company: Company) -> Participant:
    address = _address(person, company)
    return Participant(
        address=address,
        name=clean(person.name),
        role=role,
        is_ours=_is_ours(address, role, call, company),
    )


def _address(person: Person, company: Company) -> str:
    is_mail = "@" in person.address
    return normalise(person.address) if is_mail else e164(person.address, company.phone_region)


def _direction(
    call: CallRecord, participants: tuple[Participant, ...], company: Company
) -> Direction:
    """Return the direction that the numbers show; the stated one where somebody stays unknown."""
    stated = Direction(call.direction) if call.direction else Direction.UNKNOWN
    shown = direction(participants, company)
    is_complete = all(_address(person, company) for person, _ in _listed(call))
    return shown if is_complete and shown is not Direction.UNKNOWN else stated


def _is_ours(address: str, role: Role, call: CallRecord, company: Company) -> bool:
    """Tell our side: by domain or number; by the direction where no number of ours is set."""
    if "@" in address:
        return is_ours(address, company)
    own = {e164(number, company.phone_region) for number in company.own_numbers}
    if own or not call.direction:
        return address in own
    return (role is Role.CALLER) == (call.direction == "outbound")
