"""Mail that came back: which address failed, and who says so.

First what the standard says (RFC 3464, message/delivery-status), then the header of a common
server, then the heuristics that Mailman gathered (flufl.bounce), for what a mailer daemon sent.
"""

import re
from email import message_from_bytes
from typing import Final, NamedTuple

from transforms import mime
from transforms.address import normalise
from transforms.mime import Part

MAX_SCANNED_BYTES: Final = 64_000
MAX_ADDRESSES: Final = 50

_FIELD: Final = re.compile(r"^([\w-]{1,60}):[ \t]*(.{0,998})", re.MULTILINE)
_STATUS_TYPES: Final = {"message/delivery-status", "message/global-delivery-status"}


class Bounce(NamedTuple):
    """Addresses that mail did not reach for good, and what says so; both empty where none failed.

    Attributes:
        evidence: such as `delivery-status: failed 5.1.1`; of a delay, `delivery-status: delayed`.
    """

    addresses: tuple[str, ...] = ()
    evidence: str = ""


def bounce(message: Part, *, is_daemon: bool) -> Bounce:
    """Return what a mail says of mail that was not delivered.

    Args:
        message: the mail.
        is_daemon: whether nobody but a mailer daemon sends such a mail: only then is it guessed at.
    """
    for part in mime.leaves(message):
        if part.content_type in _STATUS_TYPES:
            return _reported(mime.text_of(part))
    if failed := mime.words(message, "X-Failed-Recipients"):
        return Bounce(_addresses(failed.split(",")), "header X-Failed-Recipients")
    return _guessed(message) if is_daemon else Bounce()


def _reported(status: str) -> Bounce:
    """Read a delivery status: a group of fields for the server, then one for each recipient."""
    failed, said = [], ""
    for group in re.split(r"\n[ \t]*\n", status[:MAX_SCANNED_BYTES]):
        fields = {name.lower(): value.strip() for name, value in _FIELD.findall(group)}
        action, code = fields.get("action", "").lower(), fields.get("status", "")
        if action == "failed" or (not action and code.startswith("5")):
            told = fields.get("original-recipient") or fields.get("final-recipient", "")
            failed.append(told.rpartition(";")[2])
            said = said or f"delivery-status: failed {code}".strip()
        elif action and not said:
            said = f"delivery-status: {action}"[:60]
    return Bounce(_addresses(failed), said)


def _guessed(message: Part) -> Bounce:
    from flufl.bounce import all_failures  # noqa: PLC0415 half a second, for the rare mail

    try:
        _, permanent = all_failures(message_from_bytes(message.source[:MAX_SCANNED_BYTES]))
        found = _addresses(sorted(each.decode("ascii", "replace") for each in permanent))
    except Exception:  # noqa: BLE001 strangers' bytes: whatever the heuristics trip over, none failed
        return Bounce()
    return Bounce(found, "wording of a mailer daemon") if found else Bounce()


def _addresses(values: list[str]) -> tuple[str, ...]:
    found = dict.fromkeys(normalise(value) for value in values[:MAX_ADDRESSES])
    return tuple(address for address in found if address)
