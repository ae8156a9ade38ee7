"""Matches, accounts and commands against the real warehouse."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from contracts.clock import ManualClock, SystemClock
from contracts.command import Command, CommandKind
from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow, LeadRow, OpportunityRow
from contracts.errors import UserError
from contracts.matching import CERTAIN, MatchRules
from contracts.rows import ActivityRow, DeadLetterRow, MatchRow
from contracts.signature_rows import SignatureRow
from contracts.wire import Event, Recorded, RecordedBatch, decode_recorded, encode
from ingest import matching
from ingest.account import account, wait_for
from ingest.affected import outdated
from ingest.commands import DONE, REFUSED, Commands
from ingest.directory import read_directory
from ingest.matching import Matcher, everything, rematch
from ingest.pipeline import Message, Pipeline
from ingest.what_if import apply, compare
from transforms.erasure import PERSONS, identity, pattern, token
from transforms.rows import to_rows
from warehouse.erase import Eraser, Person
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLDEST = datetime(1900, 1, 1, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))


def hear(writer: Writer, run: str, *senders: str, source: str = "eml:/x") -> list[Recorded]:
    recorded = []
    for number, sender in enumerate(senders):
        text = f"From: {sender}\nTo: kim@ourco.example\nSubject: {run} {number}\n\nHello"
        event = Event(
            kind="mail", source=source, external_id=f"{run}-{number}", observer="x",
            ingest_run=run, received_at=NOW, payload=text.encode(),
        )  # fmt: skip
        rows = to_rows(event, COMPANY)
        writer.write(rows)
        recorded += [
            Recorded(activity_id=row.activity_id, event_time=NOW, outside=(sender,))
            for row in rows
            if isinstance(row, ActivityRow)
        ]
    return recorded


def know(writer: Writer, name: str) -> None:
    account = AccountRow(
        account_id=name, name=name.title(), domains=(f"{name}.com",), source="csv", knowable_at=NOW
    )
    contact = ContactRow(
        contact_id=f"c-{name}", account_id=name, emails=(f"jo@{name}.com",), source="csv",
        knowable_at=NOW,
    )  # fmt: skip
    writer.write([account, contact])


def current(reader: Reader, activity_id: UUID) -> MatchRow:
    sql = "SELECT * FROM live.match WHERE activity_id = %(id)s"
    (row,) = reader.rows(MatchRow, sql, {"id": activity_id})
    return row


def test_mail_that_came_before_the_crm_is_matched_when_the_crm_comes(reader, writer):
    (heard,) = hear(writer, "early", "jo@early.com")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    writer.write(matcher.match([heard]))
    assert current(reader, heard.activity_id).rule == "none"
    know(writer, "early")
    assert matcher.catch_up(writer) == 1
    found = current(reader, heard.activity_id)
    assert (found.rule, found.account_id, found.contact_id) == ("contact", "early", "c-early")


def test_what_a_lead_tells_is_decided_when_it_and_its_account_have_come(reader, writer):
    """A lead that tells of nobody yet is asked again when an account takes its company's domain."""
    (heard,) = hear(writer, "lead", "lena@gmail.com")
    matcher = Matcher(reader, COMPANY, SystemClock())
    writer.write(matcher.match([heard]))
    known = {"source": "csv", "knowable_at": NOW}
    lead = LeadRow(
        lead_id="l-lead", emails=("Lena@gmail.com",), domains=("www.leadco.example/x",), **known
    )
    writer.write([lead])
    matcher.catch_up(writer)
    assert current(reader, heard.activity_id).rule == "none"
    writer.write([AccountRow(account_id="leadco", name="L", domains=("leadco.example",), **known)])
    assert matcher.catch_up(writer) == 1
    found = current(reader, heard.activity_id)
    assert (found.rule, found.account_id) == ("lead", "leadco")
    assert "is an address of the lead l-lead" in found.reason
    assert found.margin < CERTAIN


def test_a_decision_under_way_while_the_crm_changed_is_caught_up(reader, writer):
    (heard,) = hear(writer, "slow", "jo@slow.com")
    (slow,) = Matcher(reader, COMPANY, SystemClock()).match([heard])
    know(writer, "slow")
    matcher = Matcher(reader, COMPANY, SystemClock())
    assert matcher.catch_up(writer) == 0
    writer.write([slow])
    assert current(reader, heard.activity_id).rule == "none"
    assert matcher.catch_up(writer) == 1
    assert current(reader, heard.activity_id).rule == "contact"


