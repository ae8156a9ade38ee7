"""What deals are called in the CRM: name, kind, product and quote, with the usual dirt."""

from typing import Final

import numpy as np
import pandas as pd

from simulator.chance import Chance
from simulator.company import History
from simulator.crm_deals import opportunity_ids
from simulator.directory import Directory
from simulator.offers import NEW, Offers
from simulator.timeline import Timeline

_GENERIC: Final = ("{account}", "{account} - new business", "{account} deal", "{account} - open")
"""Names that say no more than whose a deal is; the others say what it is about as well."""


class CrmNames:
    """The names that sellers enter: `account - product kind`, as most naming conventions have it.

    What is wrong or missing stays so for a deal's whole life.
    """

    def __init__(
        self,
        history: History,
        timeline: Timeline,
        offers: Offers,
        who: Directory,
        chance: Chance,
    ) -> None:
        deals, dirt, rng = timeline.deals, history.scenario.dirt, chance.naming
        count = len(deals.seat)
        self._ids = opportunity_ids(count)
        self._offers = offers
        products, other = np.array(offers.products, dtype=object), len(offers.products)
        is_wrong = rng.random(count) < dirt.product_wrong
        entered = np.where(is_wrong, rng.integers(0, other, count), offers.product)
        self._products = np.where(rng.random(count) < dirt.product_missing, "", products[entered])
        account = deals.seat * history.latent.size.shape[1] + deals.account
        generic = np.where(
            rng.random(count) < dirt.name_generic, rng.integers(0, len(_GENERIC), count), -1
        )
        said = zip(account.tolist(), products[entered], offers.kind, generic.tolist(), strict=True)
        self._names = np.array([_name(who.account_name[at], *rest) for at, *rest in said], object)
        self._is_quoted = rng.random(count) >= dirt.quote_missing

    def named(self, versions: pd.DataFrame) -> pd.DataFrame:
        """Return the versions of the deals with what they are called; quotes once they are sent."""
        deal = np.searchsorted(self._ids, versions["opportunity_id"].to_numpy(dtype=object))
        sent = self._offers.quoted_at[deal] <= versions["changed_at"].to_numpy("datetime64[s]")
        return versions.assign(
            name=self._names[deal],
            deal_type=self._offers.kind[deal],
            products=self._products[deal],
            quote_numbers=np.where(sent & self._is_quoted[deal], self._offers.quote[deal], ""),
        )


def _name(account: str, product: str, kind: str, generic: int) -> str:
    if generic >= 0:
        return _GENERIC[generic].format(account=account)
    return f"{account} - {product}" if kind == NEW else f"{account} - {product} {kind}"
