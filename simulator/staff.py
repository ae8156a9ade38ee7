"""Who sits where: newcomers, leavers, and what each person was reached by."""

import numpy as np

from simulator.latent import Latent
from simulator.programmes import NEVER, RollOut
from simulator.scenario import Scenario

_SETTLED_MONTHS = 3
_MOST_LIKELY = 0.5


class Staff:
    """The people of a company, seat by seat; moves forward month by month.

    A seat is a territory and its accounts; whoever leaves at a month's end is replaced at once, by
    somebody who has to ramp up and takes over the open deals.

    Attributes:
        person: on each seat now (R).
        skill: of whoever sits there now (R).
    """

    def __init__(self, scenario: Scenario, latent: Latent) -> None:
        self._scenario, self._latent = scenario, latent
        reps = latent.tenure.size
        self.person = np.arange(reps)
        self.skill = latent.skill[0].copy()
        self.seat = list(range(reps))
        self.hired = [-int(each) for each in latent.tenure]
        self.left = [NEVER] * reps
        self.skills = list(latent.skill[0])
        self.proxies = list(latent.skill[0] + latent.proxy_noise[0])
        self.by_month: list[np.ndarray] = []
        self._since = np.array(self.hired)
        self._exposures: dict[str, dict[int, tuple[int, int, float]]] = {}

    def leavers(self, month: int, recent: np.ndarray) -> np.ndarray:
        """Return the seats whose people are gone as this month begins.

        Args:
            month: that begins.
            recent: results of the last months, standardised (R).
        """
        people = self._scenario.people
        odds = people.attrition_rate * np.exp(-people.attrition_on_results * recent)
        settled = month - self._since >= _SETTLED_MONTHS
        leaving = self._latent.leaving[month] < np.minimum(odds, _MOST_LIKELY)
        return np.flatnonzero(leaving & settled) if month else np.array([], int)

    def replace(self, month: int, seats: np.ndarray) -> None:
        """Put somebody new on these seats."""
        latent = self._latent
        for seat in seats.tolist():
            self.left[int(self.person[seat])] = month
            self.person[seat] = len(self.seat)
            self.seat.append(seat)
            self.hired.append(month)
            self.left.append(NEVER)
            self.skills.append(latent.skill[month, seat])
            self.proxies.append(latent.skill[month, seat] + latent.proxy_noise[month, seat])
        self.skill[seats] = latent.skill[month, seats]
        self._since[seats] = month

    def work(self, month: int) -> np.ndarray:
        """Note who works this month; return each seat's ramp, 0 to 1 (R)."""
        self.by_month.append(self.person.copy())
        people = self._scenario.people
        climbed = np.minimum((month - self._since + 0.5) / people.ramp_months, 1.0)
        return np.asarray(people.ramp_from + (1 - people.ramp_from) * climbed)

    def note_exposures(self, roll_out: RollOut, seats: np.ndarray) -> None:
        """Keep what the people on these seats have been reached by so far."""
        kept = self._exposures.setdefault(roll_out.programme.id, {})
        for seat in seats[roll_out.start[seats] < NEVER].tolist():
            kept[int(self.person[seat])] = (
                int(roll_out.start[seat]),
                int(roll_out.stop[seat]),
                float(roll_out.dose[seat]),
            )

    def exposures(self, programme_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return start, stop and dose of each person under a programme."""
        kept = self._exposures.get(programme_id, {})
        none = (NEVER, NEVER, 0.0)
        told = [kept.get(person, none) for person in range(len(self.seat))]
        start, stop, dose = zip(*told, strict=True)
        return np.array(start), np.array(stop), np.array(dose)
