"""Why it is hard to tell whose a mail is, and that the sealed answer tells all the same."""

import numpy as np
import pandas as pd
import pytest

from simulator.activities import PARTNERS
from simulator.directory import PARTNER_ACCOUNT
from simulator.follow import Order
from simulator.moves import draw_moves
from simulator.write import write_company
from tests.unit.simulator.companies import scenario_with

DIRT = {
    "domain_shared": 0.1,
    "contact_alias": 0.2,
    "contact_private": 0.1,
    "contact_moved": 0.08,
    "contact_missing": 0.0,
    "contact_stale": 0.0,
}
ORDER = Order(scenario_with(dirt=DIRT, talk={"partner_copied": 0.1}), reps=10, months=8, seed=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirt")
    write_company("activities", ORDER, folder, lambda done, of: None)
    return folder


@pytest.fixture(scope="module")
def contacts(folder):
    return pd.read_parquet(folder / "sealed" / "contacts.parquet")


@pytest.fixture(scope="module")
def said(folder):
    """Everything said, with its truth."""
    truth = pd.read_parquet(folder / "sealed" / "activities.parquet").set_index("activity_id")
    seen = pd.read_parquet(folder / "activities.parquet").set_index("activity_id")
    return seen.join(truth)


def test_who_moves_is_at_one_account_at_a_time():
    first = np.arange(0, 401, 4)
    moves = draw_moves(np.random.default_rng(1), first, months=12, share=0.05)
    assert len(moves.gone) == 20
    for before, after in moves.gone.items():
        assert 0 < moves.until[before] == moves.since[after] < 12
        assert moves.person[after] == before
    for month in range(12):
        away = moves.away(np.arange(400), month)
        assert np.bincount(np.arange(400)[away] // 4).max() == 1


def test_nobody_moves_in_a_history_of_one_month():
    moves = draw_moves(np.random.default_rng(1), np.array([0, 3, 6]), months=1, share=0.5)
    assert moves.gone == {}


def test_a_contact_writes_from_the_account_at_which_they_are(said, contacts):
    mails = said[(said["contact_id"] != "") & (said["channel"] == "email")]
    both = mails.reset_index().merge(contacts, on=["contact_id", "account_id"])
    assert len(both) == len(mails)
    opens = both[both["answers"] < 0]
    month = opens["event_time"].dt.strftime("%Y-%m")
    assert (month >= opens["since_on"].astype(str).str[:7]).all()
    until = opens["until_on"].astype(str).str[:7].where(opens["until_on"].notna(), "9999-99")
    assert (month < until).all()
    moved = contacts[contacts["contact_id"].duplicated(keep=False)]
    assert set(moved["contact_id"]) & set(both["contact_id"])


def test_those_with_a_second_address_write_from_both(said, contacts):
    theirs = said[(said["kind"] == "deal") & (said["direction"] == "inbound")]
    writer = theirs["participants"].str[0]
    other = contacts.loc[contacts["other_address"] != "", "other_address"]
    private = other[~other.str.endswith(".example")]
    assert 0.05 < writer.isin(other).mean() < 0.25
    assert writer.isin(private).any()
    assert private.str.contains("@(?:gmail|outlook|yahoo|icloud|gmx)[.]").all()
    assert set(other[other.str.endswith(".example")]) & set(writer)


def test_the_crm_knows_some_second_addresses_and_some_moves(folder, contacts):
    known = pd.read_csv(folder / "crm" / "contacts.csv")
    other = contacts.loc[contacts["other_address"] != "", "other_address"]
    entered = known["emails"].str.split(";").explode().isin(other).sum()
    assert 0.1 < entered / len(other) < 0.45
    versions = known.groupby("contact_id")["account_id"].nunique()
    moves = contacts["contact_id"].duplicated().sum()
    assert 0 < (versions == 2).sum() < moves
    assert not known["account_id"].isna().any()


def test_sister_companies_share_a_domain(folder):
    accounts = pd.read_csv(folder / "crm" / "accounts.csv")
    own = accounts[accounts["account_id"].str.startswith("ACC")].drop_duplicates("account_id")
    shared = own["domains"].duplicated(keep=False).mean()
    assert 0.1 < shared < 0.3


def test_a_partner_in_copy_does_not_change_whose_a_conversation_is(said):
    with_partner = said["participants"].map(lambda people: bool(set(people) & set(PARTNERS)))
    about_deals = said[with_partner & (said["kind"] == "deal")]
    assert len(about_deals) > 20
    assert about_deals["account_id"].str.startswith("ACC").all()
    assert (said.loc[said["kind"] == "partner", "account_id"] == PARTNER_ACCOUNT).all()


def test_accounts_have_several_deals_open_at_once(said):
    mails = said[(said["kind"] == "deal")]
    month = mails["event_time"].dt.strftime("%Y-%m")
    deals = mails.groupby(["account_id", month])["opportunity_id"].nunique()
    assert (deals > 1).mean() > 0.1


def test_a_deal_is_talked_about_with_its_buying_group(folder, said, contacts):
    deals = pd.read_parquet(folder / "sealed" / "deals.parquet").set_index("opportunity_id")
    size = deals["buying_group"].map(len)
    assert size.min() == 1
    assert 2 < size.mean() < 3
    mails = said[said["opportunity_id"] != ""]
    group = deals.loc[mails["opportunity_id"], "buying_group"]
    within = [who in people for who, people in zip(mails["contact_id"], group, strict=True)]
    moved = contacts["contact_id"].duplicated().sum()
    assert moved > 0
    assert 0.95 < sum(within) / len(within) < 1  # the next one speaks for who has gone
