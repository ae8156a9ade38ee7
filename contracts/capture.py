"""How much of a mail is kept: as the company chose, and as it was decided for one mail."""

from typing import Final, Literal

from pydantic import BaseModel

Mode = Literal["metadata", "subject", "full"]
"""What is kept of a mail: who wrote to whom and when; its subject too; everything but attachments.
"""

Captured = Literal["full", "subject", "metadata", "unknown", "quarantined", "excluded"]
"""What an event holds, and why not more.

- `full`, `subject`, `metadata`: what the mode allows of a mail that touches a known account;
- `unknown`: a header; the CRM knows nobody in it. It becomes an activity of metadata alone, and the
  header waits for a month in case the CRM catches up;
- `quarantined`: a header that only waits; nothing else is kept of it;
- `excluded`: nothing but that there was one, and why.
"""

FULLNESS: Final[dict[str, int]] = {"metadata": 0, "subject": 1, "full": 2}
"""Of two copies of an activity, the fuller one stands."""


class Capture(BaseModel, frozen=True, extra="forbid"):
    """The workspace's policy; a mailbox may have a mode of its own.

    Attributes:
        mode: what is kept of a mail that touches an account of the CRM.
        keep: `all`: of other mail, who wrote to whom and when; `known`: nothing, unless the CRM
            comes to know them within a month.
    """

    mode: Mode = "full"
    keep: Literal["all", "known"] = "all"
