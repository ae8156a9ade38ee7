"""The rest of the CRM's export: accounts, contacts, people, hierarchy, quotas, investments."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.crm_deals import CrmDeals, account_ids
from simulator.crm_leads import crm_leads
from simulator.crm_names import CrmNames
from simulator.crm_roles import contact_roles
from simulator.directory import PARTNER_ACCOUNT, PARTNER_DOMAIN, Directory
from simulator.latent import fiscal_month
from simulator.offers import Offers
from simulator.office import Office
from simulator.panel import costs, exposures, minor, month_on, unit_names
from simulator.programmes import NEVER
from simulator.timeline import Timeline

_QUARTER: Final = 3
_OVER_MEAN: Final = 1.1
_MERGED_AFTER_MONTHS: Final = 2
_HOURLY_COST: Final = 60.0
_HOURS_SHARE: Final = 0.25
"""An hour of a rep costs so much, in major units; of what a training costs, hours are this part."""


def crm_tables(
    history: History,
    timeline: Timeline,
    offers: Offers,
    who: Directory,
    office: Office,
    chance: Chance,
) -> Mapping[str, pd.DataFrame]:
    """Return the tables of the CRM's export by the stems of their files."""
    deals = CrmDeals(history, timeline, office, chance)
    accounts = pd.DataFrame(_accounts(history, who, chance))
    contacts = pd.DataFrame(_contacts(history, who, chance))
    names = CrmNames(history, timeline, offers, who, chance)
    return {
        "accounts": accounts,
        "contacts": contacts,
        "leads": crm_leads(history, timeline, offers, who, contacts, chance),
        "opportunities": names.named(deals.versions()),
        "contact_roles": contact_roles(history, timeline, who, office, contacts, chance),
        "stage_changes": deals.stage_changes(),
        "reps": pd.DataFrame(_reps(history, who)),
        "org_units": pd.DataFrame(_org_units(history)),
        "assignments": pd.DataFrame(_assignments(history)),
        "quotas": pd.DataFrame(_quotas(history)),
        **_investments(history),
    }


