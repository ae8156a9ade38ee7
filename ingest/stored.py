"""Stored activities with their current match: what is decided again, and what is remembered."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from contracts.rows import MatchRow
from contracts.wire import OPENING, Recorded
from transforms.directory import Directory
from transforms.memory import Decided, remembered
from warehouse.reader import Reader

_LISTED: Final = 1_000
"""Ids that a statement names, twice each: it may be 256 KiB long."""

_ACTIVITY: Final = f"""
        event_time,
        thread_id,
        channel,
        subject,
        substringUTF8(body, 1, {OPENING}) AS opening,
        arrayDistinct(arrayFilter(
            (address, is_ours) -> NOT is_ours, participant_address, participant_is_ours))
            AS outside,
        arrayDistinct(arrayFilter(
            (address, is_ours) -> is_ours, participant_address, participant_is_ours)) AS ours
"""
_STORED: Final = f"""
    SELECT activity.activity_id AS activity_id, current.* EXCEPT (activity_id), {_ACTIVITY}
    FROM (SELECT * FROM raw.activity FINAL WHERE {{heard}}) AS activity
    LEFT JOIN
    (
        SELECT {", ".join(MatchRow.__struct_fields__)} FROM raw.match FINAL
        WHERE {{decided}}
        ORDER BY activity_id, decided_by != 'rule' DESC, matched_at DESC, decided_by
        LIMIT 1 BY activity_id
    ) AS current ON current.activity_id = activity.activity_id
    ORDER BY activity.event_time, activity.activity_id
"""
_OF_THREADS: Final = "SELECT activity_id FROM raw.activity WHERE thread_id IN %(threads)s"
_OF_DEALS: Final = """
    SELECT activity_id FROM raw.match
    WHERE opportunity_id IN %(deals)s OR hasAny(candidate_opportunity_id, %(deals)s)
"""
_OF_IDS: Final = "SELECT toUUID(arrayJoin(%(ids)s))"
_SINCE: Final = "event_time >= toDateTime64(%(since)s, 6, 'UTC')"
_LARGE: Final = """
    SETTINGS join_algorithm = 'full_sorting_merge', max_bytes_before_external_sort = 500000000
"""
"""Both tables are sorted by the id already; what is sorted by time may be larger than memory."""


class Stored(MatchRow, frozen=True, kw_only=True):
    """An activity as the match agent hears of it, and its current match.

    Attributes:
        decided_by: empty where it has no match yet.
    """

    event_time: datetime
    outside: tuple[str, ...]
    ours: tuple[str, ...]
    thread_id: str
    channel: str
    subject: str
    opening: str

    def recorded(self) -> Recorded:
        """Return what there is to decide from."""
        return Recorded(
            activity_id=self.activity_id,
            event_time=self.event_time,
            outside=self.outside,
            ours=self.ours,
            thread_id=self.thread_id,
            channel=self.channel,
            subject=self.subject,
            opening=self.opening,
        )

    def decided(self, directory: Directory) -> Decided:
        """Return its match as a memory keeps it."""
        return remembered(self.recorded(), self, directory)

    def says_the_same(self, row: MatchRow) -> bool:
        """Tell whether a decision is the one that it has, for the same reasons."""
        return all(
            getattr(self, name) == getattr(row, name)
            for name in MatchRow.__struct_fields__
            if name not in {"matched_at", "crm_version"}
        )


def of_threads(reader: Reader, thread_ids: Iterable[str]) -> list[Stored]:
    """Return the activities of some threads, in order of time."""
    threads = sorted(set(thread_ids) - {""})
    found = chain.from_iterable(_named(reader, _OF_THREADS, "threads", threads))
    return sorted(found, key=lambda one: (one.event_time, str(one.activity_id)))


def of_deals(reader: Reader, opportunity_ids: Iterable[str]) -> list[Stored]:
    """Return the activities that are, may be, or once were, about some deals."""
    deals = sorted(set(opportunity_ids))
    found = chain.from_iterable(_named(reader, _OF_DEALS, "deals", deals))
    by_id = {one.activity_id: one for one in found}
    return sorted(by_id.values(), key=lambda one: (one.event_time, str(one.activity_id)))


def of_ids(reader: Reader, activity_ids: Sequence[UUID]) -> Iterator[list[Stored]]:
    """Yield some activities, page by page."""
    yield from _named(reader, _OF_IDS, "ids", [str(one) for one in activity_ids])


def since(reader: Reader, moment: datetime) -> Iterator[list[Stored]]:
    """Yield the activities since a moment in order of time, as they were when this began.

    Until the last page, nothing else is read with the reader.
    """
    sql = _STORED.format(heard=_SINCE, decided="true") + _LARGE
    yield from reader.pages(Stored, sql, {"since": moment})


def _named(reader: Reader, chosen: str, name: str, values: Sequence[str]) -> Iterator[list[Stored]]:
    """Yield the activities that a list chooses, so many of its values at once."""
    for start in range(0, len(values), _LISTED):
        yield _read(reader, chosen, {name: values[start : start + _LISTED]})


def _read(reader: Reader, chosen: str, params: dict[str, Any]) -> list[Stored]:
    found = f"activity_id IN ({chosen})"
    return reader.rows(Stored, _STORED.format(heard=found, decided=found), params)
