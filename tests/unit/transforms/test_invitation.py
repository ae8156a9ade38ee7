"""What the calendars in mail say, and the meetings that are made of it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from time import process_time

import pytest
from msgspec.json import encode

from contracts.activity import Channel, TimeQuality
from contracts.company import Company
from contracts.invitation import InvitationRow
from contracts.rows import ActivityRow, SightingRow
from contracts.wire import Event
from transforms.mail import decode_mail
from transforms.meeting import due
from transforms.rows import to_rows

COMPANY = Company(own_domains=("ourco.example",), time_zone="Europe/Berlin")
SENT = datetime(2026, 11, 2, 9, tzinfo=UTC)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
KIM, JO, AL = "kim@ourco.example", "jo@acme.example", "al@acme.example"


def event(*lines, uid="u1", start="20261104T100000Z", end="20261104T103000Z", people=(JO, AL)):
    """The lines of a VEVENT; those given replace the default ones of the same name."""
    given = {*map(name_of, lines)}
    if "DURATION" in given:
        given.add("DTEND")
    default = [
        f"UID:{uid}", "DTSTAMP:20261102T090000Z", f"DTSTART:{start}", f"DTEND:{end}", "SEQUENCE:0",
        "SUMMARY:Line 3", f"ORGANIZER;CN=Kim:mailto:{KIM}",
        *(f"ATTENDEE;CN=x;PARTSTAT=NEEDS-ACTION:mailto:{who}" for who in people),
    ]  # fmt: skip
    kept = [one for one in default if name_of(one) not in given]
    return ["BEGIN:VEVENT", *kept, *lines, "END:VEVENT"]


def name_of(line):
    return line.partition(":")[0].partition(";")[0]


def mail(*events, method="REQUEST", sender=KIM, to="", number=1, sent=SENT):
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}"]
        + [line for lines in events for line in lines]
        + ["END:VCALENDAR", ""]
    )
    to = to or (JO if sender == KIM else KIM)
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Line 3\r\nDate: {sent:%d %b %Y %H:%M:%S} +0000\r\n"
        f"Message-ID: <m{number}@mail.example>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n{text}"
    ).encode()


def rows(payload, company=COMPANY):
    heard = Event(
        kind="mail", source="s", external_id="1", observer="o", ingest_run="r",
        received_at=SENT, payload=payload,
    )  # fmt: skip
    return to_rows(heard, company)


def said(*payloads):
    return [row for one in payloads for row in rows(one) if isinstance(row, InvitationRow)]


def read(*lines, **values):
    return decode_mail(mail(event(*lines, **values)), SENT, COMPANY)


def ended(*payloads, until=LATER, after=NEVER):
    return due(said(*payloads), COMPANY, after, until).meetings


def reply(who, answer, *lines, number=2, **values):
    told = event(f"ATTENDEE;PARTSTAT={answer}:mailto:{who}", *lines, **values)
    return mail(told, method="REPLY", sender=who, number=number)


def test_an_invitation_tells_who_when_and_of_which_meeting():
    (found,) = read("SEQUENCE:3", "STATUS:TENTATIVE").invitations
    assert (found.uid, found.sequence, found.method) == ("u1", 3, "request")
    assert (found.starts_at, found.ends_at) == (
        datetime(2026, 11, 4, 10, tzinfo=UTC), datetime(2026, 11, 4, 10, 30, tzinfo=UTC),
    )  # fmt: skip
    assert (found.organizer_address, found.attendee_address) == (KIM, (JO, AL))
    assert found.attendee_answer == ("needs_action", "needs_action")
    assert (found.status, found.title) == ("tentative", "Line 3")


@pytest.mark.parametrize(
    ("start", "hour"),
    [
        ("DTSTART;TZID=America/New_York:20261104T100000", 15),
        ("DTSTART;TZID=W. Europe Standard Time:20261104T100000", 9),
        ("DTSTART:20261104T100000", 9),
        ("DTSTART;VALUE=DATE:20261105", 23),
    ],
)
def test_a_time_is_on_the_clock_that_it_names_and_on_ours_without_one(start, hour):
    (found,) = read(start, "DURATION:PT30M").invitations
    assert found.starts_at.hour == hour


def test_an_invitation_by_mail_and_a_report_of_its_uid_are_one_meeting():
    (call,) = ended(mail(event()))
    reported = b"""{"provider": "meetwell", "call_id": "77", "shared_id": "u1", "kind": "meeting",
        "started_at": "2026-11-04T10:02:00Z", "duration_seconds": 600, "organizer": "%s",
        "attendees": ["%s"]}""" % (KIM.encode(), JO.encode())
    ids = {activity(payload).activity_id for payload in (encode(call), reported)}
    assert len(ids) == 1
    planned = activity(encode(call))
    assert (planned.channel, planned.duration_seconds) == (Channel.MEETING, 1800)
    assert planned.time_quality == TimeQuality.SCHEDULED
    assert activity(reported).time_quality == TimeQuality.STATED


def activity(payload):
    heard = Event(
        kind="call", source="s", external_id="1", observer="o", ingest_run="r",
        received_at=LATER, payload=payload,
    )  # fmt: skip
    (row,) = (row for row in to_rows(heard, COMPANY) if isinstance(row, ActivityRow))
    return row


MOVED = mail(event("SEQUENCE:1", start="20261105T100000Z", end="20261105T110000Z"), number=3)
CANCELLED = mail(event("SEQUENCE:2"), method="CANCEL", number=4)
INVITED = mail(event())


@pytest.mark.parametrize("order", [*permutations([INVITED, MOVED, reply(JO, "ACCEPTED")])])
def test_a_later_sequence_moves_the_meeting_in_whatever_order_it_is_heard(order):
    (call,) = ended(*order)
    assert (call.started_at.day, call.outcome) == (5, "connected")


@pytest.mark.parametrize("order", [*permutations([INVITED, MOVED, CANCELLED])])
def test_a_cancelled_meeting_was_not_held(order):
    (call,) = ended(*order)
    assert (call.outcome, set(call.attendees)) == ("missed", {JO, AL})


def test_who_declined_did_not_take_part_and_without_anybody_it_was_not_held():
    (call,) = ended(INVITED, reply(JO, "DECLINED"))
    assert (call.outcome, call.attendees) == ("connected", [AL])
    (call,) = ended(INVITED, reply(JO, "DECLINED"), reply(AL, "DECLINED", number=3))
    assert call.outcome == "missed"


def test_an_answer_to_an_older_plan_has_lapsed():
    (call,) = ended(INVITED, reply(JO, "DECLINED"), MOVED)
    assert set(call.attendees) == {JO, AL}


def test_a_stranger_who_knows_the_uid_moves_and_cancels_nothing():
    forged = mail(
        event("SEQUENCE:9", f"ORGANIZER:mailto:{AL}"), method="CANCEL", sender=AL, number=5
    )
    (call,) = ended(INVITED, forged, reply("x@else.example", "ACCEPTED"))
    assert (call.outcome, set(call.attendees)) == ("connected", {JO, AL})


def test_a_counter_proposal_changes_nothing_before_the_organizer_agrees():
    other = mail(
        event(start="20261109T100000Z", end="20261109T110000Z"), method="COUNTER", number=6
    )
    (call,) = ended(INVITED, other)
    assert call.started_at.day == 4


def test_of_a_meeting_of_which_only_answers_are_heard_those_who_answered_take_part():
    (call,) = ended(reply(JO, "ACCEPTED"), reply(AL, "DECLINED", number=3))
    assert (call.outcome, call.organizer, call.attendees) == ("connected", KIM, [JO])


def test_a_meeting_is_made_once_it_ended_and_not_before():
    at = datetime(2026, 11, 4, 10, 30, tzinfo=UTC)
    before = due(said(INVITED), COMPANY, NEVER, at - timedelta(seconds=1))
    assert (before.meetings, before.next_at) == ([], at)
    after = due(said(INVITED), COMPANY, at - timedelta(seconds=1), at)
    assert (len(after.meetings), after.next_at) == (1, None)


def series(*lines):
    """A VEVENT that begins on a Tuesday, at ten in Berlin."""
    default = ("DTSTART;TZID=Europe/Berlin:20261013T100000",
               "DTEND;TZID=Europe/Berlin:20261013T103000", "DTSTAMP:20261001T090000Z")  # fmt: skip
    given = {*map(name_of, lines)}
    return event(*(line for line in default if name_of(line) not in given), *lines)


def test_each_meeting_of_a_series_is_one_at_the_same_time_of_day_across_a_change_of_clocks():
    weekly = mail(series("RRULE:FREQ=WEEKLY;COUNT=4"))
    calls = ended(weekly)
    assert [call.shared_id for call in calls] == [
        "u1/20261013T080000Z", "u1/20261020T080000Z", "u1/20261027T090000Z", "u1/20261103T090000Z",
    ]  # fmt: skip


def test_one_meeting_of_a_series_is_moved_another_cancelled_a_third_left_out():
    weekly = series("RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20261027T100000")
    moved = series("RECURRENCE-ID:20261020T080000Z", "DTSTART:20261021T120000Z",
                   "DTEND:20261021T130000Z", "SEQUENCE:1")  # fmt: skip
    off = series("RECURRENCE-ID;TZID=Europe/Berlin:20261103T100000", "SEQUENCE:1",
                 "DTSTART:20261103T090000Z", "DTEND:20261103T093000Z")  # fmt: skip
    calls = ended(mail(weekly), mail(moved, number=2), mail(off, method="CANCEL", number=3))
    assert {(call.shared_id, call.started_at.day, call.outcome) for call in calls} == {
        ("u1/20261013T080000Z", 13, "connected"),
        ("u1/20261020T080000Z", 21, "connected"),
        ("u1/20261103T090000Z", 3, "missed"),
    }


def test_a_change_of_a_series_leaves_the_meetings_that_were_held():
    weekly = mail(series("RRULE:FREQ=WEEKLY"))
    ends = mail(series("SEQUENCE:1", "DTSTAMP:20261021T090000Z"), method="CANCEL", number=2)
    calls = ended(weekly, ends)
    assert [call.started_at.day for call in calls] == [13, 20]
    assert {call.outcome for call in calls} == {"connected"}


def test_a_whole_day_is_no_meeting():
    day = mail(event("DTSTART;VALUE=DATE:20261104", "DTEND;VALUE=DATE:20261105"))
    assert [row.is_all_day for row in said(day)] == [True]
    assert ended(day) == []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["UID:"], "UID"),
        (["DTSTART:nonsense"], "DTSTART"),
        (["DTSTART:99991104T100000Z"], "not believed"),
        (["DTSTART:00011104T100000Z"], "not believed"),
        (["DTSTART;TZID=Nowhere/Land:20261104T100000"], "Nowhere/Land"),
        (["DTEND:20261204T100000Z"], "ends at"),
        (["RRULE:FREQ=SECONDLY"], "recurrence"),
        (["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"], "recurrence"),
        (["RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=MO"], "recurrence"),
        (["RRULE:FREQ=MONTHLY;BYDAY=9MO"], "recurrence"),
        (["RRULE:FREQ=WEEKLY;INTERVAL=0"], "recurrence"),
        (["RRULE:FREQ=WEEKLY;INTERVAL=2,3"], "INTERVAL"),
        (["RRULE:FREQ=WEEKLY;COUNT=3,4"], "COUNT"),
        (["RRULE:FREQ=WEEKLY;WKST=MO,TU"], "WKST"),
        (["RRULE:FREQ=WEEKLY;UNTIL=00010101T000000Z"], "UNTIL"),
    ],
)
def test_what_can_not_be_read_is_told_and_the_mail_stays_a_mail(lines, why):
    found = rows(mail(event(*lines)))
    (row,) = (row for row in found if isinstance(row, ActivityRow))
    assert row.mail_kind == "calendar"
    assert why in row.kind_evidence
    assert not [one for one in found if isinstance(one, InvitationRow)]


@pytest.mark.parametrize(
    "excluded",
    [
        {"excluded_addresses": (AL,)},
        {"excluded_domains": ("acme.example",)},
        {"excluded_subject_words": ("board meeting",)},
    ],
)
def test_an_invitation_is_not_kept_whose_title_or_people_are_excluded(excluded):
    payload = mail(event("SUMMARY:Board meeting", people=(AL,)), to="sam@other.example")
    company = COMPANY.model_copy(update=excluded)
    assert [type(row) for row in rows(payload)] == [SightingRow, ActivityRow, InvitationRow]
    assert [type(row) for row in rows(payload, company)] == [SightingRow, ActivityRow]


def test_a_bad_event_spoils_no_other():
    found = (
        read().invitations
        + decode_mail(
            mail(event("DTSTART:x", uid="bad"), event(uid="good")), SENT, COMPANY
        ).invitations
    )
    assert [one.uid for one in found] == ["u1", "good"]


def test_a_clock_that_a_mail_defines_is_not_remembered_for_others():
    zone = ["BEGIN:VTIMEZONE", "TZID:Mine", "BEGIN:STANDARD", "DTSTART:19700101T000000",
            "TZOFFSETFROM:+0500", "TZOFFSETTO:+0500", "END:STANDARD", "END:VTIMEZONE"]  # fmt: skip
    decode_mail(mail(zone, event()), SENT, COMPANY)
    told = read("DTSTART;TZID=Mine:20261104T100000").understood.kind_evidence
    assert "not known: Mine" in told


HOSTILE = {
    "endless rule": ["RRULE:FREQ=DAILY", "DTSTART:19700105T100000Z", "DTEND:19700105T103000Z"],
    "long rule": ["RRULE:FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 20_000)],
    "exclusions": ["RRULE:FREQ=DAILY", "EXDATE:" + ",".join(["20261105T100000Z"] * 10_000)],
    "attendees": [f"ATTENDEE:mailto:a{n}@acme.example" for n in range(5_000)],
    "events": [*["BEGIN:VEVENT", "UID:x", "END:VEVENT"] * 10_000],
    "parameters": ["ATTENDEE" + ";X=y" * 40_000 + ":mailto:jo@acme.example"],
    "deep": ["BEGIN:VEVENT"] * 20_000,
    "folds": ["SUMMARY:" + "\r\n " * 60_000],
    "unfinished": ["X" * 190_000],
    "clocks": ["BEGIN:VTIMEZONE", "TZID:Z", "BEGIN:STANDARD", "RRULE:FREQ=SECONDLY",
               "DTSTART:16010101T000000", "END:STANDARD", "END:VTIMEZONE"],
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_calendar_costs_little(name):
    began = process_time()
    ended(mail(event(*HOSTILE[name])))
    assert process_time() - began < 3
