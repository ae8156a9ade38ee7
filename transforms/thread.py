"""What ties a mail to others: the ids it names, and its subject without what clients add to it."""

import re
from typing import Final, NamedTuple

from transforms import mime
from transforms.encodings import clean
from transforms.mime import Part

_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,998})>")
_PREFIX: Final = re.compile(
    r"(?:\[[^\[\]]{1,60}\]|(?:re|aw|antw|sv|vs|odp|res|rif|r|tr|fw|fwd|wg|vl|vb|rv|enc|i|doorst|fs|"
    r"回复|答复|回覆|轉寄|转发|отв|ha|ynt|atb|bls|回信)(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：])\s*",
    re.IGNORECASE,
)
_REPLIES: Final = re.compile(
    r"(?:re|aw|antw|sv|vs|odp|res|rif|r|回复|答复|回覆|отв|ynt|atb|回信)\b", re.IGNORECASE
)


class Thread(NamedTuple):
    """A mail's place in a conversation, as its headers tell.

    Attributes:
        thread_id: the first Message-ID of the thread; the mail's own where it names no other.
        evidence: `references`, `in_reply_to`, or `none`: then subject and participants may tell.
        reply_to_id: the Message-ID that it answers; empty where it names none.
        subject: without the marks of answers, forwards and lists, in lower case.
        is_subject_reply: whether its subject says that it is an answer.
    """

    thread_id: str
    evidence: str
    reply_to_id: str
    subject: str
    is_subject_reply: bool


def thread(message: Part, message_id: str) -> Thread:
    """Return a mail's place in its conversation; nothing is looked up."""
    references = _ids(message, "References")
    answered = _ids(message, "In-Reply-To")
    subject, is_reply = bare_subject(mime.words(message, "Subject"))
    named = references or answered
    evidence = "references" if references else "in_reply_to" if answered else "none"
    return Thread(
        thread_id=named[0] if named else message_id,
        evidence=evidence,
        reply_to_id=(answered or references[-1:] or [""])[0],
        subject=subject,
        is_subject_reply=is_reply,
    )


def bare_subject(subject: str) -> tuple[str, bool]:
    """Return a subject without its prefixes, in lower case; and whether one says `Re:`."""
    rest, is_reply = subject.strip(), False
    while found := _PREFIX.match(rest):
        is_reply = is_reply or bool(_REPLIES.match(found.group()))
        rest = rest[found.end() :]
    return " ".join(rest.lower().split()), is_reply


def _ids(message: Part, header: str) -> list[str]:
    value = clean(" ".join(mime.raw_all(message, header)))
    return [found.lower() for found in _MESSAGE_ID.findall(value)]
