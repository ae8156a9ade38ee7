"""The sealed answer on disk, which only scorers in `bench/` open (docs/simulator.md)."""

import json
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pandas as pd

from simulator import truth
from simulator.company import History
from simulator.crm_deals import account_ids, contact_ids, opportunity_ids
from simulator.dynamics import FITS, dynamics_of
from simulator.follow import Company
from simulator.oracle import win_probabilities
from simulator.panel import month_on, unit_names

SEALED: Final = "sealed"
_OUTCOMES: Final = np.array(["open", "won", "lost"], dtype=object)


def seal_history(folder: Path, history: History) -> None:
    """Write scenario, units, potential outcomes and the truth of each investment."""
    folder.mkdir()
    (folder / "scenario.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(history.scenario), indent=1)
    )
    (folder / "investments.json").write_text(json.dumps(truth.investment_truth(history), indent=1))
    _write(folder / "units.parquet", truth.units(history))
    _write(folder / "outcomes.parquet", truth.potential_outcomes(history))


def seal_deals(folder: Path, company: Company) -> None:
    """Write who is where, every deal, and its true state and chances in every month."""
    _write(folder / "contacts.parquet", _contacts(company))
    _write(folder / "deals.parquet", _deals(company))
    _write(folder / "deal_months.parquet", _deal_months(company))


def _contacts(company: Company) -> pd.DataFrame:
    """Return where everybody is when, and all that they write from."""
    who, moves, history = company.who, company.who.moves, company.history
    firsts = np.array([month_on(history, month) for month in range(history.months)])
    until = [firsts[month] if month < history.months else None for month in moves.until.tolist()]
    return pd.DataFrame(
        {
            "contact_id": contact_ids(who),
            "account_id": account_ids(history)[who.contact_account],
            "address": who.contact_address,
            "other_address": who.contact_other,
            "since_on": firsts[moves.since],
            "until_on": until,
        }
    )


def _deals(company: Company) -> pd.DataFrame:
    deals, history, office = company.timeline.deals, company.history, company.office
    closed = deals.closed >= 0
    last = office.month_begins[-1] - 1
    ended = office.moment(np.minimum(company.timeline.ended, last))
    account = deals.seat * history.latent.size.shape[1] + deals.account
    owner = history.person[deals.closed, deals.seat]  # of an open deal: who has it in the end
    return pd.DataFrame(
        {
            "opportunity_id": opportunity_ids(len(deals.seat)),
            "account_id": account_ids(history)[account],
            "buying_group": _groups(company, account),
            "owner_rep_id": np.array(unit_names(history), dtype=object)[owner],
            "product": np.array(company.offers.products, dtype=object)[company.offers.product],
            "deal_type": company.offers.kind,
            "quote_number": company.offers.quote,
            "fit": FITS[deals.fit],
            "amount": deals.amount,
            "opened_at": office.moment(company.timeline.opened),
            "ended_at": pd.Series(ended).where(closed),
            "outcome": _OUTCOMES[deals.outcome],
        }
    )


def _groups(company: Company, account: np.ndarray) -> list[list[str]]:
    """Return the contacts of each deal's buying group, who leads it first."""
    ids, first = contact_ids(company.who), company.who.first_contact
    begins, people = first[account].tolist(), np.diff(first)[account].tolist()
    lead, size = company.timeline.lead.tolist(), company.timeline.group.tolist()
    return [
        [ids[at + (who + place) % of] for place in range(min(group, of))]
        for at, of, who, group in zip(begins, people, lead, size, strict=True)
    ]


def _deal_months(company: Company) -> pd.DataFrame:
    months, history = company.timeline.months, company.history
    firsts = np.array([month_on(history, month) for month in range(history.months)])
    levels = dynamics_of(history.scenario).levels
    return pd.DataFrame(
        {
            "opportunity_id": opportunity_ids(len(company.timeline.deals.seat))[months.deal],
            "month_on": firsts[months.month],
            "engagement": levels[months.level],
            "win_this_month_probability": months.win,
            "loss_this_month_probability": months.loss,
            "win_probability": win_probabilities(history, company.timeline.deals, months),
        }
    )


def _write(path: Path, table: pd.DataFrame) -> None:
    table.to_parquet(path, index=False)
