"""What nobody can see: skill, potential, markets, good and bad times; drawn before any month."""

from dataclasses import dataclass

import numpy as np

from simulator.chance import Chance, ar1
from simulator.scenario import Scenario

_YEAR = 12


@dataclass(frozen=True)
class Latent:
    """The draws that every form of a company shares: R seats, T months, A accounts a seat.

    Attributes:
        team: of each seat in each month (T x R); `region` of each team.
        skill: of whoever is hired for a seat in a month (T x R); row 0 of those who are there.
        proxy_noise: likewise.
        tenure: months at the beginning (R).
        potential, size: of each account (R x A): its share of the seat's leads, its deals' size.
        lead_log: leads of a seat in a month, but for whoever works it (T x R, log).
        leaving: uniform draws that decide who leaves (T x R).
        liking: standard normal draws beside skill and results in who is chosen (T x R).
        dose: of each seat, log of it in sd (R).
    """

    team: np.ndarray
    region: np.ndarray
    skill: np.ndarray
    proxy_noise: np.ndarray
    tenure: np.ndarray
    potential: np.ndarray
    size: np.ndarray
    lead_log: np.ndarray
    leaving: np.ndarray
    liking: np.ndarray
    dose: np.ndarray

    @property
    def seat_size(self) -> np.ndarray:
        """The mean size of a seat's deals, weighted by where leads come from (R)."""
        return np.asarray((self.potential * self.size).sum(axis=1) / self.potential.sum(axis=1))


def draw_latent(scenario: Scenario, reps: int, months: int, chance: Chance) -> Latent:
    """Draw a company of so many seats and months."""
    people, market = scenario.people, scenario.market
    teams = -(-reps // people.team_size)
    accounts = (reps, market.accounts_per_rep)
    # one factor a territory, so that territories differ and not only their accounts
    territory = chance.market.normal(0, market.potential_sigma / 4, (reps, 1))
    team = _teams(scenario, reps, months, chance)
    potential = np.exp(territory + chance.market.normal(0, market.potential_sigma, accounts))
    return Latent(
        team=team,
        region=np.arange(teams) // people.teams_in_region,
        skill=chance.people.normal(size=(months, reps)),
        proxy_noise=chance.people.normal(0, people.proxy_noise, (months, reps)),
        tenure=chance.people.exponential(people.tenure_months, reps).astype(int),
        potential=potential,
        size=np.exp(chance.market.normal(0, market.size_sigma, accounts)),
        lead_log=_lead_log(scenario, team, potential, chance),
        leaving=chance.staffing.random((months, reps)),
        liking=chance.adoption.normal(size=(months, reps)),
        dose=chance.adoption.normal(size=reps),
    )


def calendar_month(scenario: Scenario, month: int) -> int:
    """Return the month of the year, 0 for January."""
    return (scenario.first_month.month - 1 + month) % _YEAR


def fiscal_month(scenario: Scenario, month: int) -> int:
    """Return the month of the fiscal year, 0 for its first."""
    return (calendar_month(scenario, month) - scenario.fiscal_first_month + 1) % _YEAR


def _lead_log(
    scenario: Scenario, team: np.ndarray, potential: np.ndarray, chance: Chance
) -> np.ndarray:
    """Draw the leads of each seat and month: potential, season, growth, and times good and bad."""
    people, market = scenario.people, scenario.market
    months = len(team)
    territory = potential.sum(axis=1)
    season = np.log([market.season[calendar_month(scenario, month)] for month in range(months)])
    teams = chance.market.normal(0, market.team_shock_sd, (months, team.max() + 1))
    shared = ar1(chance.market, (months,), market.shock_sd, market.shock_persistence)
    own = ar1(chance.market, team.shape, people.shock_sd, people.shock_persistence)
    by_month = season + market.growth_log * np.arange(months) + shared
    of_team = np.take_along_axis(teams, team, axis=1)
    level = np.log(market.leads_per_month * territory / territory.mean())
    return np.asarray(level + by_month[:, None] + of_team + own)


def _teams(scenario: Scenario, reps: int, months: int, chance: Chance) -> np.ndarray:
    """Return each seat's team by month: at a fiscal year, some seats trade places."""
    team = np.arange(reps) // scenario.people.team_size
    by_month = np.empty((months, reps), int)
    for month in range(months):
        if month and fiscal_month(scenario, month) == 0:
            moving = np.flatnonzero(
                chance.staffing.random(reps) < scenario.people.reorganised_share
            )
            team = team.copy()
            team[moving] = team[np.roll(moving, 1)]
        by_month[month] = team
    return by_month
