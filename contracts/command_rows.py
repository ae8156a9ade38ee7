"""The row of a person's act."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.rows import Row


class CommandRow(Row, frozen=True, kw_only=True):
    """A person's act and what became of it. Key: (idempotency_key, outcome)."""

    table: ClassVar[str] = "raw.command"

    idempotency_key: UUID
    kind: str
    actor: str
    reason: str
    subject_id: str
    value: str
    issued_at: datetime
    outcome: str
    detail: str
