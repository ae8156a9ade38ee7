"""What each deal is about, and how people name it: product, kind of deal, number of the quote."""

from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from simulator.chance import Chance
from simulator.company import History
from simulator.office import Office
from simulator.pipeline import WON
from simulator.said import Said
from simulator.scenario import Talk
from simulator.timeline import STAGES, Timeline

NEW, EXPANSION, RENEWAL = "new", "expansion", "renewal"
_WERE_CUSTOMERS: Final = 0.3
"""Of the accounts, who had bought before the history begins."""
_EXPANDS: Final = 0.6
"""Of a customer's deals, those that add to what there is; the others renew it."""
_FIRST_QUOTE: Final = 10_000
_BY_QUOTE: Final = 0.3
"""Of the conversations that name a deal that has been quoted, those that name the quote."""
_WITH_KIND: Final = 0.4
"""Of those that name the product of a renewal or an expansion, those that say that too."""


@dataclass(frozen=True)
class Offers:
    """What the deals are about, by deal (D).

    Attributes:
        products: the names of all that is sold.
        product: of each deal, its place in `products`.
        kind: NEW, EXPANSION or RENEWAL.
        quote: the number of the quote that is sent with the proposal.
        quoted_at: when, in UTC; NaT where no proposal was reached.
        talk: how often people name what they write about.
    """

    products: tuple[str, ...]
    product: np.ndarray
    kind: np.ndarray
    quote: np.ndarray
    quoted_at: np.ndarray
    talk: Talk

    def named(self, said: Said, rng: Random, share: float) -> str:
        """Return what a conversation says that it is about; empty where it does not say.

        Args:
            said: its beginning.
            rng: draws words.
            share: of those about a deal, that say it.
        """
        if said.deal < 0:
            says = rng.random() < share * self.talk.named_without_deal
            return rng.choice(self.products) if says else ""
        if rng.random() >= share:
            return ""
        if rng.random() < self.talk.named_wrongly:
            return rng.choice(self.products)
        is_quoted = self.quoted_at[said.deal] <= np.datetime64(said.at.replace(tzinfo=None), "s")
        if is_quoted and rng.random() < _BY_QUOTE:
            return str(self.quote[said.deal])
        product, kind = self.products[self.product[said.deal]], str(self.kind[said.deal])
        return f"{product} {kind}" if kind != NEW and rng.random() < _WITH_KIND else product


def draw_offers(history: History, timeline: Timeline, office: Office, chance: Chance) -> Offers:
    """Draw what every deal is about."""
    deals, count = timeline.deals, len(timeline.deals.seat)
    return Offers(
        products=tuple(product.name for product in history.scenario.deals.products),
        product=deals.product,
        kind=_kinds(history, timeline, chance.naming),
        quote=np.array([f"Q-{_FIRST_QUOTE + n}" for n in range(count)], dtype=object),
        quoted_at=_proposals(timeline, office),
        talk=history.scenario.talk,
    )


def _kinds(history: History, timeline: Timeline, rng: np.random.Generator) -> np.ndarray:
    """Return the kind of each deal: one of an account that has bought before is not new."""
    deals, width = timeline.deals, history.latent.size.shape[1]
    account = deals.seat * width + deals.account
    since = np.where(rng.random(history.latent.size.size) < _WERE_CUSTOMERS, -1.0, np.inf)
    won = deals.outcome == WON
    np.minimum.at(since, account[won], timeline.ended[won])
    again = np.where(rng.random(account.size) < _EXPANDS, EXPANSION, RENEWAL)
    return np.where(since[account] <= timeline.opened, again, NEW).astype(object)


def _proposals(timeline: Timeline, office: Office) -> np.ndarray:
    """Return when each deal reached the proposal; NaT where it did not."""
    at = np.full(len(timeline.deals.seat), np.datetime64("NaT"), "datetime64[s]")
    moves = timeline.moves[timeline.moves["stage"] == STAGES.index("proposal")]
    at[moves["deal"]] = office.moment(moves["minute"].to_numpy())
    return at
