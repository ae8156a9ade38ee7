"""To whom an activity belongs, and why."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow, LeadRow
from contracts.matching import CERTAIN, MatchRules
from contracts.wire import Recorded
from transforms.directory import Directory
from transforms.identity import RULE_VERSION, match

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",), own_numbers=("+14155550100",))


def account(account_id, *domains, kind="prospect"):
    return AccountRow(
        account_id=account_id, name=account_id.title(), domains=domains, account_type=kind,
        source="csv", knowable_at=NOW,
    )  # fmt: skip


def contact(contact_id, account_id, *emails, phones=()):
    return ContactRow(
        contact_id=contact_id, account_id=account_id, name=contact_id.title(), emails=emails,
        phones=phones, source="csv", knowable_at=NOW,
    )  # fmt: skip


ACCOUNTS = [
    account("acme", "https://www.Acme.com/about"),
    account("emea", "emea.acme.com"),
    account("beta", "beta.co.uk"),
    account("reseller", "reseller.com", kind="Partner"),
    account("sloppy", "gmail.com", "ourco.example", "co.uk", "github.io"),
]
CONTACTS = [
    contact("jo", "acme", "Jo@Acme.com", "jo@gmail.com", phones=("(415) 555-0199",)),
    contact("twin1", "acme", "shared@x.com"),
    contact("twin2", "beta", "shared@x.com"),
    contact("orphan", "gone", "orphan@acme.com"),
    contact("mole", "beta", "kim@ourco.example", phones=("+14155550100",)),
    contact("rita", "reseller", "rita@reseller.com"),
]
DIRECTORY = Directory(ACCOUNTS, CONTACTS, COMPANY, NOW)


def matched(*outside):
    return match(Recorded(activity_id=UUID(int=1), event_time=NOW, outside=outside), DIRECTORY, NOW)


@pytest.mark.parametrize(
    ("outside", "rule", "account_id", "contact_id"),
    [
        (["jo@gmail.com"], "contact", "acme", "jo"),
        (["jo+crm@gmail.com"], "contact", "acme", "jo"),
        (["+14155550199"], "contact", "acme", "jo"),
        (["new@acme.com"], "domain", "acme", ""),
        (["new@mail.acme.com"], "parent_domain", "acme", ""),
        (["new@de.emea.acme.com"], "parent_domain", "emea", ""),
        (["new@mail.beta.co.uk"], "parent_domain", "beta", ""),
        (["jo@acme.com", "new@beta.co.uk"], "contact", "acme", "jo"),
        (["orphan@acme.com"], "domain", "acme", ""),
        (["rita@reseller.com"], "contact", "reseller", "rita"),
        (["rita@reseller.com", "jo@acme.com"], "contact", "acme", "jo"),
        (["rita@reseller.com", "new@beta.co.uk"], "domain", "beta", ""),
    ],
)
def test_the_first_rule_that_finds_one_account_decides(outside, rule, account_id, contact_id):
    found = matched(*outside)
    assert (found.rule, found.account_id, found.contact_id) == (rule, account_id, contact_id)
    assert found.candidate_account_id[0] == account_id
    assert found.reason.endswith(account_id.title())
    assert (found.rule_version, found.crm_version) == (RULE_VERSION, NOW)


@pytest.mark.parametrize(
    ("outside", "candidates"),
    [
        (["shared@x.com"], ("acme", "beta")),
        (["new@acme.com", "new@beta.co.uk"], ("acme", "beta")),
    ],
)
def test_when_several_accounts_fit_none_is_chosen_and_all_are_named(outside, candidates):
    found = matched(*outside)
    assert (found.rule, found.account_id) == ("ambiguous", "")
    assert found.candidate_account_id == candidates
    assert "Acme, Beta" in found.reason


@pytest.mark.parametrize(
    "address",
    [
        "stranger@gmail.com",
        "kim@ourco.example",
        "+14155550100",
        "a@other.co.uk",
        "a@someone.github.io",
        "a@localhost",
        "a@notacme.com",
        "",
    ],
)
def test_free_mail_our_own_and_public_suffixes_never_match(address):
    found = matched(address)
    assert (found.rule, found.account_id, found.candidate_account_id) == ("none", "", ())


def test_matching_needs_no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("matching opened a socket")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert matched("new@some.never.seen.example").rule == "none"


def lead(lead_id, *emails, **told):
    return LeadRow(
        lead_id=lead_id, name=lead_id.title(), emails=emails, source="csv", knowable_at=NOW, **told
    )


LEADS = [
    lead("ann", "ann@gmail.com", company="ACME inc", account_id="acme"),
    lead("bo", "bo@gmail.com", domains=("https://www.beta.co.uk/",)),
    lead("cy", "cy@gmail.com", "cy@acme.com"),
    lead("dee", "dee@gmail.com", company="Acme"),
    lead("eve", "eve@acme.com", account_id="beta"),
    lead("fay", "fay@acme.com", account_id="acme"),
    lead("gus", "gus@gmail.com", converted_contact_id="jo", converted_account_id="beta"),
    lead("hal", "hal@gmail.com", converted_contact_id="gone", converted_account_id="beta"),
    lead("ian", "jo@gmail.com", account_id="beta"),
    lead("jan", "jan@gmail.com", account_id="acme", domains=("beta.co.uk",)),
    lead("kay", "kay@gmail.com", account_id="gone"),
    lead("lou1", "lou@gmail.com", account_id="acme"),
    lead("lou2", "lou@gmail.com", account_id="beta"),
    lead("max", "max@gmail.com", account_id="acme", is_deleted=True),
    lead("mole", "kim@ourco.example", account_id="acme"),
]


@pytest.mark.parametrize(
    ("address", "rule", "account_id", "contact_id"),
    [
        ("ann+x@gmail.com", "lead", "acme", ""),
        ("bo@gmail.com", "lead", "beta", ""),
        ("cy@gmail.com", "lead", "acme", ""),
        ("dee@gmail.com", "none", "", ""),
        ("eve@acme.com", "domain", "acme", ""),
        ("fay@acme.com", "lead", "acme", ""),
        ("gus@gmail.com", "lead", "acme", "jo"),
        ("hal@gmail.com", "lead", "beta", ""),
        ("jo@gmail.com", "contact", "acme", "jo"),
        ("jan@gmail.com", "none", "", ""),
        ("kay@gmail.com", "none", "", ""),
        ("lou@gmail.com", "ambiguous", "", ""),
        ("max@gmail.com", "none", "", ""),
        ("kim@ourco.example", "none", "", ""),
    ],
)
def test_a_lead_stands_between_contact_and_domain(address, rule, account_id, contact_id):
    """Nothing is found by a company as it was typed, nor against the address's own domain."""
    directory = Directory(ACCOUNTS, CONTACTS, COMPANY, NOW, leads=LEADS)
    recorded = Recorded(activity_id=UUID(int=1), event_time=NOW, outside=(address,))
    found = match(recorded, directory, NOW)
    assert (found.rule, found.account_id, found.contact_id) == (rule, account_id, contact_id)
    assert (rule == "lead") == ("of the lead" in found.reason)


def test_a_lead_is_certain_only_where_the_domain_says_the_same():
    directory = Directory(ACCOUNTS, CONTACTS, COMPANY, NOW, leads=LEADS)

    def margin(address):
        recorded = Recorded(activity_id=UUID(int=1), event_time=NOW, outside=(address,))
        return match(recorded, directory, NOW).margin

    assert margin("ann@gmail.com") < CERTAIN <= margin("fay@acme.com")


def test_leads_are_asked_only_where_the_settings_say_so():
    rules = MatchRules(lead=False)
    directory = Directory(ACCOUNTS, CONTACTS, COMPANY, NOW, leads=LEADS, rules=rules)
    recorded = Recorded(activity_id=UUID(int=1), event_time=NOW, outside=("gus@gmail.com",))
    assert match(recorded, directory, NOW).rule == "none"
    assert directory.person("gus@gmail.com", NOW) == "gus@gmail.com"
    asking = Directory(ACCOUNTS, CONTACTS, COMPANY, NOW, leads=LEADS)
    assert asking.person("gus@gmail.com", NOW) == "jo"
