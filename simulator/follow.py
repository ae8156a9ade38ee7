"""A company followed deal by deal, with its people: what activities and messages are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from contracts.errors import UserError
from simulator.chance import Chance, chance_of
from simulator.company import History, Progress, live
from simulator.directory import Directory, draw_directory
from simulator.latent import Latent
from simulator.offers import Offers, draw_offers
from simulator.office import Office
from simulator.pipeline import Pipeline
from simulator.scenario import Scenario
from simulator.talk import Talk
from simulator.timeline import Timeline


@dataclass(frozen=True)
class Order:
    """Which company is wanted.

    Attributes:
        until: what happened after it is not written; the history's end if None.
        mail_months: how many last months have messages; all if None.

    Raises:
        UserError: if there would be nobody, or no month.
    """

    scenario: Scenario
    reps: int
    months: int
    seed: int
    until: datetime | None = None
    mail_months: int | None = None

    def __post_init__(self) -> None:
        if self.reps < 1 or self.months < 1 or self.seed < 0:
            raise UserError(
                f"{self.reps} reps, {self.months} months and seed {self.seed} make no company: ask "
                "for at least one rep and one month, and a seed of 0 or more"
            )


@dataclass(frozen=True)
class Company:
    """A company that has lived: its history, deals and what they are about, people, calendar."""

    history: History
    timeline: Timeline
    offers: Offers
    who: Directory
    office: Office
    chance: Chance

    def talk(self, progress: Progress) -> Iterator[pd.DataFrame]:
        """Yield what is said, month by month, as `Talk.month` tells it."""
        talk = Talk(self.history, self.timeline, self.who, self.chance)
        for month in range(self.history.months):
            yield talk.month(month)
            progress(month + 1, self.history.months)


def follow(order: Order) -> Company:
    """Let a company live, deal by deal."""
    engines: list[Pipeline] = []

    def pipeline(scenario: Scenario, latent: Latent, chance: Chance) -> Pipeline:
        engines.append(Pipeline(scenario, latent, chance))
        return engines[0]

    history = live(order.scenario, order.reps, order.months, order.seed, pipeline)
    chance, office = chance_of(order.seed), Office(history)
    timeline = Timeline(history, engines[0].deals, engines[0].deal_months, office, chance)
    offers = draw_offers(history, timeline, office, chance)
    return Company(history, timeline, offers, draw_directory(history, chance), office, chance)
