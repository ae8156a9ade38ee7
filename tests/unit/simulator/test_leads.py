"""The CRM's leads: older than what they became, true to who is there, and telling of no end."""

import numpy as np
import pandas as pd
import pytest

from simulator.crm import crm_tables
from simulator.follow import Order, follow
from tests.unit.simulator.companies import scenario_with

CAMPAIGN = {"kind": "campaign", "effect": 0.2, "starts": [4], "share": 0.5}
ORDER = Order(scenario_with(CAMPAIGN), reps=12, months=12, seed=8)


@pytest.fixture(scope="module")
def company():
    return follow(ORDER)


@pytest.fixture(scope="module")
def tables(company):
    return crm_tables(
        company.history,
        company.timeline,
        company.offers,
        company.who,
        company.office,
        company.chance,
    )


@pytest.fixture(scope="module")
def leads(tables):
    return tables["leads"].drop_duplicates("lead_id", keep="last").set_index("lead_id")


def test_a_lead_is_converted_before_the_deal_that_came_of_it(company, tables, leads):
    became = leads[leads["status"] == "converted"]
    deal = became["converted_opportunity_id"].str.removeprefix("OPP-").astype(int) - 1
    opened = company.office.moment(company.timeline.opened[deal])
    converted = pd.to_datetime(became["converted_at"]).dt.tz_localize(None).to_numpy()
    created = pd.to_datetime(became["created_at"]).dt.tz_localize(None).to_numpy()
    assert len(became) > 50
    assert (created < converted).all()
    assert (converted < opened).all()
    assert (company.offers.kind[deal] == "new").all()
    assert deal.is_unique
    contacts = tables["contacts"].drop_duplicates("contact_id").set_index("contact_id")
    person = contacts.loc[became["converted_contact_id"]]
    assert person["name"].tolist() == became["name"].tolist()
    width = company.history.latent.size.shape[1]
    account = company.timeline.deals.seat[deal] * width + company.timeline.deals.account[deal]
    assert became["converted_account_id"].tolist() == [f"ACC-{at + 1:06}" for at in account]


def test_who_stays_a_lead_is_nobody_s_contact(tables, leads):
    left = leads[leads["status"] != "converted"]
    assert left["converted_contact_id"].isna().all()
    entered = set(";".join(tables["contacts"]["emails"]).split(";"))
    assert not entered & set(left["emails"])
    strangers = left["account_id"].eq("") & left["phones"].isna()
    assert 0.5 < strangers.mean() < 0.9


def test_campaigns_bring_leads_to_those_whom_they_reach_from_their_start_on(company, tables):
    first = tables["leads"].drop_duplicates("lead_id")
    by = first[first["campaign"] == "INV-01"]
    assert len(by) > 10
    assert (by["lead_source"] == "campaign").all()
    owner = by["owner_rep_id"].str.removeprefix("REP-").astype(int) - 1
    first_month = pd.Period(ORDER.scenario.first_month, "M")
    month = pd.to_datetime(by["created_at"]).dt.tz_localize(None).dt.to_period("M")
    since = [(each - first_month).n for each in month]
    assert (np.array(since) >= company.history.start[0][owner]).all()


def test_a_lead_tells_nothing_of_how_its_deal_ends(company):
    """Those that came of one are won as often as the other new ones."""
    won = {True: [], False: []}
    for seed in range(3):
        one = follow(Order(scenario_with(), reps=20, months=12, seed=seed))
        told = crm_tables(one.history, one.timeline, one.offers, one.who, one.office, one.chance)
        of_lead = set(told["leads"]["converted_opportunity_id"].dropna())
        new = np.flatnonzero((one.offers.kind == "new") & (one.timeline.deals.outcome > 0))
        for deal in new.tolist():
            won[f"OPP-{deal + 1:07}" in of_lead].append(one.timeline.deals.outcome[deal] == 1)
    rates = {which: np.mean(each) for which, each in won.items()}
    error = np.sqrt(sum(rates[w] * (1 - rates[w]) / len(won[w]) for w in won))
    assert min(map(len, won.values())) > 300
    assert abs(rates[True] - rates[False]) < 3.5 * error
