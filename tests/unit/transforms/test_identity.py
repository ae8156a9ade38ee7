"""To whom an activity belongs, and why."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow
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
