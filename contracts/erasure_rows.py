"""Rows of what was erased: who it was is known by a keyed hash alone."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.rows import Row


class SuppressionRow(Row, frozen=True, kw_only=True):
    """A person who must not be heard again. Key: (token, suppressed_at).

    Attributes:
        token: the keyed hash of an address or number, as `transforms.erasure.token` makes it.
        kind: `email` or `phone`.
        lifted_at: since when the person may be heard again; None while the suppression holds.
    """

    table: ClassVar[str] = "raw.suppression"

    token: str
    kind: str
    suppressed_at: datetime
    lifted_at: datetime | None = None
    reason: str = ""


class ErasureRow(Row, frozen=True, kw_only=True):
    """One erasure, begun or done. Key: erasure_id.

    Attributes:
        touched: rows, records and files that held the person, all in all.
        receipt: the signed receipt in JSON; empty until the erasure is done.
    """

    table: ClassVar[str] = "raw.erasure"

    erasure_id: UUID
    token: str
    actor: str
    reason: str
    begun_at: datetime
    done_at: datetime | None = None
    touched: int = 0
    receipt: str = ""
