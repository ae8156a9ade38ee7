"""What the CRM lacks, by account and by team; and whom it should know, once each."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.command_rows import CommandRow
from contracts.crm_rows import AccountRow, AssignmentRow, ContactRow, LeadRow, OrgUnitRow, RepRow
from contracts.free_mail import FREE_MAIL_DOMAINS
from contracts.rows import ActivityRow, MatchRow
from contracts.signature_rows import SignatureRow
from dashboard.coverage_reading import PROPOSALS
from ingest.directory import signature_phones
from transforms.domains import says_who

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CRM = {"source": "csv", "knowable_at": NOW - timedelta(days=100)}
HEARD = (
    ("jo@acme.com", "Jo Lee"),
    ("mo.may@acme.com", "Mo May"),
    ("mo.may+x@acme.com", "Mo May"),
    ("info@acme.com", "Acme"),
    ("mm@gmail.com", "M M"),
    ("jlee@acme.com", "Jo Lee"),
    ("maymo@acme.com", "Mo May"),
)


def activity(number, address, name, **told):
    known = {
        "activity_id": UUID(int=number), "channel": "email", "direction": "inbound",
        "event_time": NOW - timedelta(days=number), "time_quality": "stated", "knowable_at": NOW,
        "received_at": NOW, "source": "x", "message_id": f"m{number}", "thread_id": f"t{number}",
        "subject": "", "body": "", "duration_seconds": 0, "is_automatic": False,
        "participant_address": (address, "kim@our.example"), "participant_name": (name, "Kim"),
        "participant_role": ("from", "to"), "participant_is_ours": (False, True),
    }  # fmt: skip
    return ActivityRow(**known | told)


def matched(row, account_id="a"):
    return MatchRow(
        activity_id=row.activity_id, decided_by="rule", matched_at=NOW, account_id=account_id,
        contact_id="", rule="domain", reason="", candidate_account_id=(account_id,),
        rule_version=2, crm_version=NOW,
    )  # fmt: skip


@pytest.fixture
def asked(reader, writer):
    heard = [activity(n, *who) for n, who in enumerate(HEARD, start=1)]
    call = {"channel": "call", "participant_role": ("caller", "callee"), "duration_seconds": 100}
    heard += [activity(8, "+14155550199", "", **call)]
    partner = activity(9, "rita@reseller.com", "Rita Ray")
    robot = activity(10, "robot@acme.com", "", is_automatic=True)
    writer.write(
        [
            AccountRow(account_id="a", name="Acme", domains=("https://www.Acme.com",), **CRM),
            AccountRow(account_id="p", name="Re", account_type="Partner", **CRM),
            ContactRow(
                contact_id="jo", account_id="a", name="Jo Lee", emails=("Jo@acme.com",),
                phones=("(415) 555-0199",), **CRM,
            ),
            RepRow(rep_id="r1", name="Kim", email="Kim@our.example", **CRM),
            OrgUnitRow(unit_id="t1", unit_kind="team", name="East", **CRM),
            AssignmentRow(
                child_id="r1", parent_kind="team", parent_id="t1",
                effective_from=date(2026, 1, 1), **CRM,
            ),
            *heard, partner, robot, *map(matched, [*heard, robot]), matched(partner, "p"),
        ]
    )  # fmt: skip

    def ask(view, days=90):
        moment = f"{NOW:%Y-%m-%d %H:%M:%S.%f}"
        sql = f"SELECT * FROM live.{view}(as_of = %(as_of)s, days = %(days)s)"
        return reader.frame(sql, {"as_of": moment, "days": days}).to_dict("records")

    return ask


def test_the_gap_counts_buyers_and_activity_that_no_contact_stands_for(asked):
    for view in ("capture_gap_account", "capture_gap_team"):
        (gap,) = asked(view)
        assert (gap["active_buyers"], gap["unknown_buyers"]) == (3, 2)
        assert (gap["activities"], gap["unknown_activities"]) == (8, 6)
    assert asked("capture_gap_team")[0]["name"] == "East"


def test_only_the_period_counts(asked):
    (gap,) = asked("capture_gap_account", days=2)
    assert (gap["activities"], gap["unknown_activities"]) == (1, 0)


def test_a_person_is_proposed_once_with_evidence_and_no_role_free_mail_or_namesake(asked):
    (found,) = asked("contact_proposal")
    assert (found["name"], found["activities"]) == ("Mo May", 3)
    assert sorted(found["addresses"]) == ["maymo@acme.com", "mo.may@acme.com"]
    assert found["with_whom"] == ["kim@our.example"]


def test_who_was_dismissed_by_one_address_is_proposed_no_more(asked, writer):
    writer.write(
        [
            CommandRow(
                idempotency_key=uuid4(), kind="dismiss_contact", actor="lena", reason="left",
                subject_id="mo.may@acme.com", value="", issued_at=NOW, outcome="done",
                detail="dismissed",
            )
        ]
    )  # fmt: skip
    assert asked("contact_proposal") == []


def test_a_person_counts_once_whatever_they_write_or_call_from_and_it_is_said_why(asked, writer):
    signed = {"title": "", "company": "", "evidence": "", "event_time": NOW}
    more = [
        activity(20, "may@acme.com", "May, Mo (Acme)"),
        activity(21, "+14155550123", "", channel="call", duration_seconds=100),
        activity(22, "+14155550100", "", channel="call", duration_seconds=100),
        activity(23, "ann@acme.com", ""),
    ]
    writer.write(
        [
            *more, *map(matched, more),
            SignatureRow(address="mo.may+y@acme.com", activity_id=UUID(int=2), name="Mo May",
                         phone=("+14155550123", "+14155550100"), **signed),
            SignatureRow(address="ann@acme.com", activity_id=UUID(int=23), name="Ann Ode",
                         phone=("+14155550100",), **signed),
        ]
    )  # fmt: skip
    people = {row["address_key"]: (row["person"], row["evidence"]) for row in asked("buyer")}
    assert people["jo@acme.com"] == ("jo", "contact_address")
    assert people["jlee@acme.com"] == ("jo", "contact_name")
    for address in ("mo.may@acme.com", "maymo@acme.com", "may@acme.com"):
        assert people[address] == ("mo may", "same_name")
    assert people["155550123"] == ("mo may", "signature")
    assert people["155550100"] == ("155550100", "address")
    assert people["ann@acme.com"] == ("ann ode", "address")
    (gap,) = asked("capture_gap_account")
    assert (gap["active_buyers"], gap["unknown_buyers"]) == (5, 4)
    assert asked("capture_gap_team")[0]["unknown_buyers"] == 4
    found = {row["name"]: row for row in asked("contact_proposal")}
    assert sorted(found) == ["Ann Ode", "Mo May"]
    assert "155550123" in found["Mo May"]["addresses"]
    assert "@" in found["Mo May"]["address"]
    assert sorted(found["Mo May"]["evidence"]) == ["same_name", "signature"]


def test_a_lead_is_known_by_each_address_and_proposed_no_more(asked, writer):
    writer.write([LeadRow(lead_id="l1", name="Mo May", emails=("MayMo+x@acme.com",), **CRM)])
    people = {row["address_key"]: row for row in asked("buyer")}
    assert (people["maymo@acme.com"]["lead_id"], people["maymo@acme.com"]["evidence"]) == (
        "l1", "lead_address",
    )  # fmt: skip
    assert {row["address_key"] for row in people.values() if row["is_known"]} == {
        "jo@acme.com", "jlee@acme.com", "155550199", "maymo@acme.com", "mo.may@acme.com",
    }  # fmt: skip
    for view in ("capture_gap_account", "capture_gap_team"):
        (gap,) = asked(view)
        assert (gap["active_buyers"], gap["unknown_buyers"]) == (3, 1)
        assert (gap["activities"], gap["unknown_activities"]) == (8, 5)
    assert asked("contact_proposal") == []


def test_a_converted_lead_is_its_contact(asked, writer):
    converted = {"converted_contact_id": "jo", "converted_account_id": "a", "status": "converted"}
    lead = LeadRow(lead_id="l2", emails=("maymo@acme.com",), converted_at=NOW, **converted, **CRM)
    writer.write([lead])
    people = {row["address_key"]: row for row in asked("buyer")}
    assert people["maymo@acme.com"]["person"] == people["jo@acme.com"]["person"] == "jo"
    writer.write([LeadRow(**{**CRM, "lead_id": "l2", "is_deleted": True,
                             "knowable_at": NOW + timedelta(seconds=1)})])  # fmt: skip
    people = {row["address_key"]: row for row in asked("buyer")}
    assert people["maymo@acme.com"]["person"] == "mo may"


def test_nobody_is_proposed_for_an_account_because_of_a_free_mail_domain(asked, writer):
    providers = ("laposte.net", "https://www.Libero.it/", "mail.yandex.ru", "firm.example")
    heard = activity(30, "x@laposte.net", "Xavier Yes")
    others = [activity(31, "y@libero.it", "Yves Zed"), activity(32, "z@mail.yandex.ru", "Zoe Ann")]
    firm = activity(33, "w@firm.example", "Will Able")
    writer.write(
        [
            AccountRow(account_id="f", name="Firm", domains=providers, **CRM),
            heard, *others, firm, *(matched(row, "f") for row in (heard, *others, firm)),
        ]
    )  # fmt: skip
    found = [row for row in asked("contact_proposal") if row["account_id"] == "f"]
    assert [row["name"] for row in found] == ["Will Able"]


def test_the_rules_and_the_views_hold_one_list_of_free_mail(reader):
    held = reader.frame("SELECT DISTINCT domain FROM ml.free_mail_domain")
    assert set(held["domain"]) == FREE_MAIL_DOMAINS
    assert not says_who("laposte.net")


def test_the_rules_and_the_views_agree_whose_a_signed_number_is(reader, writer):
    signed = (
        ("mo.may+y@acme.com", "+14155550123"),
        ("mo.may@acme.com", "+14155550123"),
        ("mo.may@acme.com", "+14155550100"),
        ("ann@acme.com", "+14155550100"),
    )
    writer.write(
        [
            SignatureRow(
                address=address, activity_id=uuid4(), event_time=NOW, name="", title="",
                company="", phone=(number,), evidence="",
            )
            for address, number in signed
        ]
    )  # fmt: skip
    found = reader.frame("SELECT number, address FROM live.signature_phone")
    held = dict(found.itertuples(index=False))
    assert held == signature_phones(reader) == {"+14155550123": "mo.may@acme.com"}


def test_the_page_lists_title_and_phone_as_they_were_signed(asked, reader, writer):
    writer.write(
        [
            SignatureRow(
                address="mo.may@acme.com", activity_id=UUID(int=2), event_time=NOW, name="Mo May",
                title="Plant manager", company="Acme", phone=("+14155550123",), evidence="",
            )
        ]
    )  # fmt: skip
    period = {"as_of": f"{NOW:%Y-%m-%d %H:%M:%S.%f}", "days": 90}
    (found,) = reader.frame(PROPOSALS, period).to_dict("records")
    assert (found["title"], found["phone"]) == ("Plant manager", "+14155550123")
