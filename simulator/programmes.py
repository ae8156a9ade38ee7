"""Investments at work: who is reached and when, and how strongly it is felt.

A unit's strength in a month is the effect times

    response(dose) * curve(months since the start) * (1 + cohort_step * cohort),

where the curve climbs to 1 over the ramp, then halves every half-life if there is one; before the
start it is `anticipation`, after the end it is 0, or decays with the half-life. Who is not reached
feels `spillover` times the mean strength among the team mates.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.latent import Latent
from simulator.scenario import Programme

NEVER: Final = 10_000
"""A month that does not come."""


@dataclass
class RollOut:
    """Whom one investment has reached so far, by seat (R); grows month by month.

    Attributes:
        start, stop: months, half-open; NEVER where there is none.
        cohort: 0 for the first.
        felt: the curve, from one month before any anticipation.
    """

    programme: Programme
    start: np.ndarray
    stop: np.ndarray
    cohort: np.ndarray
    dose: np.ndarray
    felt: np.ndarray

    @classmethod
    def planned(cls, programme: Programme, latent: Latent) -> "RollOut":
        """Return a roll-out that has reached nobody."""
        months, reps = latent.liking.shape
        never = np.full(reps, NEVER)
        dose = np.exp(programme.dose_sd * latent.dose)
        felt = curve(programme, np.arange(-programme.anticipation_months - 1, months))
        return cls(programme, never, never.copy(), np.zeros(reps, int), dose, felt)

    def has_begun(self, month: int) -> bool:
        """Tell whether anybody could feel it by now."""
        return month >= self.programme.starts[0] - self.programme.anticipation_months

    def choose(
        self, month: int, skill: np.ndarray, recent: np.ndarray, region: np.ndarray, latent: Latent
    ) -> None:
        """Choose the cohort whose time it is to be told: by skill, recent results and chance."""
        programme = self.programme
        begins = month + programme.anticipation_months
        if begins not in programme.starts:
            return
        here = region == 0 if programme.roll_out == "one_region" else np.ones_like(region, bool)
        free = here & (self.start == NEVER)
        place = programme.starts.index(begins)
        due = round(programme.share * here.sum() * (place + 1) / len(programme.starts))
        count = min(max(due - int((self.start[here] < NEVER).sum()), 0), int(free.sum()))
        wish = programme.on_skill * skill + programme.on_recent * recent + latent.liking[month]
        chosen = np.argsort(np.where(free, -wish, np.inf), kind="stable")[:count]
        self.start[chosen] = begins
        self.cohort[chosen] = place
        if programme.lasts_months:
            self.stop[chosen] = begins + programme.lasts_months

    def forget(self, seats: np.ndarray) -> None:
        """Whoever comes to a seat after somebody left has not been reached."""
        self.start[seats] = self.stop[seats] = NEVER

    def strength(self, month: int, team: np.ndarray) -> np.ndarray:
        """Return how strongly each seat feels it (R)."""
        if not self.has_begun(month):
            return np.zeros(self.start.size)
        own = self._curve(month - self.start) * response(self.programme, self.dose)
        if self.programme.cohort_step:
            own = own * (1 + self.programme.cohort_step * self.cohort)
        if self.programme.spillover:
            heard = np.bincount(team, own) / np.maximum(np.bincount(team), 1)
            own = np.where(own == 0, self.programme.spillover * heard[team], own)
        return np.asarray(self.programme.effect * own)

    def strength_for_all(self, month: int) -> np.ndarray:
        """Return how strongly each seat would feel it, had all been reached at its first start."""
        felt = self._curve(np.array(month - self.programme.starts[0]))
        return np.asarray(self.programme.effect * response(self.programme, self.dose) * felt)

    def _curve(self, since: np.ndarray) -> np.ndarray:
        before = self.programme.anticipation_months + 1
        return np.asarray(self.felt[np.maximum(since + before, 0)])


def response(programme: Programme, dose: np.ndarray) -> np.ndarray:
    """Return the response to a dose: proportional, or saturating (Hill) through 1 at dose 1."""
    half = programme.half_dose
    return dose if half == 0 else np.asarray(dose * (1 + half) / (half + dose))


def curve(programme: Programme, since: np.ndarray) -> np.ndarray:
    """Return the share of the effect that is felt, by months since the start (below 0: before)."""
    ramp, half_life = programme.ramp_months, programme.half_life_months
    lasts = programme.lasts_months or NEVER
    felt = np.clip((np.minimum(since, lasts - 1) + 1) / ramp, 0.0, 1.0)  # no climb after the end
    if half_life:
        faded_for = np.maximum(since - min(ramp, lasts) + 1, 0)
        felt = felt * 0.5 ** (faded_for / half_life)
    else:
        felt = np.where(since >= lasts, 0.0, felt)
    before = (since < 0) & (since >= -programme.anticipation_months)
    return np.asarray(np.where(before, programme.anticipation, felt))
