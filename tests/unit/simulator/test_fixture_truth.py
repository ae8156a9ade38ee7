"""The truth adds up with the files, and the platform's own rules find it."""

import csv
from collections import Counter, defaultdict
from decimal import Decimal

import pandas as pd
import pytest

from contracts.errors import Rejected
from contracts.money import Money, Rate, Rates
from contracts.rows import (
    AccountRow,
    ActivityRow,
    ContactRow,
    CurrencyRateRow,
    OpportunityRow,
    SightingRow,
)
from contracts.wire import Event, Recorded
from ingest.source import Heard
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.eml import EmlSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from models.incremental import Terms, judge
from settings import load
from transforms.identity import Directory, match
from transforms.rows import to_rows

pytestmark = pytest.mark.xdist_group("fixture_company")  # so that it is written once


def heard(written, *sources):
    """Return what became of each event of the sources: its rows, or the reason it was rejected."""
    company = load(written.folder).company
    for source in sources:
        for each in source.read(""):
            if isinstance(each, Heard):
                event = Event(
                    kind=source.kind,
                    source=source.name,
                    external_id=each.external_id,
                    observer=each.observer,
                    ingest_run="test",
                    received_at=written.now,
                    payload=each.payload,
                )
                try:
                    yield to_rows(event, company)
                except Rejected as rejected:
                    yield rejected.reason


def newest(rows, key):
    found = {getattr(row, key): row for row in sorted(rows, key=lambda row: row.knowable_at)}
    return [row for row in found.values() if not row.is_deleted]


@pytest.fixture(scope="module")
def crm(written):
    rows = defaultdict(list)
    for found in heard(written, CrmCsvSource(written.folder / "crm")):
        assert not isinstance(found, str), found
        rows[type(found[1])].append(found[1])
    return rows


@pytest.fixture(scope="module")
def directory(written, crm):
    accounts = newest(crm[AccountRow], "account_id")
    contacts = newest(crm[ContactRow], "contact_id")
    return Directory(accounts, contacts, load(written.folder).company, written.now)


@pytest.fixture(scope="module")
def mail(written):
    folder = written.folder / "mail"
    sources = (
        MaildirSource(folder),
        MboxSource(folder / "shared-sales.mbox"),
        EmlSource(folder / "export"),
    )
    return list(heard(written, *sources))


@pytest.fixture(scope="module")
def calls(written):
    return list(heard(written, CallLogSource(written.folder / "calls.jsonl")))


def activities(found):
    rows = [row for rows in found if not isinstance(rows, str) for row in rows]
    return {row.activity_id: row for row in rows if isinstance(row, ActivityRow)}


def matched(activity, directory, now):
    people = zip(activity.participant_address, activity.participant_is_ours, strict=True)
    recorded = Recorded(
        activity_id=activity.activity_id,
        event_time=activity.event_time,
        outside=tuple(address for address, is_ours in people if not is_ours),
    )
    return match(recorded, directory, now)


def test_every_sighting_of_a_mail_is_accounted_for(written, mail):
    counts = written.truth["counts"]
    sightings = [rows[0] for rows in mail if not isinstance(rows, str)]
    excluded = Counter(f"excluded_{row.reason}" for row in sightings if row.reason)
    assert len(sightings) == counts["mail_sightings"]
    assert excluded == {name: counts[name] for name in excluded}
    assert excluded.total() == counts["excluded_mail_sightings"]
    kept = counts["mail_activities"] + counts["repeated_mail_sightings"]
    assert kept + excluded.total() == counts["mail_sightings"]
    assert len(activities(mail)) == counts["mail_activities"]
    assert sorted(each for each in mail if isinstance(each, str)) == ["empty", "no_participants"]


def test_machines_mail_is_told_from_peoples(written, mail):
    automatic = sum(row.is_automatic for row in activities(mail).values())
    assert automatic == written.truth["counts"]["automatic_mails"] > 200


def test_each_mail_is_matched_to_its_true_account_where_the_crm_is_enough(written, mail, directory):
    truth = {entry["message_id"].lower(): entry for entry in written.truth["mails"]}
    unmatched = 0
    for activity in activities(mail).values():
        true = truth[activity.message_id]
        found = matched(activity, directory, written.now).account_id
        assert found == (true["account_id"] if true["is_tellable"] else "")
        unmatched += not found
    assert unmatched == written.truth["counts"]["unmatched_mails"] > 0


def test_copies_of_a_mail_agree_on_what_counts(mail):
    seen = {}
    for rows in mail:
        if not isinstance(rows, str) and rows[0].disposition == "activity":
            row = rows[1]
            counts = (row.event_time, row.direction, row.is_automatic, row.participant_address)
            assert seen.setdefault(row.activity_id, counts) == counts


