"""The three fates of a record that cannot be carried out, and the errors that name them."""


class HeadwaterError(Exception):
    """An error that a person can act on: it says what, where and what to do."""


class Retryable(HeadwaterError):
    """Not now: wait and try again, with back-off, for ever; nothing behind it is lost."""


class Rejected(HeadwaterError):
    """Never: the record goes to the dead-letter topic with this reason and its bytes.

    Attributes:
        reason: a short, stable word for counting (`no_sender`, `bad_schema_version`).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Fatal(HeadwaterError):
    """Stop the process and say why; the offset stays where it is."""


class UserError(HeadwaterError):
    """What was asked can't be done as asked; the message says what to do instead."""
