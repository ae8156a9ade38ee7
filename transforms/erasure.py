"""What erasing a person does to an event's rows; `warehouse.erase` does the same to stored ones.

- A row that is about the person alone (a contact, a lead) goes.
- An activity whose every outside participant is erased goes; its sighting stays, `excluded` as
  `erased`, so that accounts and completeness add up.
- An activity with others stays, without its subject and text, the person's name gone and the
  address replaced by its token.
- Where any other text names the address or the number, its token takes the place.
- A rep keeps the place in the company, without a name.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import phonenumbers
from msgspec.structs import asdict, replace

from contracts.company import Company
from contracts.crm_rows import RepRow
from contracts.errors import Rejected, UserError
from contracts.invitation import InvitationRow
from contracts.rows import ActivityRow, Row, SightingRow
from contracts.wire import Event
from transforms import mime
from transforms.address import normalise, untagged
from transforms.phones import e164
from transforms.rows import NO_ACTIVITY, to_rows
from transforms.spelled import MIN_NATIONAL_DIGITS, SEPARATORS, replace_numbers

REASON: Final = "erased"
"""What the sighting of something erased says."""

PERSONS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "raw.contact": (("contact_id",), ("emails", "phones")),
    "raw.lead": (("lead_id",), ("emails", "phones")),
    "raw.signature": (("address",), ("address", "phone")),
    "raw.quarantine": (("source", "external_id"), ("outside",)),
}
"""Tables whose rows are about one person: the key that names it, and the columns with addresses."""

_MENTION: Final = re.compile(r"[^\s<>()\[\]\",;:\\@'=/]{1,256}@[^\s<>()\[\]\",;:\\@'=/&?]{1,255}")
_MENTION_BYTES: Final = re.compile(rb"[\w.+%-]{1,256}@[\w.-]{1,255}")

_Row = TypeVar("_Row", bound=Row)


class Identity(NamedTuple):
    """What a person is known by: an address without its plus tag, or a number in E.164."""

    kind: str
    value: str


def identity(text: str, region: str) -> Identity:
    """Read an address or a phone number.

    Args:
        text: as a person types it.
        region: ISO 3166 country of a number without a prefix.

    Raises:
        UserError: if it is neither.
    """
    if found := _identity(text, region):
        return found
    raise UserError(
        f"{text!r} is neither an e-mail address nor a phone number: write jo@acme.com or "
        "+14155550199"
    )


def token(key: bytes, who: Identity) -> str:
    """Return what stands in the place of an address: its HMAC-SHA256, cut to 128 bits."""
    digest = hmac.digest(key, f"{who.kind}:{who.value}".encode(), "sha256")
    return f"erased-{digest[:16].hex()}"


def pattern(who: Identity) -> str:
    """Return a regular expression that finds an address or number in text, in any case and form.

    For RE2 and Python alike; its two groups are what stands around it. A tagged address
    (`jo+crm@acme.com`) is found, one that only ends or begins alike is not.
    """
    if who.kind == "phone":
        return rf"(^|[^\d+])(?:{_spelled(who.value)})($|\D)"
    local, _, domain = who.value.rpartition("@")
    found = rf"{re.escape(local)}(?:\+[^@\s]*)?@{re.escape(domain)}"
    return rf"(?i)(^|[^\w.+%-]){found}($|[^\w.-]|\.$|\.\W)"


class Suppressed:
    """The people who must not be heard, by their tokens.

    Args:
        tokens: that hold now.
        key: with which they were made.
        region: ISO 3166 country of numbers without a prefix.
    """

    def __init__(self, tokens: Iterable[str], key: bytes, region: str) -> None:
        self._tokens = frozenset(tokens)
        self._key = key
        self._region = region

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def token_of(self, text: str) -> str:
        """Return the token of a suppressed address or number; empty for any other text."""
        who = _identity(text, self._region)
        return self._token(who) if who else ""

    def mended(self, text: str) -> str:
        """Return a text with tokens where it names suppressed addresses or numbers."""
        if "@" in text:
            text = _MENTION.sub(lambda found: self.token_of(found.group()) or found.group(), text)
        return replace_numbers(text, self._region, self._token_of_number)

    def is_named_in(self, payload: bytes) -> bool:
        """Tell whether bytes that nobody could decode name a suppressed address or number."""
        found = {match.decode("ascii", "ignore") for match in _MENTION_BYTES.findall(payload)}
        text = payload.decode("latin-1")
        return any(map(self.token_of, found)) or self.mended(text) != text

    def _token_of_number(self, number: str) -> str:
        return self._token(Identity("phone", number))

    def _token(self, who: Identity) -> str:
        made = token(self._key, who)
        return made if made in self._tokens else ""


def redacted(rows: Sequence[Row], suppressed: Suppressed) -> tuple[Row, ...]:
    """Return the rows of one event without the people who are suppressed.

    The first row is the event's sighting.
    """
    mended = [_redacted(row, suppressed) for row in rows]
    kept = tuple(row for row in mended if row is not None)
    if len(kept) == len(rows) or any(isinstance(row, ActivityRow) for row in kept):
        return kept
    return tuple(unheard(row) for row in kept if isinstance(row, SightingRow))


def is_in(event: Event, found: re.Pattern[str], company: Company) -> bool:
    """Tell whether an event holds what a pattern finds, also where its text is encoded."""
    told = (event.payload.decode("utf-8", "replace"), event.source, event.external_id)
    if any(map(found.search, (*told, event.observer))):
        return True
    if event.kind == "mail" and found.search(mime.text(mime.parse(event.payload))):
        return True
    try:
        rows = to_rows(event, company)
    except Rejected:
        return False
    values = (value for row in rows for value in asdict(row).values())
    return any(found.search(text) for value in values for text in _texts(value))


def unheard(sighting: SightingRow) -> SightingRow:
    """Return the sighting of what was erased."""
    return replace(sighting, disposition="excluded", reason=REASON, activity_id=NO_ACTIVITY)


def _identity(text: str, region: str) -> Identity | None:
    if "@" in text:
        address = untagged(normalise(text))
        return Identity("email", address) if address else None
    number = e164(text, region)
    return Identity("phone", number) if number else None


def _spelled(number: str) -> str:
    """Return what finds a number with its prefix, or without it where it is long enough."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    local = SEPARATORS.join(national)
    prefixed = rf"(?:\+|00)?{SEPARATORS.join(str(parsed.country_code))}{SEPARATORS}{local}"
    return rf"{prefixed}|0?{local}" if len(national) >= MIN_NATIONAL_DIGITS else prefixed