@pytest.mark.parametrize(
    ("seen", "looked_until", "is_outdated"),
    [
        ("before", "before", True),
        ("after", "before", True),
        ("before", "after", True),
        ("after", "after", False),
    ],
)
def test_a_decision_that_saw_a_change_is_looked_at_again_only_for_newer_ones(
    reader, writer, seen, looked_until, is_outdated
):
    moments = {"before": SystemClock().now()}
    name = f"{seen}-{looked_until}"
    know(writer, name)
    (heard,) = hear(writer, name, f"jo@{name}.com")
    (row,) = Matcher(reader, COMPANY, SystemClock()).match([heard])
    moments["after"] = SystemClock().now()
    writer.write([replace(row, crm_version=moments[seen])])
    version = moments["after"] + timedelta(minutes=5)
    found = outdated(reader, COMPANY, moments[looked_until], version)
    assert (heard.activity_id in found) is is_outdated


def test_a_decision_that_stands_gets_no_second_row(reader, writer):
    know(writer, "stands")
    (heard,) = hear(writer, "stands", "jo@stands.com")
    writer.write(Matcher(reader, COMPANY, ManualClock(NOW)).match([heard]))
    know(writer, "another")
    assert rematch(reader, writer, COMPANY, NOW + timedelta(hours=1)) == 0
    rows = reader.value(
        "SELECT count() FROM raw.match FINAL WHERE activity_id = %(id)s", {"id": heard.activity_id}
    )
    assert rows == 1


@pytest.mark.parametrize("many", [1, 10_000], ids=["all", "those concerned"])
def test_what_a_change_of_the_crm_concerns_is_decided_again_however_many_these_are(
    reader, writer, monkeypatch, many
):
    monkeypatch.setattr(matching, "_MANY", many)
    matcher, later = Matcher(reader, COMPANY, ManualClock(NOW)), NOW + timedelta(hours=1)
    know(writer, "stays")
    heard = hear(writer, "many", "jo@stays.com", "jo@comes.com", "jo@chosen.com", "jo@waits.com")
    stays, comes, chosen, waits = (one.activity_id for one in heard)
    writer.write(matcher.match(heard[:3]))
    carry_out(reader, writer, choose(chosen, "stays"))
    for name in ("comes", "chosen", "waits"):
        know(writer, name)
    assert rematch(reader, writer, COMPANY, later) == 1
    found = {row.activity_id: row for row in reader.rows(MatchRow, "SELECT * FROM live.match")}
    assert waits not in found
    assert {key: row.account_id for key, row in found.items()} == {
        stays: "stays", comes: "comes", chosen: "stays",
    }  # fmt: skip
    assert (found[stays].matched_at, found[comes].matched_at) == (NOW, later)
    assert found[stays].crm_version == found[comes].crm_version > found[chosen].crm_version
    assert rematch(reader, writer, COMPANY, later + timedelta(hours=1)) == 0


def test_a_persons_choice_is_sticky(reader, writer):
    (heard,) = hear(writer, "sticky", "jo@sticky.com")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    writer.write(matcher.match([heard]))
    know(writer, "chosen")
    done = carry_out(reader, writer, choose(heard.activity_id, "chosen"))
    assert done.outcome == DONE
    know(writer, "sticky")
    rematch(reader, writer, COMPANY, NOW + timedelta(hours=1))
    found = current(reader, heard.activity_id)
    assert (found.account_id, found.decided_by) == ("chosen", "lena@ourco.example")


def test_a_command_is_carried_out_once(reader, writer):
    (heard,) = hear(writer, "once", "jo@once.com")
    know(writer, "once")
    command = choose(heard.activity_id, "once")
    assert carry_out(reader, writer, command).outcome == DONE
    assert carry_out(reader, writer, command) is None


def test_a_command_that_makes_no_sense_is_refused_with_the_reason(reader, writer):
    (heard,) = hear(writer, "nonsense", "jo@nonsense.com")
    for command, told in (
        (choose(uuid4(), ""), "no activity"),
        (choose(heard.activity_id, "nobody"), "no account"),
        (choose("x", ""), "not an id"),
    ):
        row = carry_out(reader, writer, command)
        assert row.outcome == REFUSED
        assert told in row.detail


def test_a_directory_is_read_again_only_when_the_crm_changed(reader, writer):
    know(writer, "first")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    matcher.catch_up(writer)
    (heard,) = hear(writer, "seen", "jo@first.com")
    assert [row.account_id for row in matcher.match([heard])] == ["first"]


