"""Matching depends on what is known, never on the order in which it became known."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRow
from contracts.wire import Recorded
from transforms.directory import Directory
from transforms.identity import match

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DOMAINS = ["acme.com", "mail.acme.com", "beta.co.uk", "gmail.com", "ourco.example"]
PEOPLE = ["jo@acme.com", "jo@gmail.com", "x@mail.acme.com", "y@beta.co.uk", "+14155550199"]
COMPANY = Company(own_domains=("ourco.example",))

accounts = st.lists(
    st.builds(
        AccountRow,
        account_id=st.sampled_from(["a", "b", "c", "d"]),
        name=st.just("name"),
        domains=st.lists(st.sampled_from(DOMAINS), max_size=2).map(tuple),
        account_type=st.sampled_from(["prospect", "partner"]),
        source=st.just("csv"),
        knowable_at=st.just(NOW),
    ),
    max_size=4,
    unique_by=lambda account: account.account_id,
)
contacts = st.lists(
    st.builds(
        ContactRow,
        contact_id=st.text("123456", min_size=1, max_size=3),
        account_id=st.sampled_from(["a", "b", "c", "d", ""]),
        emails=st.lists(st.sampled_from(PEOPLE[:4]), max_size=2).map(tuple),
        phones=st.sampled_from([(), ("+14155550199",)]),
        source=st.just("csv"),
        knowable_at=st.just(NOW),
    ),
    max_size=5,
    unique_by=lambda contact: contact.contact_id,
)


@given(accounts, contacts, st.lists(st.sampled_from(PEOPLE), max_size=3), st.randoms())
def test_a_match_does_not_depend_on_the_order_of_the_directory(accounts, contacts, outside, random):
    recorded = Recorded(activity_id=UUID(int=1), event_time=NOW, outside=tuple(outside))
    first = match(recorded, Directory(accounts, contacts, COMPANY, NOW), NOW)
    random.shuffle(accounts)
    random.shuffle(contacts)
    assert match(recorded, Directory(accounts, contacts, COMPANY, NOW), NOW) == first


@given(accounts, contacts, st.lists(st.sampled_from(PEOPLE), max_size=3), st.randoms())
def test_the_account_does_not_depend_on_the_order_of_the_participants(
    accounts, contacts, outside, random
):
    directory = Directory(accounts, contacts, COMPANY, NOW)
    first = match(
        Recorded(activity_id=UUID(int=1), event_time=NOW, outside=tuple(outside)), directory, NOW
    )
    random.shuffle(outside)
    again = match(
        Recorded(activity_id=UUID(int=1), event_time=NOW, outside=tuple(outside)), directory, NOW
    )
    assert (again.account_id, again.rule) == (first.account_id, first.rule)
    assert again.candidate_account_id == first.candidate_account_id
    assert (first.account_id != "") == (first.rule not in {"none", "ambiguous"})
