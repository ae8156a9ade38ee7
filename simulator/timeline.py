"""When deals are opened, move between stages and end: minutes within the months that were drawn.

Stages are what sellers see of a deal, and nothing more: a deal may reach its next stage in each
month with a chance that grows with its engagement, whatever becomes of it.
"""

from typing import Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.dynamics import dynamics_of
from simulator.latent import fiscal_month
from simulator.office import Office
from simulator.pipeline import OPEN, DealMonths, Deals

STAGES: Final = ("qualification", "discovery", "proposal", "negotiation")

_ADVANCES, _ADVANCES_WARM = 0.45, 0.12
_NEVER_ENDS: Final = 10**9
_MOST_CONTACTS: Final = 8


class Timeline:
    """The deals of a company on the axis of office minutes.

    Attributes:
        deals: of the company as it was.
        months: their true states.
        opened, ended: minutes of each deal; `ended` is far away while it is open.
        lead: which of the account's contacts leads each deal (to be taken modulo their number).
        group: how many of them, from the lead on, are its buying group.
        moves: `deal`, `minute`, `stage` (its place in STAGES): every stage reached after the first.
    """

    def __init__(
        self, history: History, deals: Deals, months: DealMonths, office: Office, chance: Chance
    ) -> None:
        rng, begins = chance.timeline, office.month_begins
        self.deals, self.months = deals, months
        self._accounts = history.latent.size.shape[1]
        width = np.diff(begins)
        count = len(deals.seat)
        month = np.maximum(deals.opened, 0)  # what was open before is first seen as it begins
        within = np.where(deals.opened < 0, 0, rng.random(count) * width[month] * 0.98)
        self.opened = begins[month] + within
        since = np.maximum(self.opened, begins[deals.closed])
        left = begins[deals.closed + 1] - since - 1
        share = rng.random(count) ** (1 / self._rush(history, deals.closed))
        self.ended = np.where(deals.outcome == OPEN, _NEVER_ENDS, since + share * left)
        self.lead = rng.integers(0, _MOST_CONTACTS, count)
        self._month_rows = np.searchsorted(months.month, np.arange(history.months + 1))
        self.moves = self._moves(dynamics_of(history.scenario).levels, begins, rng)
        self.group = 1 + rng.poisson(history.scenario.talk.group_size - 1, count)

    def open_in(self, month: int) -> pd.DataFrame:
        """Return the deals that are open in a month, with what `Talk` needs to know of them."""
        rows = slice(*self._month_rows[month : month + 2])
        deal = self.months.deal[rows]
        seat = self.deals.seat[deal]
        return pd.DataFrame(
            {
                "deal": deal,
                "seat": seat,
                "account": seat * self._accounts + self.deals.account[deal],
                "lead": self.lead[deal],
                "group": self.group[deal],
                "level": self.months.level[rows],
                "opened_minute": self.opened[deal],
                "ended_minute": self.ended[deal],
            }
        )

    def _rush(self, history: History, closed: np.ndarray) -> np.ndarray:
        """Return how strongly deals end towards a month's end: in a quarter's last, doubly."""
        last = [fiscal_month(history.scenario, m) % 3 == 2 for m in range(history.months)]  # noqa: PLR2004 months of a quarter
        return np.asarray(np.where(np.array(last)[closed], 2.5, 1.25))

    def _moves(
        self, levels: np.ndarray, begins: np.ndarray, rng: np.random.Generator
    ) -> pd.DataFrame:
        deal, month = self.months.deal, self.months.month
        chance = _ADVANCES + _ADVANCES_WARM * levels[self.months.level]
        since = np.maximum(self.opened[deal], begins[month])
        until = np.minimum(self.ended[deal], begins[month + 1])
        moves = pd.DataFrame(
            {"deal": deal, "minute": since + rng.random(deal.size) * (until - since)}
        )[rng.random(deal.size) < chance]
        moves = moves.sort_values(["deal", "minute"], ignore_index=True)
        moves["stage"] = moves.groupby("deal").cumcount() + 1
        within: pd.DataFrame = moves[moves["stage"] < len(STAGES)].reset_index(drop=True)
        return within
