"""Deals as the CRM records them: versions and stage changes, with the usual dirt.

What sellers enter follows from what they can see: stages as they are reached, a close date that is
guessed and pushed out when it passes, an owner; never from how the deal will end.
"""

from typing import Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.directory import Directory
from simulator.latent import fiscal_month
from simulator.office import Office
from simulator.panel import month_on, unit_names
from simulator.pipeline import OPEN, WON
from simulator.timeline import STAGES, Timeline

_CATEGORY: Final = {"proposal": "best_case", "negotiation": "commit"}
_GUESS_DAYS, _GUESS_SIGMA = 70, 0.5
_SANDBAG: Final = 1.6
_TO_QUARTER_END: Final = 0.4
_PUSHES: Final = 24
_PUSH_DAYS: Final = 30
_AMOUNT_SIGMA: Final = 0.25
_DAY: Final = np.timedelta64(1, "D")


def account_ids(history: History) -> np.ndarray:
    """Return the id of each account, by its number."""
    return np.array([f"ACC-{n + 1:06}" for n in range(history.latent.size.size)], dtype=object)


def opportunity_ids(count: int) -> np.ndarray:
    """Return the id of each deal, by its number."""
    return np.array([f"OPP-{n + 1:07}" for n in range(count)], dtype=object)


def contact_ids(who: Directory) -> list[str]:
    """Return the id of each contact, by its number; who moved keeps theirs."""
    return [f"CON-{person + 1:07}" for person in who.moves.person.tolist()]