async def test_the_account_of_a_run_adds_up(reader, writer):
    hear(writer, "run1", "jo@a.com", "pat@ourco.example", "li@b.com")
    hear(writer, "run1", "jo@a.com", source="eml:/copy")
    writer.write([dead_letter("run1")])
    found = await wait_for(reader, "eml:/x", "run1", 4)
    assert found.seen == 5
    assert found == account(reader, "run1")
    assert (found.activities, found.repeated, found.excluded, found.dead_lettered) == (2, 1, 1, 1)
    assert found.reasons == {"excluded: internal": 1, "dead_lettered: empty": 1}
    assert str(found).startswith("5 seen = 2 activities, 0 records, 1 repeated, 1 excluded, 1 dead")


async def test_waiting_for_a_worker_that_is_gone_ends_with_what_to_do(reader):
    with pytest.raises(UserError, match="headwater status"):
        await wait_for(reader, "eml:/x", "nobody", 1, patience_seconds=0.3)


def choose(activity_id: object, account_id: str) -> Command:
    return Command(
        kind=CommandKind.CHOOSE_MATCH,
        idempotency_key=uuid4(),
        actor="lena@ourco.example",
        reason="she told me",
        issued_at=NOW,
        subject_id=str(activity_id),
        value=account_id,
    )


def carry_out(reader, writer, command):
    async def replay(reason: str) -> int:
        raise AssertionError(f"nobody asked to replay {reason}")

    inherited = Matcher(reader, COMPANY, ManualClock(NOW)).inherited
    return asyncio.run(Commands(reader, writer, replay, inherited).carry_out(command))


def dead_letter(run: str) -> DeadLetterRow:
    return DeadLetterRow(
        dead_letter_id=uuid4(), topic="heard.mail", partition=0, offset=0, position=0, kind="mail",
        source="eml:/x", external_id="dead", ingest_run=run, reason="empty", detail="",
        is_event=True, event_base64="", failed_at=NOW,
    )  # fmt: skip


def test_rules_are_tried_before_they_are_applied(reader, writer):
    know(writer, "tried")
    (heard,) = hear(writer, "tried", "new@tried.com")
    writer.write(Matcher(reader, COMPANY, ManualClock(NOW)).match([heard]))
    rules = MatchRules(domain=False)
    directory = read_directory(reader, COMPANY, rules)
    later = NOW + timedelta(hours=1)
    found = compare(everything(reader, directory, OLDEST, later), samples=3)
    assert found.accounts["lost"] == 1
    assert found.by_rule == {"domain -> none": 1}
    assert current(reader, heard.activity_id).account_id == "tried"
    assert apply(everything(reader, directory, OLDEST, later), writer) >= 1
    assert current(reader, heard.activity_id).account_id == ""
    assert apply(everything(reader, directory, OLDEST, later), writer) == 0


def test_who_chooses_a_deal_chooses_its_account(reader, writer):
    know(writer, "dealt")
    deal = OpportunityRow(
        opportunity_id="d-1", account_id="dealt", stage="x", created_on=NOW.date(), source="csv",
        knowable_at=NOW,
    )  # fmt: skip
    writer.write([deal])
    (heard,) = hear(writer, "dealt", "x@dealt.com")
    command = replace(choose(heard.activity_id, "d-1"), kind=CommandKind.CHOOSE_OPPORTUNITY)
    assert carry_out(reader, writer, command).outcome == DONE
    found = current(reader, heard.activity_id)
    assert (found.account_id, found.opportunity_id) == ("dealt", "d-1")
    nonsense = replace(choose(heard.activity_id, "d-9"), kind=CommandKind.CHOOSE_OPPORTUNITY)
    assert carry_out(reader, writer, nonsense).outcome == REFUSED


