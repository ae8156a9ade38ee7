"""The row of what a signature told: a fact about a person outside, for contacts to be proposed."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.rows import Row


class SignatureRow(Row, frozen=True, kw_only=True):
    """What the signature of one mail said of its author. Key: (address, activity_id).

    Attributes:
        address: the author's, normalised.
        phone: in E.164, each once.
        evidence: the lines that it was read from.
    """

    table: ClassVar[str] = "raw.signature"

    address: str
    activity_id: UUID
    event_time: datetime
    name: str
    title: str
    company: str
    phone: tuple[str, ...]
    evidence: str
