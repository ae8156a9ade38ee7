"""What a deal is worth: product, account and chance."""

import numpy as np

from simulator.latent import Latent
from simulator.scenario import Scenario


class Pricing:
    """Draws amounts: typical_deal x the product's price x the account's size x LogNormal.

    Attributes:
        mean: the expected amount of a deal of each seat (R).
    """

    def __init__(self, scenario: Scenario, latent: Latent) -> None:
        deals = scenario.deals
        self._typical, self._sigma = deals.typical_deal, deals.amount_sigma
        self._price = np.array([product.price for product in deals.products])
        shares = np.array([product.share for product in deals.products])
        self._until = np.cumsum(shares)[:-1]
        self._size = latent.size
        self._accounts = latent.size.shape[1]
        share = latent.potential.cumsum(axis=1) / latent.potential.sum(axis=1, keepdims=True)
        share[:, -1] = 1.0
        self._ends = (share + np.arange(len(share))[:, None]).ravel()
        product = float(shares @ self._price)
        self.mean = self._typical * product * np.exp(self._sigma**2 / 2) * latent.seat_size

    def draw(self, rng: np.random.Generator, seat: np.ndarray) -> np.ndarray:
        """Draw the amounts of deals on these seats."""
        return self.amounts(rng, seat, self.accounts(rng, seat), self.products(rng, seat.size))

    def accounts(self, rng: np.random.Generator, seat: np.ndarray) -> np.ndarray:
        """Draw the account within its seat of each deal, by potential."""
        found = np.searchsorted(self._ends, seat + rng.random(seat.size), side="right")
        return np.asarray(np.minimum(found - seat * self._accounts, self._accounts - 1))

    def products(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw the products of so many deals."""
        return np.searchsorted(self._until, rng.random(count), side="right")

    def amounts(
        self, rng: np.random.Generator, seat: np.ndarray, account: np.ndarray, product: np.ndarray
    ) -> np.ndarray:
        """Draw the amounts of deals whose seat, account and product are known."""
        noise = np.exp(rng.normal(0, self._sigma, seat.size))
        level = self._typical * self._price[product] * self._size[seat, account]
        return np.asarray(np.rint(level * noise))
