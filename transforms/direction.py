"""Who spoke to whom, by the company's own domains and numbers."""

from typing import Final

from contracts.activity import Direction, Participant, Role
from contracts.company import Company

_OPENING: Final = {Role.FROM, Role.CALLER, Role.ORGANIZER}


def direction(participants: tuple[Participant, ...], company: Company) -> Direction:
    """Return who began: us to others, others to us, or all of us among ourselves.

    Unknown where the settings do not tell what is ours, and where nobody opened it.
    """
    opener = next((p for p in participants if p.role in _OPENING), None)
    if not (company.own_domains or company.own_numbers):
        return Direction.UNKNOWN
    if all(person.is_ours for person in participants):
        return Direction.INTERNAL
    if opener is None:
        return Direction.UNKNOWN
    return Direction.OUTBOUND if opener.is_ours else Direction.INBOUND