def test_of_a_batch_only_the_activity_that_fails_is_refused(reader, writer, monkeypatch):
    know(writer, "sound")
    heard = hear(writer, "sound", "jo@sound.com", "al@sound.com", "bo@sound.com")
    decide = matching.match

    def failing(recorded, *rest):
        if recorded.activity_id == heard[1].activity_id:
            raise ZeroDivisionError("a bug")
        return decide(recorded, *rest)

    monkeypatch.setattr(matching, "match", failing)
    matcher = Matcher(reader, COMPANY, SystemClock())
    pipeline = Pipeline(
        lambda data: (decode_recorded(data).activities,), matcher.match, writer.write
    )
    message = Message("activities", 0, 7, encode(RecordedBatch(activities=tuple(heard))))
    outcome = pipeline.carry_out([message])
    (refused,) = outcome.refused
    assert (refused.position, refused.item, refused.why.detail) == (
        1, heard[1], "ZeroDivisionError: a bug",
    )  # fmt: skip
    assert {row.activity_id for row in outcome.rows} == {
        heard[0].activity_id, heard[2].activity_id,
    }  # fmt: skip
    assert current(reader, heard[2].activity_id).account_id == "sound"
    monkeypatch.undo()
    directory = read_directory(reader, COMPANY)
    assert apply(everything(reader, directory, OLDEST, NOW + timedelta(hours=1)), writer)
    assert current(reader, heard[1].activity_id).account_id == "sound"


def call(writer: Writer, run: str, number: str) -> Recorded:
    """Store a call from a number, as a phone system tells of it."""
    told = (
        f'{{"provider": "x", "call_id": "{run}", "direction": "inbound", '
        f'"started_at": "2026-11-23T11:00:00Z", "duration_seconds": 90, '
        f'"from": "{number}", "to": "+14155550000"}}'
    )
    event = Event(
        kind="call", source="calls:x", external_id=run, observer="x", ingest_run=run,
        received_at=NOW, payload=told.encode(),
    )  # fmt: skip
    rows = to_rows(event, COMPANY.model_copy(update={"own_numbers": ("+14155550000",)}))
    writer.write(rows)
    (row,) = (row for row in rows if isinstance(row, ActivityRow))
    return Recorded(activity_id=row.activity_id, event_time=NOW, outside=(number,), channel="call")


def sign(writer: Writer, number: int, address: str, phone: str, name: str = "Jo Lee") -> None:
    writer.write(
        [
            SignatureRow(
                address=address, activity_id=UUID(int=number), event_time=NOW, name=name, title="",
                company="", phone=(phone,), evidence=f"{name}\n{phone}",
            )
        ]
    )  # fmt: skip


def test_a_number_that_one_person_signs_with_finds_their_account_less_surely(reader, writer):
    know(writer, "signed")
    heard = call(writer, "signed", "+14155550123")
    sign(writer, 1, "jo@signed.com", "+14155550123")
    (found,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([heard])
    assert (found.rule, found.account_id, found.contact_id) == ("signature", "signed", "c-signed")
    assert 0 < found.margin < CERTAIN
    assert "+14155550123 is in the signatures of jo@signed.com" in found.reason
    off = Matcher(reader, COMPANY, ManualClock(NOW), MatchRules(signature=False))
    assert [row.rule for row in off.match([heard])] == ["none"]


def test_a_number_that_two_people_sign_with_finds_nobody(reader, writer):
    know(writer, "switch")
    heard = call(writer, "switch", "+14155550124")
    sign(writer, 1, "jo@switch.com", "+14155550124")
    sign(writer, 2, "mo@switch.com", "+14155550124", name="Mo May")
    (found,) = Matcher(reader, COMPANY, ManualClock(NOW)).match([heard])
    assert found.rule == "none"


def test_a_call_is_matched_when_its_number_is_signed_later(reader, writer):
    know(writer, "later")
    heard = call(writer, "later", "+14155550125")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    writer.write(matcher.match([heard]))
    matcher.catch_up(writer)
    sign(writer, 1, "jo@later.com", "+14155550125")
    assert current(reader, heard.activity_id).rule == "none"
    know(writer, "newer")
    rematch(reader, writer, COMPANY, NOW + timedelta(hours=1))
    assert current(reader, heard.activity_id).account_id == "later"


def test_the_reason_of_a_signatures_match_is_erased_with_its_person(reader, writer, warehouse_url):
    know(writer, "gone")
    heard = call(writer, "gone", "+14155550126")
    sign(writer, 1, "mo@gone.com", "+14155550126", name="Mo May")
    matcher = Matcher(reader, COMPANY, ManualClock(NOW))
    writer.write(matcher.match([heard]))
    assert "mo@gone.com" in current(reader, heard.activity_id).reason
    who = identity("mo@gone.com", "US")
    person = Person(pattern(who), token(b"key", who), PERSONS)
    Eraser(warehouse_url).sweep(person, "asked")
    held = reader.frame("SELECT * FROM raw.match").to_csv()
    assert reader.value("SELECT count() FROM raw.signature") == 0
    assert "mo@gone.com" not in held
    assert "+14155550126" in held
