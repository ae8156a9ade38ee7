"""How a company lives, month by month: the one loop that every form runs.

The latent paths and the investments give the month's rates in each *world*; an engine makes
bookings of the rates (`stock.Stock` for panels, `pipeline.Pipeline` deal by deal); the bookings of
the world as it was decide who leaves and who is reached next.

Worlds: 0 is the company as it was; for investment k (from 0), world 1 + 2k is the one without it,
and world 2 + 2k the one in which it reached everybody at its first start. They share every draw,
and who works where is as it was: so what differs between two worlds is the effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.chance import Chance, chance_of
from simulator.dynamics import Rates
from simulator.latent import Latent, draw_latent
from simulator.programmes import RollOut
from simulator.rates import month_rates
from simulator.scenario import Scenario
from simulator.scenario_file import checked
from simulator.staff import Staff

_RECENT = 3

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Bookings:
    """What was won in a month, by world and seat, in major units; it broadcasts to W x R.

    Attributes:
        mean: what was to be expected, given the latent paths alone.
    """

    amount: np.ndarray
    mean: np.ndarray


class Engine(Protocol):
    """Makes bookings of rates."""

    def live(self, month: int, rates: Rates) -> Bookings:
        """Live through the next month."""


EngineMaker = Callable[[Scenario, Latent, Chance], Engine]


@dataclass(frozen=True)
class History:
    """What happened: T months, R seats, W worlds, K investments.

    Attributes:
        person: who sat on a seat (T x R); persons are numbered in order of coming.
        hired, left: months of each person, half-open (negative where before the history; NEVER).
        seat, skill, proxy: of each person.
        start, stop: of each person under each investment (K x persons), NEVER where not reached.
        dose: likewise.
        strength: K x T x R, in the pathway's unit.
        rates: of each month.
        amount, mean: bookings and their expectation, T x W x R.
    """

    scenario: Scenario
    latent: Latent
    person: np.ndarray
    hired: np.ndarray
    left: np.ndarray
    seat: np.ndarray
    skill: np.ndarray
    proxy: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    dose: np.ndarray
    strength: np.ndarray
    rates: tuple[Rates, ...]
    amount: np.ndarray
    mean: np.ndarray

    @property
    def months(self) -> int:
        """How many there are."""
        return len(self.person)


def live(
    scenario: Scenario,
    reps: int,
    months: int,
    seed: int,
    engine: EngineMaker,
    progress: Progress = lambda done, of: None,  # noqa: ARG005 a progress that nobody watches
) -> History:
    """Let a company live; the same arguments give the same history.

    Args:
        scenario: the knobs.
        reps: seats.
        months: of history.
        seed: of every draw.
        engine: makes bookings of rates.
        progress: is told how many months are done, of how many.
    """
    scenario = checked(scenario)
    chance = chance_of(seed)
    latent = draw_latent(scenario, reps, months, chance)
    staff = Staff(scenario, latent)
    roll_outs = [RollOut.planned(each, latent) for each in scenario.investments]
    works = engine(scenario, latent, chance)
    lived: list[_Month] = []
    for month in range(months):
        recent = _standardised([each.booked.amount[0] for each in lived[-_RECENT:]], reps)
        _turn_over(staff, roll_outs, month, recent)
        team = latent.team[month]
        for roll_out in roll_outs:
            roll_out.choose(month, staff.skill, recent, latent.region[team], latent)
        strength = [each.strength(month, team) for each in roll_outs]
        felt = _worlds(roll_outs, strength, month)
        rates = month_rates(scenario, latent, staff, month, felt)
        lived.append(_Month(strength, rates, works.live(month, rates)))
        progress(month + 1, months)
    for roll_out in roll_outs:
        staff.note_exposures(roll_out, np.arange(reps))
    return _history(scenario, latent, staff, lived)


@dataclass(frozen=True)
class _Month:
    strength: list[np.ndarray]
    rates: Rates
    booked: Bookings


def _turn_over(staff: Staff, roll_outs: list[RollOut], month: int, recent: np.ndarray) -> None:
    """Replace those who leave; who comes has not been reached by anything."""
    leavers = staff.leavers(month, recent)
    if not leavers.size:
        return
    for roll_out in roll_outs:
        staff.note_exposures(roll_out, leavers)
        roll_out.forget(leavers)
    staff.replace(month, leavers)


def _standardised(results: list[np.ndarray], reps: int) -> np.ndarray:
    """Return the mean of recent results as sd from the company's mean; 0 where there are none."""
    if not results:
        return np.zeros(reps)
    mean = np.add.reduce(results) / len(results)
    away = mean - mean.sum() / reps
    spread = np.sqrt(away @ away / reps)
    return np.asarray(away / spread) if spread else np.zeros(reps)


def _worlds(
    roll_outs: list[RollOut], strength: list[np.ndarray], month: int
) -> dict[str, np.ndarray]:
    """Return what acts on each pathway, by world and seat (W x R)."""
    felt: dict[str, np.ndarray] = {}
    for place, (roll_out, own) in enumerate(zip(roll_outs, strength, strict=True)):
        if roll_out.has_begun(month):
            acts = np.empty((1 + 2 * len(roll_outs), own.size))
            acts[:] = own
            acts[1 + 2 * place] = 0
            acts[2 + 2 * place] = roll_out.strength_for_all(month)
            kind = roll_out.programme.kind
            felt[kind] = felt[kind] + acts if kind in felt else acts
    return felt


def _history(scenario: Scenario, latent: Latent, staff: Staff, lived: list[_Month]) -> History:
    exposures = [staff.exposures(each.id) for each in scenario.investments]
    start, stop, dose = (
        np.array([each[part] for each in exposures]).reshape(len(exposures), len(staff.seat))
        for part in range(3)
    )
    return History(
        scenario=scenario,
        latent=latent,
        person=np.array(staff.by_month),
        hired=np.array(staff.hired),
        left=np.array(staff.left),
        seat=np.array(staff.seat),
        skill=np.array(staff.skills),
        proxy=np.array(staff.proxies),
        start=start,
        stop=stop,
        dose=dose,
        strength=np.array([each.strength for each in lived]).swapaxes(0, 1)
        if exposures
        else np.zeros((0, len(lived), latent.tenure.size)),
        rates=tuple(each.rates for each in lived),
        amount=_by_month([each.booked.amount for each in lived], 1 + 2 * len(exposures)),
        mean=_by_month([each.booked.mean for each in lived], 1 + 2 * len(exposures)),
    )


def _by_month(booked: list[np.ndarray], worlds: int) -> np.ndarray:
    """Return what was booked as T x W x R; months before worlds differ have it once."""
    stacked = np.empty((len(booked), worlds, booked[0].shape[1]))
    for month, amount in enumerate(booked):
        stacked[month] = amount
    return stacked
