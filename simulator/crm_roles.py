"""Who has a part in a deal, as the CRM has it: entered for some deals, some of it wrong."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.crm_deals import opportunity_ids
from simulator.directory import Directory
from simulator.office import Office
from simulator.timeline import Timeline

_ROLES: Final = {
    "executive": "Economic Buyer",
    "director": "Decision Maker",
    "manager": "Evaluator",
    "staff": "Influencer",
}
_COLUMNS: Final = ("opportunity_id", "contact_id", "role", "changed_at")


def contact_roles(
    history: History,
    timeline: Timeline,
    who: Directory,
    office: Office,
    contacts: pd.DataFrame,
    chance: Chance,
) -> pd.DataFrame:
    """Return the contact roles: of some deals, some of the buying group that the CRM knows.

    Args:
        history: of the company.
        timeline: its deals.
        who: everybody.
        office: its calendar.
        contacts: the CRM's: nobody else can have a role.
        chance: whose `roles` this draws from.
    """
    entered = set(contacts["contact_id"])
    rows = (row for row in _rows(history, timeline, who, chance) if row["contact_id"] in entered)
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "deal", "days"])
    opened = office.moment(timeline.opened)[table.pop("deal").astype(int)]
    days = table.pop("days").astype(int).to_numpy().astype("timedelta64[D]")
    table["changed_at"] = opened + days
    told: pd.DataFrame = table[table["changed_at"] < office.ends].drop_duplicates(
        ["opportunity_id", "contact_id"], ignore_index=True
    )
    return told


def _rows(
    history: History, timeline: Timeline, who: Directory, chance: Chance
) -> Iterator[dict[str, Any]]:
    dirt, rng, deals = history.scenario.dirt, chance.roles, timeline.deals
    ids = opportunity_ids(len(deals.seat))
    account = deals.seat * history.latent.size.shape[1] + deals.account
    begins, people = who.first_contact[account], np.diff(who.first_contact)[account]
    for deal in np.flatnonzero(rng.random(len(ids)) >= dirt.roles_missing).tolist():
        of, lead = int(people[deal]), int(timeline.lead[deal])
        for place in range(min(int(timeline.group[deal]), of)):
            if rng.random() >= dirt.role_entered:
                continue
            is_wrong = rng.random() < dirt.role_wrong
            step = int(rng.integers(0, of)) if is_wrong else place
            contact = int(begins[deal]) + (lead + step) % of
            yield {
                "opportunity_id": ids[deal],
                "contact_id": f"CON-{int(who.moves.person[contact]) + 1:07}",
                "role": _ROLES[who.seniority[contact]],
                "deal": deal,
                "days": int(rng.integers(0, dirt.late_days + 1)),
            }
