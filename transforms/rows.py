"""The one way from an event to rows: live, backfill and tests share it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import asdict, replace

from contracts.activity import Activity, Participant, Role
from contracts.capture_rows import QuarantineRow
from contracts.company import Company
from contracts.errors import Rejected
from contracts.invitation import Invitation, InvitationRow
from contracts.rows import ActivityRow, Row, SightingRow
from contracts.signature_rows import SignatureRow
from contracts.wire import Event
from transforms.calls import decode_call
from transforms.capture import kept
from transforms.colleagues import seen_from
from transforms.crm import decode_crm
from transforms.exclusions import reason_to_exclude
from transforms.mail import decode_mail
from transforms.meeting import series_id

NO_ACTIVITY: Final = UUID(int=0)
UNKNOWN: Final = "unknown"
"""Why a mail is not kept of which only a header waits: the CRM knows nobody in it."""
LIVE_WITHIN: Final = timedelta(hours=3)
"""What began longer before it was heard is not live news, whichever door it came by."""


def to_rows(event: Event, company: Company) -> tuple[Row, ...]:
    """Return what an event becomes: its sighting, and the activity or CRM record that it tells of.

    Pure: nothing is looked up, and the same event gives the same rows. Of an excluded event
    nothing is left but a sighting with the reason.

    Raises:
        Rejected: if the payload can't be understood; `decoder_failed` for what no decoder
            foresaw, so that one odd message never stops the stream.
    """
    try:
        return _rows(event, company)
    except Rejected:
        raise
    except Exception as error:
        raise Rejected("decoder_failed", f"{type(error).__name__}: {error}") from error


def _rows(event: Event, company: Company) -> tuple[Row, ...]:
    if event.captured == "excluded":
        return (sighting(event, "excluded", event.held_at or event.received_at, event.reason),)
    if event.kind == "crm":
        record = decode_crm(event.payload, event.source, event.received_at)
        return sighting(event, "record", record.knowable_at), record
    company = seen_from(company, event.observer)
    activity = _decoded(event, company)
    if reason := reason_to_exclude(activity, company):
        return (sighting(event, "excluded", activity.event_time, reason),)
    if event.captured == "quarantined":
        seen = sighting(event, "excluded", activity.event_time, UNKNOWN)
        return seen, _quarantine_row(event, activity)
    seen = sighting(event, "activity", activity.event_time, activity_id=activity.activity_id)
    if event.captured == "unknown":
        quarantined = _quarantine_row(event, activity)
        return seen, _activity_row(event, _without_subject(event, company), "metadata"), quarantined
    row = _activity_row(event, activity, event.captured)
    return seen, row, *_signature_rows(activity), *_invitation_rows(activity, company)


def _decoded(event: Event, company: Company) -> Activity:
    decode = decode_mail if event.kind == "mail" else decode_call
    activity = decode(event.payload, event.received_at, company)
    return replace(activity, activity_id=event.activity_id) if event.activity_id else activity


def _without_subject(event: Event, company: Company) -> Activity:
    metadata = kept(event.payload, "metadata", "metadata")
    return _decoded(replace(event, payload=metadata), company)


def sighting(
    event: Event,
    disposition: str,
    event_time: datetime,
    reason: str = "",
    *,
    activity_id: UUID = NO_ACTIVITY,
) -> SightingRow:
    """Return what became of an event."""
    return SightingRow(
        source=event.source,
        external_id=event.external_id,
        ingest_run=event.ingest_run,
        kind=event.kind,
        observer=event.observer,
        disposition=disposition,
        reason=reason,
        activity_id=activity_id,
        event_time=event_time,
        received_at=event.received_at,
        held_at=event.held_at,
        is_live=event.is_live and event.received_at - event_time < LIVE_WITHIN,
    )


def _quarantine_row(event: Event, activity: Activity) -> QuarantineRow:
    return QuarantineRow(
        source=event.source,
        external_id=event.external_id,
        observer=event.observer,
        ingest_run=event.ingest_run,
        activity_id=activity.activity_id,
        outside=activity.outside,
        header=event.payload.decode("latin-1"),  # every byte has its character
        held_at=event.held_at,
        quarantined_at=event.received_at,
    )


def _activity_row(event: Event, activity: Activity, captured: str) -> ActivityRow:
    people = activity.participants
    return ActivityRow(
        activity_id=activity.activity_id,
        channel=activity.channel,
        direction=activity.direction,
        event_time=activity.event_time,
        time_quality=activity.time_quality,
        knowable_at=activity.knowable_at,
        received_at=event.received_at,
        source=event.source,
        message_id=activity.message_id,
        thread_id=activity.thread_id,
        subject=activity.subject,
        body=activity.body,
        duration_seconds=activity.duration_seconds,
        is_automatic=activity.is_automatic,
        participant_address=tuple(p.address for p in people),
        participant_name=tuple(p.name for p in people),
        participant_role=tuple(p.role for p in people),
        participant_is_ours=tuple(p.is_ours for p in people),
        captured=captured,
        **asdict(activity.understood),
    )


def _signature_rows(activity: Activity) -> tuple[SignatureRow, ...]:
    signature = activity.signature
    if signature is None:
        return ()
    row = SignatureRow(
        address=activity.participants[0].address,
        activity_id=activity.activity_id,
        event_time=activity.event_time,
        name=signature.name,
        title=signature.title,
        company=signature.company,
        phone=signature.phones,
        evidence=signature.text,
    )
    return (row,)


def _invitation_rows(activity: Activity, company: Company) -> tuple[InvitationRow, ...]:
    return tuple(
        InvitationRow(series_id=series_id(one.uid), activity_id=activity.activity_id, **asdict(one))
        for one in activity.invitations
        if not reason_to_exclude(_told_by(one, activity), company)
    )


def _told_by(invitation: Invitation, mail: Activity) -> Activity:
    """Return the mail with the title and the people of its invitation, who may be others."""
    named = (invitation.organizer_address, *invitation.attendee_address)
    people = tuple(
        Participant(address, "", Role.ATTENDEE, is_ours=False) for address in named if address
    )
    return replace(mail, subject=invitation.title, participants=people)
