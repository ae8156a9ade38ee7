"""A person's act: sent to an authenticated door, carried out by the room that owns it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class CommandKind(StrEnum):
    """What a person may ask for."""

    CHOOSE_MATCH = "choose_match"
    CHOOSE_OPPORTUNITY = "choose_opportunity"
    ACCEPT_CONTACT = "accept_contact"
    DISMISS_CONTACT = "dismiss_contact"
    REPLAY_DEAD_LETTERS = "replay_dead_letters"
    SET_PLAN_RULES = "set_plan_rules"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for what, and why.

    Attributes:
        idempotency_key: chosen by the sender; the same key is carried out once.
        subject_id: what it is about (an activity, a proposed contact's address, a dead letter's
            reason, the plan).
        value: what to set (an account; the plan's rules as JSON), where the kind needs one.
    """

    kind: CommandKind
    idempotency_key: UUID
    actor: str
    reason: str
    issued_at: datetime
    subject_id: str
    value: str = ""
