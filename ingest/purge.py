"""Exclusions that reach back: what is stored and would not be kept today goes."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from contracts.activity import Activity, Channel, Participant, Role, TimeQuality
from contracts.company import Company
from contracts.rows import ActivityRow
from settings import Settings
from transforms.colleagues import is_ours
from transforms.direction import direction
from transforms.exclusions import reason_to_exclude
from warehouse.erase import Eraser
from warehouse.reader import Reader

_PAGE: Final = 5_000
_STORED: Final = """
    SELECT * REPLACE ('' AS body) FROM raw.activity FINAL
    WHERE activity_id > %(after)s ORDER BY activity_id LIMIT %(page)s
"""


def purge(settings: Settings, *, dry_run: bool) -> dict[str, int]:
    """Take out the activities that the present settings exclude; return how many, by reason.

    Their sightings stay, with the reason. Labels are not stored: a rule about them reaches no mail
    that was heard before. Raises as the warehouse does; can be repeated.
    """
    reader, eraser = Reader(settings.warehouse_url), Eraser(settings.warehouse_url)
    try:
        found: dict[str, list[UUID]] = defaultdict(list)
        for row in _stored(reader):
            if reason := reason_to_exclude(_activity(row, settings.company), settings.company):
                found[reason].append(row.activity_id)
        if not dry_run:
            for reason, ids in found.items():
                eraser.remove(ids, reason)
    finally:
        reader.close()
        eraser.close()
    return dict(Counter({reason: len(ids) for reason, ids in found.items()}).most_common())


def _stored(reader: Reader) -> Iterator[ActivityRow]:
    after = UUID(int=0)
    while page := reader.rows(ActivityRow, _STORED, {"after": after, "page": _PAGE}):
        yield from page
        after = page[-1].activity_id


def _activity(row: ActivityRow, company: Company) -> Activity:
    """Return an activity as the present settings see it: ours may be more than it was."""
    people = zip(
        row.participant_address,
        row.participant_name,
        row.participant_role,
        row.participant_is_ours,
        strict=True,
    )
    participants = tuple(
        Participant(
            address, name, Role(role), ours or ("@" in address and is_ours(address, company))
        )
        for address, name, role, ours in people
    )
    return Activity(
        activity_id=row.activity_id,
        channel=Channel(row.channel),
        direction=direction(participants, company),
        event_time=row.event_time,
        time_quality=TimeQuality(row.time_quality),
        knowable_at=row.knowable_at,
        participants=participants,
        subject=row.subject,
    )
