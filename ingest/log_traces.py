"""Traces of a person in the local log: counted, and taken out of what every group has read."""

import re
from collections.abc import Iterator
from typing import Final

from contracts import topics
from contracts.company import Company
from contracts.errors import Rejected
from contracts.wire import (
    Envelope,
    RecordedBatch,
    decode_dead_letter,
    decode_envelope,
    decode_recorded,
    encode,
)
from local.log.store import Log, Record
from transforms.erasure import is_in

_HEARD: Final = {topic.name for topic in topics.HEARD.values()}
_PAGE: Final = 500


class LogTraces:
    """Looks through a log.

    Args:
        log: of one machine.
        found: finds the person.
        company: ours.
    """

    def __init__(self, log: Log, found: re.Pattern[str], company: Company) -> None:
        self._log = log
        self._found = found
        self._company = company

    def count(self) -> int:
        """Return how many records hold the person, read or not."""
        return sum(
            self._mended(topic.name, record) != record.value
            for topic in topics.ALL
            for record in self._records(topic.name)
        )

    def take_out(self) -> int:
        """Take the person out of the records that were read; return how many those were."""
        return sum(self._mend(topic.name) for topic in topics.ALL)

    def _mend(self, topic: str) -> int:
        return self._log.mend(topic, lambda record: self._mended(topic, record))

    def _records(self, topic: str) -> Iterator[Record]:
        for place in (place for place in self._log.bounds() if place.topic == topic):
            offset = 0
            while page := self._log.read(place, offset, _PAGE):
                yield from page
                offset = page[-1].offset + 1

    def _mended(self, topic: str, record: Record) -> bytes | None:
        """Return what may stay of a record; None if nothing may."""
        value = record.value or b""
        if self._is_text_in(record.key or b""):
            return None
        try:
            if topic in _HEARD:
                return self._envelope(value)
            if topic == topics.ACTIVITIES.name:
                return self._batch(value)
            if topic == topics.DEAD_LETTERS.name:
                letter = decode_dead_letter(value)
                if letter.event and is_in(letter.event, self._found, self._company):
                    return None
        except Rejected:
            pass
        return None if self._is_text_in(value) else record.value

    def _envelope(self, value: bytes) -> bytes | None:
        events = decode_envelope(value).events
        kept = tuple(e for e in events if not is_in(e, self._found, self._company))
        if len(kept) == len(events):
            return value
        return encode(Envelope(events=kept)) if kept else None

    def _batch(self, value: bytes) -> bytes | None:
        activities = decode_recorded(value).activities
        kept = tuple(
            a
            for a in activities
            if not any(map(self._found.search, (*a.outside, a.subject, a.opening)))
        )
        if len(kept) == len(activities):
            return value
        return encode(RecordedBatch(activities=kept)) if kept else None

    def _is_text_in(self, data: bytes) -> bool:
        return bool(self._found.search(data.decode("utf-8", "replace")))
