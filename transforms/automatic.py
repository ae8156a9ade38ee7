"""Mail that no person wrote: bounces, out-of-office, bulk, calendar answers."""

import re
from email.message import Message
from typing import Final

from contracts.activity import Participant, Role
from contracts.company import Company
from transforms import mime
from transforms.address import belongs

_ROBOT: Final = re.compile(
    r"^(mailer-daemon|postmaster|(do[-_.]?not|no)[-_.]?reply|bounces?|notifications?|auto-?reply)"
    r"([-_.+].*)?$"
)
_BULK_PRECEDENCE: Final = {"bulk", "list", "junk", "auto_reply"}
_AUTOMATIC_HEADERS: Final = ("X-Autoreply", "X-Auto-Reply", "X-Autorespond", "X-Failed-Recipients")
_LIST_HEADERS: Final = ("List-Id", "List-Unsubscribe", "List-Post")
_MACHINE_TYPES: Final = {"multipart/report", "text/calendar;method=reply"}


def is_automatic(message: Message, participants: tuple[Participant, ...], company: Company) -> bool:
    """Tell whether a machine sent it (RFC 3834, RFC 2919, and what machines do beside them)."""
    submitted = mime.words(message, "Auto-Submitted").lower() or "no"
    return (
        not submitted.startswith("no")
        or any(name in message for name in _AUTOMATIC_HEADERS)
        or mime.words(message, "Return-Path") == "<>"
        or not _MACHINE_TYPES.isdisjoint(mime.content_types(message))
        or any(_is_robot(p) for p in participants if p.role is Role.FROM)
        or _is_bulk(message, company)
    )


def _is_robot(sender: Participant) -> bool:
    return bool(_ROBOT.match(sender.address.rpartition("@")[0]))


def _is_bulk(message: Message, company: Company) -> bool:
    """Tell whether it came by a list; a buyer's mail to a group of ours (sales@) is not bulk."""
    list_id = mime.words(message, "List-Id").lower().rpartition("<")[2].strip("<> ")
    if list_id and belongs(list_id, company.own_domains):
        return False
    precedence = mime.words(message, "Precedence").lower()
    return precedence in _BULK_PRECEDENCE or any(name in message for name in _LIST_HEADERS)
