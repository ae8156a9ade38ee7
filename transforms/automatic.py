"""What kind of mail it is: a person's, or one of those that no person wrote, and what says so."""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from contracts.activity import Participant, Role
from contracts.company import Company
from transforms import mime
from transforms.address import belongs
from transforms.bounce import Bounce, bounce
from transforms.mime import Part
from transforms.out_of_office import is_absence, says_so


class Kind(StrEnum):
    """What wrote a mail."""

    PERSONAL = "personal"
    BOUNCE = "bounce"
    OUT_OF_OFFICE = "out_of_office"
    AUTO_REPLY = "auto_reply"
    CALENDAR = "calendar"
    BULK = "bulk"
    ROBOT = "robot"


class Sender(NamedTuple):
    """What wrote a mail and the evidence.

    Attributes:
        is_automatic: whether no person wrote it. A calendar's invitation is a person's act.
        bounced: the addresses that a bounce says were not reached.
    """

    kind: Kind
    evidence: str
    is_automatic: bool
    bounced: tuple[str, ...] = ()


_ROBOT: Final = re.compile(
    r"^(mailer-daemon|postmaster|(do[-_.]?not|no)[-_.]?reply|bounces?|notifications?|auto-?reply)"
    r"([-_.+].*)?$"
)
_DAEMON: Final = re.compile(r"^(mailer-daemon|postmaster|bounces?)([-_.+].*)?$")
_BULK_PRECEDENCE: Final = {"bulk", "list", "junk", "auto_reply"}
_AUTOMATIC_HEADERS: Final = ("X-Autoreply", "X-Auto-Reply", "X-Autorespond", "X-Failed-Recipients")
_LIST_HEADERS: Final = ("List-Id", "List-Unsubscribe", "List-Post")


def sender(
    message: Part, participants: tuple[Participant, ...], company: Company, text: str
) -> Sender:
    """Tell what wrote a mail (RFC 3834, 3464, 2919, 5546, and what machines do beside them)."""
    address = next((p.address for p in participants if p.role is Role.FROM), "")
    types = mime.content_types(message)
    returned = _returned(message, address, types)
    if returned.addresses:
        return Sender(Kind.BOUNCE, returned.evidence, is_automatic=True, bounced=returned.addresses)
    if calendar := _calendar(types):
        return calendar
    evidence = returned.evidence or _automatic(message, address, types)
    subject = mime.words(message, "Subject")
    if says_so(subject) or (evidence and is_absence(subject, text) and _answers(message)):
        return Sender(Kind.OUT_OF_OFFICE, evidence or "subject", is_automatic=True)
    if evidence:
        kind = Kind.AUTO_REPLY if _answers(message) else Kind.ROBOT
        return Sender(kind, evidence, is_automatic=True)
    bulk = _bulk(message, company)
    return Sender(Kind.BULK if bulk else Kind.PERSONAL, bulk, is_automatic=bool(bulk))


def _returned(message: Part, address: str, types: set[str]) -> Bounce:
    """Look for a bounce where there can be one: in a report, and in what a mailer daemon sent."""
    is_daemon = mime.words(message, "Return-Path") == "<>" or bool(
        _DAEMON.match(address.rpartition("@")[0])
    )
    if is_daemon or "multipart/report" in types or "X-Failed-Recipients" in message:
        return bounce(message, is_daemon=is_daemon)
    return Bounce()


def _calendar(types: set[str]) -> Sender | None:
    """Tell a calendar's mail: an answer or a cancellation is automatic, an invitation is not."""
    method = next((kind for kind in sorted(types) if kind.startswith("text/calendar;")), "")
    if not method:
        return None
    return Sender(Kind.CALENDAR, method, is_automatic=method.endswith(("=reply", "=refresh")))


def _automatic(message: Part, address: str, types: set[str]) -> str:
    """Return what says that a machine sent it; empty where nothing does."""
    submitted = mime.words(message, "Auto-Submitted").lower() or "no"
    if not submitted.startswith("no"):
        return f"header Auto-Submitted: {submitted}"[:100]
    if found := next((name for name in _AUTOMATIC_HEADERS if name in message), ""):
        return f"header {found}"
    if mime.words(message, "Return-Path") == "<>":
        return "header Return-Path: <>"
    if "multipart/report" in types:
        return "content type multipart/report"
    local = address.rpartition("@")[0]
    return f"sender {local}"[:100] if _ROBOT.match(local) else ""


def _answers(message: Part) -> bool:
    """Tell whether an automatic mail is the answer to one."""
    submitted = mime.words(message, "Auto-Submitted").lower()
    named = any(name in message for name in _AUTOMATIC_HEADERS[:3])
    return submitted.startswith("auto-replied") or named or "In-Reply-To" in message


def _bulk(message: Part, company: Company) -> str:
    """Return what says it came by a list; a mail to a group of ours (sales@) is not bulk."""
    list_id = mime.words(message, "List-Id").lower().rpartition("<")[2].strip("<> ")
    if list_id and belongs(list_id, company.own_domains):
        return ""
    precedence = mime.words(message, "Precedence").lower()
    if precedence in _BULK_PRECEDENCE:
        return f"header Precedence: {precedence}"
    return next((f"header {name}" for name in _LIST_HEADERS if name in message), "")
