"""Leads as the CRM records them: some become a contact and a deal, most become nothing.

Of a deal that came of a lead, the lead is older, and converted just before the deal is opened.
Somebody whom no contact stands for may be a lead all the same; and there are the leads at companies
that never become an account. Whether a deal came of a lead tells nothing of its end.
"""

from typing import Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.crm_deals import account_ids, contact_ids, opportunity_ids
from simulator.directory import Directory, addresses_of, draw_names, plain
from simulator.offers import NEW, Offers
from simulator.office import Office
from simulator.panel import month_on, unit_names
from simulator.timeline import Timeline

_SOURCES: Final = ("web", "event", "referral", "outbound")
_CAMPAIGN: Final = "campaign"
_ENDS: Final = ("working", "sales_qualified", "disqualified")
_WORKED_DAYS: Final = 10
_CONVERTED_SECONDS: Final = (60, 3_600)
_DAYS_SIGMA: Final = 0.8
_DAY_SECONDS: Final = 86_400
_NOTHING: Final = -1
_TYPED: Final = (str, str.upper, str.lower, lambda name: name.rpartition(" ")[0])
"""How a company's name is typed: as it is, in one case, without its legal form."""


def crm_leads(
    history: History,
    timeline: Timeline,
    offers: Offers,
    who: Directory,
    contacts: pd.DataFrame,
    chance: Chance,
) -> pd.DataFrame:
    """Return every version of every lead, by lead and moment.

    Args:
        history: of the company.
        timeline: its deals.
        offers: what they are about: the new ones may have come of a lead.
        who: everybody.
        contacts: the CRM's: nobody else is what a lead was converted into.
        chance: whose `leads` this draws from.
    """
    return _Leads(history, who, chance.leads).versions(timeline, offers, contacts)