class CrmDeals:
    """The CRM's deals: `versions` and `stage_changes`, as frames of `contracts.crm_rows` fields.

    What a deal is called is `CrmNames`' to say.
    """

    def __init__(
        self, history: History, timeline: Timeline, office: Office, chance: Chance
    ) -> None:
        self._history, self._timeline, self._office = history, timeline, office
        self._rng, self._dirt = chance.dirt, history.scenario.dirt
        deals = timeline.deals
        self._count = len(deals.seat)
        self._opened = office.moment(timeline.opened)
        last = office.month_begins[-1] - 1
        self._is_over = deals.outcome != OPEN
        self._ended = office.moment(np.minimum(timeline.ended, last))
        self._until = np.where(self._is_over, self._ended, office.ends)
        self._entered = self._late(self._ended, office.ends + 30 * _DAY)
        self._stages = self._reached()

    def versions(self) -> pd.DataFrame:
        """Return every version of every deal, by deal and moment."""
        events = pd.concat(
            [self._openings(), self._of_stages(), self._pushes(), *self._owners(), self._endings()],
            ignore_index=True,
        )
        events = events[events["changed_at"] < self._office.ends]
        events = events.sort_values(["deal", "changed_at"], kind="stable", ignore_index=True)
        known = ["stage", "close_on", "owner", "amount", "account", "is_closed", "is_won"]
        events[known] = events.groupby("deal")[known].ffill()
        events = events[~(events["is_closed"].astype(bool) & events["stage"].isin(STAGES))]
        return self._as_rows(_apart(events, "deal"))

    def stage_changes(self) -> pd.DataFrame:
        """Return every move between stages, with the moment in which somebody entered it."""
        deal = np.arange(self._count)
        first = pd.DataFrame({"deal": deal, "changed_at": self._opened, "to_stage": STAGES[0]})
        moves = self._stages.rename(columns={"stage": "to_stage"})
        ends = pd.DataFrame(
            {"deal": deal, "changed_at": self._entered, "to_stage": self._final_stage()}
        )
        told = pd.concat([first, moves, ends[self._is_over]], ignore_index=True)
        told = told[told["changed_at"] < self._office.ends]
        told = told.sort_values(["deal", "changed_at"], kind="stable", ignore_index=True)
        told["from_stage"] = told.groupby("deal")["to_stage"].shift().fillna("")
        told = _apart(told, "deal")
        told.insert(0, "opportunity_id", opportunity_ids(self._count)[told.pop("deal")])
        return told

    def _reached(self) -> pd.DataFrame:
        """Return the stages as they were entered: `deal`, `changed_at`, `stage`."""
        moves = self._timeline.moves
        deal = moves["deal"].to_numpy()
        at = self._office.moment(moves["minute"].to_numpy())
        entered = self._late(at, self._until[deal] - np.timedelta64(60, "s"))
        stage = np.array(STAGES, dtype=object)[moves["stage"]]
        told = pd.DataFrame({"deal": deal, "changed_at": entered, "stage": stage})
        told["changed_at"] = told.groupby("deal")["changed_at"].cummax()
        return told

    def _late(self, at: np.ndarray, latest: np.ndarray) -> np.ndarray:
        """Return when something was entered: some of it days late, but never after `latest`."""
        days = self._rng.integers(1, self._dirt.late_days + 1, at.size)
        is_late = self._rng.random(at.size) < self._dirt.stage_late
        return np.asarray(np.minimum(at + np.where(is_late, days, 0) * _DAY, latest))

    def _openings(self) -> pd.DataFrame:
        rng, deals = self._rng, self._timeline.deals
        guess = deals.amount * np.exp(rng.normal(0, _AMOUNT_SIGMA, self._count))
        self._guessed = self._guess()
        has_account = rng.random(self._count) >= self._dirt.account_missing
        month = np.maximum(deals.opened, 0)
        return pd.DataFrame(
            {
                "deal": np.arange(self._count),
                "changed_at": self._opened,
                "stage": STAGES[0],
                "close_on": self._guessed,
                "owner": self._history.person[month, deals.seat],
                "amount": np.rint(guess / 10) * 10,
                "account": np.where(has_account, self._accounts(), -1),
                "is_closed": False,
                "is_won": False,
            }
        )

    def _of_stages(self) -> pd.DataFrame:
        """Return what is entered as a stage is reached; a proposal names the amount."""
        told = self._stages.copy()
        amount = self._timeline.deals.amount[told["deal"]]
        told["amount"] = np.where(told["stage"] == "proposal", amount, np.nan)
        return told

    def _guess(self) -> np.ndarray:
        """Return the close dates that sellers first enter; some look further out on purpose."""
        rng = self._rng
        days = _GUESS_DAYS * np.exp(rng.normal(0, _GUESS_SIGMA, self._count))
        is_sandbagged = rng.random(self._count) < self._dirt.date_sandbagged
        days = np.where(is_sandbagged, days * _SANDBAG, days).astype(int)
        close_on = self._opened.astype("datetime64[D]") + days
        to_end = rng.random(self._count) < _TO_QUARTER_END
        return np.where(to_end, self._quarter_end(close_on), close_on)

    def _quarter_end(self, day: np.ndarray) -> np.ndarray:
        """Return the last day of each day's fiscal quarter."""
        first = np.datetime64(self._history.scenario.first_month, "M")
        month = day.astype("datetime64[M]")
        passed = ((month - first).astype(int) + fiscal_month(self._history.scenario, 0)) % 3
        return np.asarray((month + (3 - passed)).astype("datetime64[D]") - _DAY)

    def _pushes(self) -> pd.DataFrame:
        """Return the versions in which a close date that has passed is pushed out."""
        rng, pushed = self._rng, []
        deal, close_on = np.arange(self._count), self._guessed
        for _ in range(_PUSHES):
            at = (close_on + rng.integers(1, 6, close_on.size)).astype("datetime64[s]")
            at = at + np.timedelta64(9, "h")
            slips = at < self._until[deal]
            deal, at, close_on = deal[slips], at[slips], close_on[slips]
            out = close_on + rng.integers(_PUSH_DAYS // 2, 2 * _PUSH_DAYS, close_on.size)
            to_end = rng.random(close_on.size) < _TO_QUARTER_END
            close_on = np.where(to_end, self._quarter_end(out), out)
            pushed.append(pd.DataFrame({"deal": deal, "changed_at": at, "close_on": close_on}))
        return pd.concat(pushed, ignore_index=True)

    def _owners(self) -> list[pd.DataFrame]:
        """Return the versions with a new owner: after somebody left, or given away for a while."""
        history, rng, deals = self._history, self._rng, self._timeline.deals
        months = self._timeline.months
        known = (months.month > 0) & (months.month > deals.opened[months.deal])
        deal, month = months.deal[known], months.month[known]
        seat = deals.seat[deal]
        now, before = history.person[month, seat], history.person[month - 1, seat]
        firsts = np.array([np.datetime64(month_on(history, m)) for m in range(history.months)])
        at = firsts.astype("datetime64[s]") + np.timedelta64(7, "h")
        left = pd.DataFrame({"deal": deal, "changed_at": at[month], "owner": now})[now != before]
        given = np.flatnonzero(rng.random(self._count) < self._dirt.reassigned)
        span = (self._until[given] - self._opened[given]).astype(int)
        half_way = self._opened[given] + (span // 2).astype("timedelta64[s]")
        month = np.clip(np.searchsorted(at, half_way) - 1, 0, history.months - 1)
        seats = rng.integers(0, history.person.shape[1], given.size)
        other = history.person[month, seats]
        return [left, pd.DataFrame({"deal": given, "changed_at": half_way, "owner": other})]

    def _endings(self) -> pd.DataFrame:
        """Return the last versions, in which everything is put right."""
        deals = self._timeline.deals
        ends = pd.DataFrame(
            {
                "deal": np.arange(self._count),
                "changed_at": self._entered,
                "stage": self._final_stage(),
                "close_on": self._ended.astype("datetime64[D]"),
                "owner": self._history.person[deals.closed, deals.seat],
                "amount": deals.amount,
                "account": self._accounts(),
                "is_closed": True,
                "is_won": deals.outcome == WON,
            }
        )
        over: pd.DataFrame = ends[self._is_over]
        return over

    def _final_stage(self) -> np.ndarray:
        return np.where(self._timeline.deals.outcome == WON, "won", "lost")

    def _accounts(self) -> np.ndarray:
        deals = self._timeline.deals
        return np.asarray(deals.seat * self._history.latent.size.shape[1] + deals.account)

    def _as_rows(self, events: pd.DataFrame) -> pd.DataFrame:
        scenario = self._history.scenario
        number = events["deal"].to_numpy()
        closed = events["is_closed"].astype(bool)
        return pd.DataFrame(
            {
                "opportunity_id": opportunity_ids(self._count)[number],
                "account_id": np.append(account_ids(self._history), "")[
                    events["account"].astype(int)
                ],
                "owner_rep_id": np.array(unit_names(self._history))[events["owner"].astype(int)],
                "stage": events["stage"],
                "forecast_category": events["stage"]
                .map(_CATEGORY)
                .fillna("pipeline")
                .mask(closed, "closed"),
                "amount": events["amount"].astype("int64"),
                "currency": scenario.deals.currency,
                "created_on": self._created_on()[number],
                "close_on": events["close_on"],
                "is_closed": closed,
                "is_won": events["is_won"].astype(bool),
                "changed_at": events["changed_at"],
            }
        )

    def _created_on(self) -> np.ndarray:
        """Return the days on which deals were opened; what the history found open, long before."""
        day = self._opened.astype("datetime64[D]")
        earlier = self._rng.geometric(1 / 45, self._count)
        return np.where(self._timeline.deals.opened < 0, day - earlier, day)


def _apart(events: pd.DataFrame, of: str) -> pd.DataFrame:
    """Return the events with moments that differ within each record: a second apart."""
    again = events.groupby([of, "changed_at"]).cumcount()
    shifted = events["changed_at"] + pd.to_timedelta(again, unit="s")
    return events.assign(changed_at=shifted.astype("datetime64[s]"))
