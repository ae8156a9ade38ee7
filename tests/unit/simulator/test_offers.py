"""What deals are about is one definition: the CRM, the mails and the sealed answer say the same."""

import json
from collections import Counter

import pandas as pd
import pytest

from ingest.sources.maildir import MaildirSource
from simulator.follow import Order
from simulator.write import write_company
from tests.unit.simulator.companies import scenario_with

CLEAN = dict.fromkeys(
    ("name_generic", "product_missing", "product_wrong", "quote_missing", "roles_missing"), 0.0
)
ORDER = Order(scenario_with(dirt=CLEAN), 8, 4, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offers")
    write_company("messages", ORDER, folder, lambda done, of: None)
    return folder


@pytest.fixture(scope="module")
def deals(folder):
    return pd.read_parquet(folder / "sealed" / "deals.parquet").set_index("opportunity_id")


@pytest.fixture(scope="module")
def crm(folder):
    table = pd.read_csv(folder / "crm" / "opportunities.csv", keep_default_na=False)
    return table.groupby("opportunity_id").last()


@pytest.fixture(scope="module")
def subjects(folder):
    """The subject of each mail, by its Message-ID."""
    found = {}
    for heard in MaildirSource(folder / "mail").read(""):
        if payload := getattr(heard, "payload", b""):
            head = payload.partition(b"\n\n")[0].decode().replace("\n ", " ").splitlines()
            told = dict(line.split(": ", 1) for line in head if ": " in line)
            found[told["Message-ID"].strip("<>")] = told["Subject"]
    return found


def test_without_dirt_the_crm_names_every_deal_as_it_is(crm, deals):
    deals = deals.loc[crm.index]
    assert (crm["products"] == deals["product"]).all()
    assert (crm["deal_type"] == deals["deal_type"]).all()
    assert all(product in name for product, name in zip(crm["products"], crm["name"], strict=True))
    quoted = crm["quote_numbers"] != ""
    assert 0 < quoted.sum() < len(crm)
    assert (crm["quote_numbers"][quoted] == deals["quote_number"][quoted]).all()


def test_only_some_conversations_name_their_deal_and_some_name_another_product(
    folder, subjects, deals
):
    sealed = pd.read_parquet(folder / "sealed" / "messages.parquet")
    first = sealed[(sealed["kind"] == "deal") & (sealed["answers"] < 0)]
    products = set(deals["product"])
    told = Counter()
    for name, deal in zip(first["name"], first["opportunity_id"], strict=True):
        named = products & set(subjects[name].replace(":", " ").strip("()").split())
        own = deals.loc[deal]
        told["own"] += own["product"] in subjects[name] or own["quote_number"] in subjects[name]
        told["other"] += bool(named - {own["product"]})
    share = told["own"] / len(first)
    assert len(first) > 300
    assert share == pytest.approx(0.35 * (1 - 0.1 / 2), abs=0.08)
    assert 0 < told["other"] / len(first) < 0.06


def test_meetings_name_deals_too(folder):
    calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    titles = [call["title"] for call in calls if call["kind"] == "meeting"]
    named = sum(not title.endswith("next steps") for title in titles)
    assert named / len(titles) == pytest.approx(0.35, abs=0.12)


def test_a_role_is_of_somebody_whom_the_crm_has_and_mostly_of_the_buying_group(folder, deals):
    roles = pd.read_csv(folder / "crm" / "contact_roles.csv")
    contacts = pd.read_csv(folder / "crm" / "contacts.csv")
    assert len(roles) > len(deals) / 2
    assert not roles.duplicated(["opportunity_id", "contact_id"]).any()
    assert set(roles["contact_id"]) <= set(contacts["contact_id"])
    in_group = [
        contact in deals.loc[deal, "buying_group"]
        for deal, contact in zip(roles["opportunity_id"], roles["contact_id"], strict=True)
    ]
    assert 0.85 < sum(in_group) / len(in_group) < 1
