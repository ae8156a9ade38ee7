"""What capture would make of the talk, without mail: open activities, and their sealed truth."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from simulator.company import History
from simulator.crm_deals import account_ids, contact_ids, opportunity_ids
from simulator.directory import PARTNER_ACCOUNT, PARTNER_DOMAIN, Directory
from simulator.dynamics import dynamics_of
from simulator.panel import unit_names
from simulator.said import AUTOMATIC, BOUNCE, BULK, CALL, INTERNAL, MEETING, PARTNER
from simulator.timeline import Timeline

NEWSLETTERS: Final = tuple(
    f"news@{name}.example"
    for name in ("sales-weekly", "trade-post", "expo-hall", "cloud-notes", "team-digest", "offers")
)
PARTNERS: Final = tuple(f"partner{number}@{PARTNER_DOMAIN}" for number in range(1, 9))
DAEMON: Final = "mailer-daemon@mail-relay.example"
_NOBODY: Final = -1


class Addresses:
    """Everybody's address by one number.

    Reps and managers, contacts, partners, newsletters, the daemon, the contacts' second addresses.
    """

    def __init__(self, who: Directory) -> None:
        self._reps, self._contacts = len(who.rep_address), len(who.contact_address)
        outside = (*PARTNERS, *NEWSLETTERS, DAEMON)
        self._daemon = self._reps + self._contacts + len(outside) - 1
        has_other = np.array([other != "" for other in who.contact_other])
        self._other = self._daemon + has_other.cumsum()
        others = filter(None, who.contact_other)
        self.all = pa.array([*who.rep_address, *who.contact_address, *outside, *others])

    def taking_part(self, said: pd.DataFrame) -> np.ndarray:
        """Return who took part, sender first: n x 5 numbers, -1 for nobody."""
        kind, contact = said["kind"].to_numpy(), said["contact"].to_numpy()
        first_outside = self._reps + self._contacts
        from_other = said["from_other"].to_numpy(dtype=bool)
        them = np.where(from_other, self._other[contact], self._reps + contact)
        them = np.where(contact >= 0, them, _NOBODY)
        partner = first_outside + said["thread"].to_numpy() % len(PARTNERS)
        them = np.where(kind == PARTNER, partner, them)
        news = first_outside + len(PARTNERS) + said["level"].to_numpy()
        them = np.where(kind == BULK, news, them)
        them = np.where(kind == BOUNCE, self._daemon, them)
        copied = said["copied"].to_numpy()
        copied = np.where(copied >= 0, self._reps + copied, _NOBODY)
        us, by_us = said["person"].to_numpy(), said["by_us"].to_numpy(dtype=bool)
        pair = np.where(by_us[:, None], np.stack([us, them], 1), np.stack([them, us], 1))
        helper = np.where(said["with_partner"].to_numpy(dtype=bool), partner, _NOBODY)
        return np.column_stack([pair, copied, said["colleague"].to_numpy(), helper])


def open_activities(said: pd.DataFrame, addresses: Addresses) -> pa.Table:
    """Return what the doors would give: internal mail is not kept, and nobody says whose it is.

    Columns: `activity_id`, `channel`, `direction`, `event_time` (UTC), `thread_id`,
    `is_automatic`, `duration_seconds`, `is_held` (false for a call that nobody took),
    `participants` (addresses, who wrote or called first).
    """
    kept = said[said["kind"] != INTERNAL]
    people = addresses.taking_part(kept)
    present = people >= 0
    ends = np.concatenate([[0], present.sum(axis=1).cumsum()])
    numbers = pa.array(people[present], pa.int32())
    listed = pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), pa.DictionaryArray.from_arrays(numbers, addresses.all)
    )
    channel = np.where(kept["kind"].isin([CALL, MEETING]), kept["kind"], "email")
    return pa.table(
        {
            "activity_id": kept["number"].to_numpy(),
            "channel": pa.array(channel).dictionary_encode(),
            "direction": pa.array(
                np.where(kept["by_us"], "outbound", "inbound")
            ).dictionary_encode(),
            "event_time": pa.array(kept["at"].to_numpy(), pa.timestamp("s", "UTC")),
            "thread_id": kept["thread"].to_numpy(),
            "is_automatic": kept["kind"].isin(AUTOMATIC).to_numpy(),
            "duration_seconds": kept["seconds"].to_numpy(),
            "is_held": kept["is_connected"].to_numpy(dtype=bool),
            "participants": listed,
        }
    )


class TalkTruth:
    """Says what is true of talk: its account, deal and owner, and the deal's engagement."""

    def __init__(self, history: History, timeline: Timeline, who: Directory) -> None:
        self._accounts = np.append(account_ids(history), "")
        self._contacts = np.append(np.array(contact_ids(who), dtype=object), "")
        self._deals = np.append(opportunity_ids(len(timeline.deals.seat)), "")
        self._reps = np.array(unit_names(history), dtype=object)
        self._levels = dynamics_of(history.scenario).levels

    def of(self, said: pd.DataFrame) -> pa.Table:
        """Return a row for each mail, call and meeting; empty ids where there is none.

        Columns: `activity_id`, `kind`, `answers` (an activity_id, -1 for none), `account_id`,
        `contact_id`, `opportunity_id`, `rep_id` (whose talk it is), `engagement` (in sd; null
        without a deal).
        """
        has_deal = said["deal"].to_numpy() >= 0
        engagement = np.where(has_deal, self._levels[said["level"].clip(0, 4)], np.nan)
        columns = {
            "account_id": np.where(
                said["kind"] == PARTNER, PARTNER_ACCOUNT, self._accounts[said["account"]]
            ),
            "contact_id": self._contacts[said["contact"]],
            "opportunity_id": self._deals[said["deal"]],
            "rep_id": self._reps[said["person"]],
        }
        return pa.table(
            {
                "activity_id": said["number"].to_numpy(),
                "kind": pa.array(said["kind"]).dictionary_encode(),
                "answers": said["parent"].to_numpy(),
                **{name: pa.array(ids).dictionary_encode() for name, ids in columns.items()},
                "engagement": pa.array(engagement, from_pandas=True),
            }
        )
