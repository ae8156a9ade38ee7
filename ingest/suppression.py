"""Keeps the erased unheard: what a source or a replay brings of them again is dropped or mended."""

from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic
from typing import Final

from msgspec.structs import replace
from pydantic import SecretStr

from contracts.company import Company
from contracts.errors import Rejected
from contracts.rows import Row, SightingRow
from contracts.wire import Event
from transforms.erasure import REASON, Suppressed, redacted, unheard
from transforms.rows import sighting
from warehouse.reader import Reader

FRESH_SECONDS: Final = 2.0
"""A suppression holds everywhere this long after it is stored, and a batch."""

ToRows = Callable[[Event], Sequence[Row]]
_TOKENS: Final = "SELECT token FROM live.suppression ORDER BY token"


class Suppression:
    """Makes rows of events, without whoever is suppressed.

    Args:
        reader: of the warehouse, which keeps the tokens.
        key: with which tokens are made.
        company: ours.
        to_rows: makes the rows of an event.
    """

    def __init__(self, reader: Reader, key: SecretStr, company: Company, to_rows: ToRows) -> None:
        self._reader = reader
        self._key = key.get_secret_value().encode()
        self._region = company.phone_region
        self._to_rows = to_rows
        self._turn = Lock()
        self._suppressed = Suppressed((), self._key, company.phone_region)
        self._looked_at = -FRESH_SECONDS

    def to_rows(self, event: Event) -> Sequence[Row]:
        """Return the event's rows; raises as what makes them, and as the reader does.

        What nobody can decode and names somebody who is suppressed is not even a dead letter.
        """
        suppressed = self._fresh()
        if not suppressed:
            return self._to_rows(event)
        try:
            rows = self._to_rows(event)
        except Rejected:
            if suppressed.is_named_in(event.payload):
                return (unheard(sighting(event, "excluded", event.received_at)),)
            raise
        return redacted(rows, suppressed)

    def before_log(self, event: Event) -> Event:
        """Return an event as it may enter the log: without its payload if nothing would be kept."""
        return without_payload(event, REASON) if self.leaves_nothing_of(event) else event

    def leaves_nothing_of(self, event: Event) -> bool:
        """Tell whether only the sighting of something erased would be kept; raises likewise."""
        if not self._fresh():
            return False
        try:
            rows = self.to_rows(event)
        except Rejected:
            return False
        return all(isinstance(row, SightingRow) and row.reason == REASON for row in rows)

    def _fresh(self) -> Suppressed:
        with self._turn:
            if monotonic() - self._looked_at >= FRESH_SECONDS:
                tokens = self._reader.frame(_TOKENS)["token"]
                self._suppressed = Suppressed(tokens, self._key, self._region)
                self._looked_at = monotonic()
            return self._suppressed


def without_payload(event: Event, reason: str) -> Event:
    """Return an event of which nothing is kept but that there was one, and why."""
    return replace(event, payload=b"", captured="excluded", reason=reason)
