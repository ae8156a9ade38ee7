"""What is read out of a mail beside who, when and what: its kind, language, request and thread."""

from datetime import datetime, timedelta
from typing import Final

from contracts.activity import Participant, Role, Signature, Understanding
from contracts.company import Company
from transforms.automatic import Kind, Sender
from transforms.language import Language, language
from transforms.mail_time import utc_offset_minutes
from transforms.mime import Part
from transforms.out_of_office import stated_end
from transforms.reply import Reply
from transforms.request import Request, request
from transforms.signature import read_signature
from transforms.thread import Thread

_ANSWERS: Final = {Kind.OUT_OF_OFFICE, Kind.AUTO_REPLY}


def understood(
    message: Part, sent_at: datetime, company: Company, wrote: Sender, place: Thread, written: str
) -> Understanding:
    """Put together what was read; a request is looked for only in what a person wrote."""
    is_personal = wrote.kind is Kind.PERSONAL
    spoken = Language() if wrote.kind is Kind.BOUNCE else language(written)
    asked = request(written, spoken.code) if is_personal else Request()
    clock = utc_offset_minutes(message, sent_at, company.time_zone)
    sent_on = (sent_at + timedelta(minutes=clock)).date()
    return Understanding(
        mail_kind=wrote.kind,
        kind_evidence=wrote.evidence,
        bounced_address=wrote.bounced,
        absent_until_on=stated_end(written, sent_on) if wrote.kind in _ANSWERS else None,
        language=spoken.code,
        language_probability=spoken.probability,
        is_request=asked.is_request,
        request_probability=asked.probability,
        request_sentence=asked.sentence,
        request_version=asked.version,
        reply_to_id=place.reply_to_id,
        thread_evidence=place.evidence,
        thread_subject=place.subject,
        is_subject_reply=place.is_subject_reply,
        utc_offset_minutes=clock,
    )


def signature_of(
    reply: Reply, author: Participant, kind: Kind, company: Company
) -> Signature | None:
    """Return what the signature of a person outside tells; None for ours, robots and lists."""
    is_told = reply.signature and kind is Kind.PERSONAL
    if not is_told or author.is_ours or author.role is not Role.FROM:
        return None
    return read_signature(reply.signature, author.address, author.name, company.phone_region)