def _redacted(row: Row, suppressed: Suppressed) -> Row | None:
    """Return the row as it may be kept; None if it may not."""
    if isinstance(row, ActivityRow):
        return _activity(row, suppressed)
    if isinstance(row, InvitationRow) and _invites(row, suppressed):
        row = replace(row, title="")
    if isinstance(row, RepRow) and suppressed.token_of(row.email):
        row = replace(row, name="")
    _, columns = PERSONS.get(row.table, ((), ()))
    fields = asdict(row)
    if any(suppressed.token_of(text) for name in columns for text in _texts(fields[name])):
        return None
    return _without_mentions(row, suppressed)


def _invites(row: InvitationRow, suppressed: Suppressed) -> bool:
    return any(map(suppressed.token_of, (row.organizer_address, *row.attendee_address)))


def _activity(row: ActivityRow, suppressed: Suppressed) -> ActivityRow | None:
    tokens = [suppressed.token_of(address) for address in row.participant_address]
    if not any(tokens):
        return _without_mentions(row, suppressed)
    outside = [
        bool(made)
        for made, is_ours in zip(tokens, row.participant_is_ours, strict=True)
        if not is_ours
    ]
    if all(outside):
        return None
    people = zip(tokens, row.participant_address, row.participant_name, strict=True)
    told = [(made or address, "" if made else name) for made, address, name in people]
    without = replace(
        row,
        subject="",
        thread_subject="",
        body="",
        request_sentence="",
        participant_address=tuple(address for address, _ in told),
        participant_name=tuple(name for _, name in told),
    )
    return _without_mentions(without, suppressed)


def _without_mentions(row: _Row, suppressed: Suppressed) -> _Row:
    changes: dict[str, Any] = {}
    for name, value in asdict(row).items():
        if isinstance(value, str) and (told := suppressed.mended(value)) != value:
            changes[name] = told
        elif isinstance(value, tuple) and any(isinstance(item, str) for item in value):
            changes[name] = tuple(map(suppressed.mended, value))
    return replace(row, **changes) if changes else row


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return [item for item in value if isinstance(item, str)] if isinstance(value, tuple) else ()