def test_a_message_id_used_twice_and_one_missing_are_among_the_mails(written, mail):
    ids = Counter(entry["message_id"] for entry in written.truth["mails"])
    assert [each for each, times in ids.items() if times > 1] == [
        "scan-to-mail.0001@pacificcold.example"
    ]
    assert ids[""] == 1
    by_id = Counter(row.message_id for row in activities(mail).values())
    assert (by_id[""], by_id["scan-to-mail.0001@pacificcold.example"]) == (1, 2)


def test_every_report_of_a_call_is_accounted_for(written, calls, directory):
    counts = written.truth["counts"]
    sightings = [rows[0] for rows in calls if isinstance(rows[0], SightingRow)]
    assert len(sightings) == counts["call_reports"] == len(calls)
    found = activities(calls).values()
    assert Counter(row.channel for row in found) == {
        "call": counts["calls"],
        "meeting": counts["meetings"],
    }
    assert sum(row.reason == "internal" for row in sightings) == counts["excluded_meetings"]
    accounts = Counter(matched(row, directory, written.now).account_id for row in found)
    assert accounts[""] == counts["unmatched_calls"]
    true = Counter(entry["account_id"] for entry in written.truth["calls"] if entry["is_tellable"])
    assert accounts.keys() - {""} == true.keys()


def test_the_exports_wins_are_the_true_bookings(written, crm):
    rates = Rates(
        "USD", [Rate(r.currency, r.base, r.rate_on, r.rate) for r in crm[CurrencyRateRow]]
    )
    booked = Counter()
    for deal in newest(crm[OpportunityRow], "opportunity_id"):
        if deal.is_won:
            month = deal.close_on.replace(day=1).isoformat()
            money = rates.convert(Money(deal.amount_minor, deal.currency), deal.close_on)
            booked[deal.owner_rep_id, month] += money.minor
    for cell in written.truth["rep_months"]:
        month = booked.pop((cell["rep_id"], cell["month_on"]))
        assert month == pytest.approx(cell["booked_minor"], abs=20)
    assert {month for _, month in booked} == {"2026-07-01"}


def test_an_investment_alone_makes_bookings_differ_from_what_they_would_have_been(written):
    for cell in written.truth["rep_months"]:
        lifts = sum(value for name, value in cell.items() if name.startswith("lift_"))
        assert cell["booked_minor"] - cell["untouched_minor"] == pytest.approx(lifts, abs=20)
    effects = {each["investment_id"]: each for each in written.truth["investments"]}
    assert effects["INV-04"]["effect_minor_per_rep_month"] == 0
    assert effects["INV-01"]["effect_minor_per_rep_month"] > 1_000_000
    assert effects["INV-01"]["roi"] > 0 > effects["INV-04"]["roi"]


def test_a_deal_that_was_handed_over_is_the_successors_at_close(crm):
    owners = defaultdict(list)
    for version in crm[OpportunityRow]:
        owners[version.opportunity_id].append((version.knowable_at, version))
    handed_over = [sorted(v, key=lambda pair: pair[0]) for v in owners.values()]
    handed_over = [v for v in handed_over if v[0][1].owner_rep_id != v[-1][1].owner_rep_id]
    assert handed_over
    for versions in handed_over:
        assert versions[0][1].owner_rep_id == "REP-05"
        assert versions[-1][1].owner_rep_id == "REP-02"
        assert versions[-1][1].is_closed


def test_amounts_in_the_export_are_exact_to_the_cent(crm):
    assert all(isinstance(row.rate, Decimal) for row in crm[CurrencyRateRow])
    assert all(row.amount_minor % 100 == 0 for row in crm[OpportunityRow])


def panel_of(written, investment_id):
    """Return the panel of all rep-months: nothing booked is a zero while the rep was there."""
    booked = {(c["rep_id"], c["month_on"]): c["booked_minor"] for c in written.truth["rep_months"]}
    months = sorted({month for _, month in booked})
    with (written.folder / "crm" / "exposures.csv").open(encoding="utf-8") as file:
        exposures = [row for row in csv.DictReader(file) if row["investment_id"] == investment_id]
    starts = {row["unit_id"]: months.index(row["starts_on"]) + 1 for row in exposures}
    rows = []
    for rep in {rep for rep, _ in booked}:
        there = sorted(month for each, month in booked if each == rep)
        for month in months[months.index(there[0]) : months.index(there[-1]) + 1]:
            outcome = booked.get((rep, month), 0)
            rows.append((rep, months.index(month) + 1, outcome, starts.get(rep, 0)))
    return pd.DataFrame(rows, columns=["unit", "period", "outcome", "start"])


def test_each_investments_verdict_is_one_that_its_truth_allows(written):
    for each in written.truth["investments"]:
        panel = panel_of(written, each["investment_id"])
        terms = Terms(cost_minor=each["cost_minor"], gross_margin_rate=0.75)
        assert judge(panel, terms).verdict in each["expected_verdicts"]