class _Leads:
    def __init__(self, history: History, who: Directory, rng: np.random.Generator) -> None:
        self._history, self._who, self._office, self._rng = history, who, Office(history), rng
        self._contact_ids = np.array(contact_ids(who), dtype=object)
        self._knobs = history.scenario.leads
        self._width = history.latent.size.shape[1]
        months = range(history.months)
        self._firsts = np.array([month_on(history, m) for m in months], "datetime64[s]")

    def versions(self, timeline: Timeline, offers: Offers, contacts: pd.DataFrame) -> pd.DataFrame:
        known = np.isin(self._contact_ids, contacts["contact_id"].to_numpy())
        converted = self._converted(timeline, offers, known)
        kinds = [converted, self._lacked(known), self._strangers(len(converted))]
        leads = pd.concat(kinds, ignore_index=True).sort_values("created_at", ignore_index=True)
        leads.insert(0, "lead_id", [f"LEA-{number + 1:07}" for number in range(len(leads))])
        leads = self._with_source(self._with_company(leads))
        told = pd.concat([self._new(leads), self._worked(leads), self._became(leads)])
        told = told[told["changed_at"] < self._office.ends]
        told = told.drop(columns=["contact", "account", "seat", "deal", "until"])
        ordered: pd.DataFrame = told.sort_values(["lead_id", "changed_at"], ignore_index=True)
        return ordered

    def _converted(self, timeline: Timeline, offers: Offers, known: np.ndarray) -> pd.DataFrame:
        """Return the leads of new deals: who leads the buying group, where the CRM has them."""
        rng, deals, first = self._rng, timeline.deals, self._who.first_contact
        is_new = (offers.kind == NEW) & (deals.opened >= 0)
        deal = np.flatnonzero(is_new & (rng.random(is_new.size) < self._knobs.of_new_deals))
        account = deals.seat[deal] * self._width + deals.account[deal]
        contact = first[account] + timeline.lead[deal] % np.diff(first)[account]
        opened = self._office.moment(timeline.opened[deal])
        until = opened - rng.integers(*_CONVERTED_SECONDS, deal.size).astype("timedelta64[s]")
        days = self._knobs.days_to_convert * np.exp(rng.normal(0, _DAYS_SIGMA, deal.size))
        created = until - (days * _DAY_SECONDS).astype("timedelta64[s]")
        people = self._people(contact, deal=deal, until=until, created_at=created)
        entered: pd.DataFrame = people[known[contact]]
        return entered

    def _lacked(self, known: np.ndarray) -> pd.DataFrame:
        """Return the leads of those whom no contact stands for."""
        rng = self._rng
        is_lead = ~known & (rng.random(known.size) < self._knobs.of_missing_contacts)
        contact = np.flatnonzero(is_lead & (self._who.moves.since == 0))
        created = self._some_time(contact.size)
        return self._people(contact, deal=_NOTHING, until=None, created_at=created)

    def _people(self, contact: np.ndarray, **known: object) -> pd.DataFrame:
        """Return leads of our contacts, who may have left their private address."""
        who, rng = self._who, self._rng
        other = np.array(who.contact_other, dtype=object)[contact]
        address = np.array(who.contact_address, dtype=object)[contact]
        leaves_other = (other != "") & (rng.random(contact.size) < self._knobs.other_address)
        account = who.contact_account[contact]
        return pd.DataFrame(
            {
                "name": np.array(who.contact_name, dtype=object)[contact],
                "emails": np.where(leaves_other, other, address),
                "phones": np.array(who.contact_phone, dtype=object)[contact],
                "title": np.array(who.contact_title, dtype=object)[contact],
                "company": np.array(who.account_name, dtype=object)[account],
                "domains": np.array(who.account_domain, dtype=object)[account],
                "contact": contact,
                "account": account,
                "seat": account // self._width,
                **known,
            }
        )

    def _strangers(self, converted: int) -> pd.DataFrame:
        """Return the leads at companies that are no account."""
        rng, count = self._rng, round(converted * self._knobs.strangers_per_converted)
        names = draw_names(rng, np.zeros(count, int))
        like = rng.integers(0, len(self._who.account_name), count)
        company = [f"{self._who.account_name[at].split()[0]} Partners" for at in like.tolist()]
        domain = [
            f"{plain(name).replace(' ', '-')}-{number}.example"
            for number, name in enumerate(company)
        ]
        return pd.DataFrame(
            {
                "name": names,
                "emails": addresses_of(names, domain),
                "company": company,
                "domains": domain,
                "contact": _NOTHING,
                "account": _NOTHING,
                "seat": rng.integers(0, self._history.person.shape[1], count),
                "deal": _NOTHING,
                "until": None,
                "created_at": self._some_time(count),
            }
        )

    def _some_time(self, count: int) -> np.ndarray:
        seconds = int((self._office.ends - self._firsts[0]).astype(int))
        return np.asarray(self._firsts[0] + self._rng.integers(0, seconds, count))

    def _with_company(self, leads: pd.DataFrame) -> pd.DataFrame:
        """Return the leads with their company as typed, and the account that the CRM made of it."""
        rng, count, accounts = self._rng, len(leads), account_ids(self._history)
        typed = rng.integers(0, len(_TYPED), count).tolist()
        company = [_TYPED[way](name) for way, name in zip(typed, leads["company"], strict=True)]
        is_matched = (rng.random(count) < self._knobs.matched) & (leads["account"] >= 0)
        is_wrong = rng.random(count) < self._knobs.matched_wrongly
        account = np.where(is_wrong, rng.integers(0, accounts.size, count), leads["account"])
        return leads.assign(
            company=company,
            account_id=np.where(is_matched, accounts[account], ""),
            domains=leads["domains"].where(rng.random(count) < self._knobs.website_told, ""),
        )

    def _with_source(self, leads: pd.DataFrame) -> pd.DataFrame:
        """Return the leads with where they came from: a campaign, where one reached their rep."""
        history, rng = self._history, self._rng
        month = self._month(leads["created_at"])
        person = history.person[month, leads["seat"]]
        source = rng.choice(np.array(_SOURCES, dtype=object), len(leads))
        campaign = np.full(len(leads), "", dtype=object)
        by_campaign = rng.random(len(leads)) < self._knobs.of_campaign
        for place, each in enumerate(history.scenario.investments):
            if each.kind == _CAMPAIGN:
                is_reached = month >= history.start[place][person]
                is_reached &= (month < history.stop[place][person]) & by_campaign
                campaign[is_reached], source[is_reached] = each.id, _CAMPAIGN
        return leads.assign(lead_source=source, campaign=campaign)

    def _new(self, leads: pd.DataFrame) -> pd.DataFrame:
        return self._as_of(leads, leads["created_at"]).assign(status="new")

    def _worked(self, leads: pd.DataFrame) -> pd.DataFrame:
        """Return what becomes of those that are not converted, some days later."""
        left = leads[leads["deal"] < 0]
        days = self._rng.exponential(_WORKED_DAYS, len(left)) * _DAY_SECONDS
        at = left["created_at"] + (1 + days).astype("timedelta64[s]")
        return self._as_of(left, at).assign(status=self._rng.choice(_ENDS, len(left)))

    def _became(self, leads: pd.DataFrame) -> pd.DataFrame:
        converted = leads[leads["deal"] >= 0]
        deal, contact = converted["deal"].to_numpy(int), converted["contact"].to_numpy(int)
        at = converted["until"].astype("datetime64[s]")
        return self._as_of(converted, at).assign(
            status="converted",
            converted_at=at.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            converted_contact_id=self._contact_ids[contact],
            converted_account_id=account_ids(self._history)[converted["account"].to_numpy(int)],
            converted_opportunity_id=opportunity_ids(int(deal.max(initial=-1)) + 1)[deal],
        )

    def _as_of(self, leads: pd.DataFrame, at: pd.Series) -> pd.DataFrame:
        """Return the leads as they stand at moments: with who owns them then."""
        owner = self._history.person[self._month(at), leads["seat"]]
        return leads.assign(
            changed_at=at,
            created_at=leads["created_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            owner_rep_id=np.array(unit_names(self._history), dtype=object)[owner],
        )

    def _month(self, at: pd.Series) -> np.ndarray:
        month = np.searchsorted(self._firsts, at.to_numpy("datetime64[s]"), "right") - 1
        return np.asarray(month.clip(0))
