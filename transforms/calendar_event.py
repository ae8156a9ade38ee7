"""One event of a calendar, as the library read it, to an `Invitation`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.invitation import Invitation, Method
from transforms.address import normalise
from transforms.encodings import clean
from transforms.recurrence import followed

MAX_ATTENDEES: Final = 500
MAX_MEETING: Final = timedelta(days=7)
MAX_AHEAD: Final = timedelta(days=5 * 366)
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
FOREVER: Final = datetime(2200, 1, 1, tzinfo=UTC)

_NO_PERSON: Final = frozenset({"ROOM", "RESOURCE"})
_LAST_SEQUENCE: Final = 2**31
_MAX_SKIPPED: Final = 1_000
_MAX_UID_CHARS: Final = 500
_MAX_TITLE_CHARS: Final = 1_000
_MAX_WORD_CHARS: Final = 20


class CalendarEvent:
    """A VEVENT.

    Args:
        event: its properties, as the library read them: one, a list of several, or broken.
        sent_at: when its mail was sent.
        clock: of times without a zone.
    """

    def __init__(self, event: Mapping[str, object], sent_at: datetime, clock: ZoneInfo) -> None:
        self._event = event
        self._sent_at = sent_at
        self._clock = clock

    def invitation(self, method: Method) -> Invitation:
        """Return what it says.

        Raises:
            ValueError: if it has no UID, or no time that can be believed.
        """
        starts, ends = self._times()
        if starts is None and method != "cancel":
            raise ValueError("it does not say when it begins")
        recurrence_id = self._recurrence_id()
        rule = self._rule(starts) if starts and not recurrence_id else ""
        answers = self._answers()
        return Invitation(
            method=method,
            uid=self._uid(),
            recurrence_id=recurrence_id,
            sequence=self._sequence(),
            stamped_at=self._stamped_at(),
            status=self._text("STATUS").lower()[:_MAX_WORD_CHARS],
            title=self._text("SUMMARY")[:_MAX_TITLE_CHARS],
            starts_at=starts and starts.astimezone(UTC),
            ends_at=ends and ends.astimezone(UTC),
            until_at=FOREVER if rule else (ends or self._sent_at).astimezone(UTC),
            is_all_day=self._is_day(),
            time_zone=getattr(starts.tzinfo, "key", "") if starts and rule else "",
            recurrence_rule=rule,
            excluded_recurrence=self._excluded() if rule else (),
            organizer_address=_address(self._first("ORGANIZER")),
            attendee_address=tuple(answers),
            attendee_answer=tuple(answers.values()),
        )

    def _uid(self) -> str:
        uid = self._text("UID").strip()
        if not 0 < len(uid) <= _MAX_UID_CHARS:
            raise ValueError(f"its UID has {len(uid)} characters")
        return uid

    def _times(self) -> tuple[datetime | None, datetime | None]:
        starts, ends = self._moment("DTSTART"), self._moment("DTEND")
        if starts is None:
            return None, None
        lasts = _value(self._first("DURATION"))
        if ends is None:
            ends = starts + (lasts if isinstance(lasts, timedelta) else timedelta())
        if not timedelta() <= ends - starts <= MAX_MEETING:
            raise ValueError(f"it begins at {starts} and ends at {ends}")
        return starts, ends

    def _moment(self, name: str) -> datetime | None:
        """Return a time on its own clock; None where the event has none of that name."""
        prop = self._first(name)
        return None if prop is None else self._on_clock(_value(prop), prop, name)

    def _on_clock(self, value: object, prop: object, name: str) -> datetime:
        """Return a property's value as an aware time; a day begins at midnight."""
        zone = _parameter(prop, "TZID")
        if not isinstance(value, date):
            raise ValueError(f"{name} is no time: {value!s:.60}")  # noqa: TRY004 strangers' bytes
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        if isinstance(value, datetime) and moment.tzinfo is None and zone:
            raise ValueError(f"{name} is on a clock that is not known: {zone:.60}")
        moment = moment if moment.tzinfo else moment.replace(tzinfo=self._clock)
        if not EARLIEST <= moment.astimezone(UTC) <= self._sent_at + MAX_AHEAD:
            raise ValueError(f"{name} is {moment}, which is not believed")
        return moment

    def _recurrence_id(self) -> str:
        prop = self._first("RECURRENCE-ID")
        return "" if prop is None else self._named(_value(prop), prop)

    def _named(self, value: object, prop: object) -> str:
        """Return how one meeting of a series is named: by its beginning in UTC, or by its day."""
        moment = self._on_clock(value, prop, "RECURRENCE-ID or EXDATE")
        return recurrence_id(moment) if isinstance(value, datetime) else f"{moment:%Y%m%d}"

    def _rule(self, starts: datetime) -> str:
        rule = self._first("RRULE")
        return followed(rule, starts) if isinstance(rule, dict) else ""

    def _excluded(self) -> tuple[str, ...]:
        times = [(_value(one), prop) for prop in self._all("EXDATE") for one in _listed(prop)]
        return tuple(dict.fromkeys(self._named(*one) for one in times[:_MAX_SKIPPED]))

    def _stamped_at(self) -> datetime:
        """Return when it was said; a clock that runs ahead of the mail's is not believed."""
        stamped = _value(self._first("DTSTAMP"))
        if not isinstance(stamped, datetime):
            return self._sent_at
        moment = stamped.replace(tzinfo=stamped.tzinfo or UTC).astimezone(UTC)
        is_believed = EARLIEST <= moment <= self._sent_at + timedelta(days=1)
        return moment if is_believed else self._sent_at

    def _sequence(self) -> int:
        stated = _value(self._first("SEQUENCE"))
        return min(max(stated, 0), _LAST_SEQUENCE) if isinstance(stated, int) else 0

    def _answers(self) -> dict[str, str]:
        """Return the answer of each attendee who is a person."""
        answers: dict[str, str] = {}
        for one in self._all("ATTENDEE")[:MAX_ATTENDEES]:
            address = _address(one)
            if address and _parameter(one, "CUTYPE").upper() not in _NO_PERSON:
                answer = clean(_parameter(one, "PARTSTAT"))[:_MAX_WORD_CHARS] or "NEEDS-ACTION"
                answers[address] = answer.lower().replace("-", "_")
        return answers

    def _is_day(self) -> bool:
        value = _value(self._first("DTSTART"))
        return isinstance(value, date) and not isinstance(value, datetime)

    def _text(self, name: str) -> str:
        value = self._first(name)
        return "" if value is None else clean(str(value))

    def _first(self, name: str) -> object:
        return next(iter(self._all(name)), None)

    def _all(self, name: str) -> Sequence[object]:
        value = self._event.get(name)
        return value if isinstance(value, list) else [] if value is None else [value]


def recurrence_id(moment: datetime) -> str:
    """Return how a meeting of a series is named by when it was to begin."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _value(prop: object) -> object:
    """Return a property's value: a time's or duration's, or the property itself."""
    return getattr(prop, "dt", prop)


def _listed(prop: object) -> Sequence[object]:
    return getattr(prop, "dts", ())


def _parameter(prop: object, name: str) -> str:
    parameters = getattr(prop, "params", {})
    return str(parameters.get(name, ""))


def _address(prop: object) -> str:
    """Return an attendee's address, which some calendars have beside a URI of another kind."""
    if prop is None:
        return ""
    stated = str(prop).removeprefix("mailto:").removeprefix("MAILTO:")
    return normalise(stated) or normalise(_parameter(prop, "EMAIL"))