def _accounts(history: History, who: Directory, chance: Chance) -> Iterator[dict[str, Any]]:
    """Yield each account as entered and as handed over; some twice, and of those some merged."""
    dirt, rng, names = history.scenario.dirt, chance.dirt, unit_names(history)
    width = history.latent.size.shape[1]
    by_seat = [[*_spells(history.person[:, seat])] for seat in range(history.person.shape[1])]
    for number, account_id in enumerate(account_ids(history)):
        record = {
            "account_id": account_id,
            "name": who.account_name[number],
            "domains": who.account_domain[number],
            "account_type": "prospect",
            "industry": who.industry[number],
            "employees": int(who.employees[number]),
            "country": who.country[number],
            "territory_id": f"TER-{number // width + 1:04}",
            "is_deleted": False,
        }
        for month, person in by_seat[number // width]:
            at = _at(history, month if month else -1)
            yield record | {"owner_rep_id": names[person], "changed_at": at}
        if rng.random() < dirt.account_duplicated:
            yield from _duplicate(history, rng, record)
    yield {
        "account_id": PARTNER_ACCOUNT,
        "name": "Alliance Partners",
        "domains": PARTNER_DOMAIN,
        "account_type": "partner",
        "is_deleted": False,
        "changed_at": _at(history, -1),
    }


def _duplicate(
    history: History, rng: np.random.Generator, record: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    month = int(rng.integers(0, history.months))
    twin = record | {
        "account_id": record["account_id"].replace("ACC", "DUP"),
        "name": record["name"].upper(),
        "domains": record["domains"].upper(),
        "owner_rep_id": "",
        "changed_at": _at(history, month),
    }
    yield twin
    merged_in = month + _MERGED_AFTER_MONTHS
    if rng.random() < history.scenario.dirt.account_merged and merged_in < history.months:
        yield twin | {"is_deleted": True, "changed_at": _at(history, merged_in)}


def _contacts(history: History, who: Directory, chance: Chance) -> Iterator[dict[str, Any]]:
    """Yield the contacts that somebody entered, a few with an address of before."""
    dirt, rng, accounts = history.scenario.dirt, chance.dirt, account_ids(history)
    draws, gone = rng.random((4, len(who.contact_name))), who.moves.gone
    came = set(gone.values())
    for number in range(len(who.contact_name)):
        missing, stale, other, moved = draws[:, number].tolist()
        if number in came or missing < dirt.contact_missing:
            continue
        addresses = [who.contact_address[number]]
        if stale < dirt.contact_stale:
            addresses = [f"{addresses[0].partition('@')[0]}@former-{number}.example"]
        if who.contact_other[number] and other < dirt.other_entered:
            addresses.append(who.contact_other[number])
        yield _contact(accounts, who, number, addresses) | {"changed_at": _at(history, -1)}
        if number in gone and moved < dirt.moved_entered:
            addresses.insert(0, who.contact_address[gone[number]])
            entered = _at(history, int(who.moves.until[number])) + timedelta(days=dirt.late_days)
            yield _contact(accounts, who, gone[number], addresses) | {"changed_at": entered}


def _contact(
    accounts: np.ndarray, who: Directory, number: int, addresses: list[str]
) -> dict[str, Any]:
    return {
        "contact_id": f"CON-{int(who.moves.person[number]) + 1:07}",
        "account_id": accounts[who.contact_account[number]],
        "name": who.contact_name[number],
        "emails": ";".join(addresses),
        "phones": who.contact_phone[number],
        "title": who.contact_title[number],
        "seniority": who.seniority[number],
    }


def _reps(history: History, who: Directory) -> Iterator[dict[str, Any]]:
    for person, rep_id in enumerate(unit_names(history)):
        hired = int(history.hired[person])
        record = {
            "rep_id": rep_id,
            "name": who.rep_name[person],
            "email": who.rep_address[person],
            "title": "Account Executive",
            "hired_on": month_on(history, hired),
            "left_on": None,
            "changed_at": _at(history, max(hired, -1)),
        }
        yield record
        if history.left[person] < NEVER:
            left = int(history.left[person])
            last = month_on(history, left) - timedelta(days=1)
            yield record | {"left_on": last, "changed_at": _at(history, left)}


def _org_units(history: History) -> Iterator[dict[str, Any]]:
    known = {"changed_at": _at(history, -1)}
    for team in range(history.latent.region.size):
        yield {"unit_id": _team(team), "unit_kind": "team", "name": f"Team {team + 1}"} | known
    for region in sorted(set(history.latent.region.tolist())):
        name = f"Region {region + 1}"
        yield {"unit_id": _region(region), "unit_kind": "region", "name": name} | known
    for seat in range(history.person.shape[1]):
        name, unit_id = f"Territory {seat + 1}", f"TER-{seat + 1:04}"
        yield {"unit_id": unit_id, "unit_kind": "territory", "name": name} | known


def _assignments(history: History) -> Iterator[dict[str, Any]]:
    """Yield who belonged where: teams to regions, reps to territories, teams and managers."""
    names = unit_names(history)
    for team, region in enumerate(history.latent.region.tolist()):
        yield _assigned(history, _team(team), ("region", _region(region)), 0, history.months)
    for seat in range(history.person.shape[1]):
        people = history.person[:, seat]
        for since, until, (person,) in _runs(people[:, None]):
            place = ("territory", f"TER-{seat + 1:04}")
            yield _assigned(history, names[person], place, since, until)
        together = np.stack([people, history.latent.team[:, seat]], axis=1)
        for since, until, (person, team) in _runs(together):
            yield _assigned(history, names[person], ("team", _team(team)), since, until)
            manager = ("manager", f"MGR-{team + 1:03}")
            yield _assigned(history, names[person], manager, since, until)


def _assigned(
    history: History, child: str, parent: tuple[str, str], since: int, until: int
) -> dict[str, Any]:
    lasts = until >= history.months
    return {
        "child_id": child,
        "parent_kind": parent[0],
        "parent_id": parent[1],
        "effective_from": month_on(history, since),
        "effective_to": None if lasts else month_on(history, until),
        "changed_at": _at(history, (since or -1) if lasts else until),
    }


def _quotas(history: History) -> Iterator[dict[str, Any]]:
    """Yield each rep's quota for each whole quarter in which they were there from the start."""
    names, mean = unit_names(history), float(history.mean[:_QUARTER, 0].mean())
    quota = int(round(_OVER_MEAN * _QUARTER * mean, -3))
    for month in range(history.months):
        if fiscal_month(history.scenario, month) % _QUARTER:
            continue
        for person in history.person[month].tolist():
            yield {
                "owner_id": names[person],
                "period_starts_on": month_on(history, month),
                "period_ends_on": month_on(history, month + _QUARTER),
                "amount": quota,
                "currency": history.scenario.deals.currency,
                "changed_at": _at(history, month or -1),
            }


def _investments(history: History) -> dict[str, pd.DataFrame]:
    """Return what was invested; nothing where there is no investment."""
    if not history.scenario.investments:
        return {}
    registered = [
        {
            "investment_id": each.id,
            "kind": each.kind,
            "name": each.name,
            "question": f"Does it raise bookings? ({each.kind})",
            "registered_on": month_on(history, each.starts[0] - each.anticipation_months),
            "outcome": "bookings",
            "gross_margin_rate": each.gross_margin_rate,
            "changed_at": _at(history, each.starts[0] - each.anticipation_months),
        }
        for each in history.scenario.investments
    ]
    currency = history.scenario.deals.currency
    paid = costs(history).rename(columns={"cost_minor": "amount_minor"})
    reached = exposures(history).rename(columns={"unit": "unit_id"})
    return {
        "investments": pd.DataFrame(registered),
        "investment_costs": _by_kind(history, paid).assign(
            currency=currency, changed_at=lambda costs: _mornings(costs["month_on"])
        ),
        "exposures": reached.assign(unit_kind="rep", changed_at=_mornings(reached["starts_on"])),
    }


def _by_kind(history: History, paid: pd.DataFrame) -> pd.DataFrame:
    """Return what was paid by kind of cost: of a training, a part is the hours of those trained."""
    trainings = [each.id for each in history.scenario.investments if each.kind == "training"]
    hourly = int(minor(history, np.array(_HOURLY_COST)))
    of_training = paid["investment_id"].isin(trainings)
    hours = (paid["amount_minor"] * _HOURS_SHARE // hourly).where(of_training, 0).astype("int64")
    fees = paid.assign(cost_kind="fee", amount_minor=paid["amount_minor"] - hours * hourly)
    worked = paid.assign(
        cost_kind="rep_hours",
        amount_minor=hours * hourly,
        hours=hours,
        hourly_cost=_HOURLY_COST,
    )
    return pd.concat([fees, worked[hours > 0]], ignore_index=True)


def _spells(people: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the month from which each person sat on a seat."""
    for since, _, (person,) in _runs(people[:, None]):
        yield since, person


def _runs(by_month: np.ndarray) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield runs of equal rows: first month, the month after the last, the row."""
    at = 0
    for row, run in groupby(map(tuple, by_month.tolist())):
        length = len(list(run))
        yield at, at + length, row
        at += length


def _team(team: int) -> str:
    return f"TEAM-{team + 1:03}"


def _region(region: int) -> str:
    return f"REG-{region + 1:02}"


def _at(history: History, month: int) -> datetime:
    return _morning(month_on(history, month))


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(7), UTC)


def _mornings(days: pd.Series) -> list[datetime]:
    return [_morning(day) for day in days]
