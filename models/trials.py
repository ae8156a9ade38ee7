"""The next experiment as rows: what a roll-out is worth, whether it would show, who starts when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

import pandas as pd

from contracts.errors import UserError
from contracts.plan_rows import ExperimentRow, RolloutRow
from models.experiment import rollout, value_of_measuring
from models.frontier import Plan
from models.offers import Offers
from models.power import MONTHS, Reach, smallest, units_needed
from models.timing import YEAR, Course

CODE_VERSION: Final = "experiment/1"


@dataclass(frozen=True, kw_only=True)
class Team:
    """Those who could take part.

    Attributes:
        panel: `unit`, `period`, `outcome` (bookings in minor units) of whole months.
        units: `unit_id`, `team_id` of those who are there now.
        gross_margin_rate: of their bookings; None where no investment ever told one.
    """

    panel: pd.DataFrame
    units: pd.DataFrame
    gross_margin_rate: float | None

    @property
    def monthly_margin(self) -> tuple[float, float] | None:
        """The margin of a rep and month, and the standard error of that mean over reps."""
        by_unit = self.panel.groupby("unit")["outcome"].mean()
        if len(by_unit) < 2 or not self.gross_margin_rate:  # noqa: PLR2004 an error takes two
            return None
        mean, spread = float(by_unit.mean()), float(by_unit.std())
        rate = self.gross_margin_rate
        return mean * rate, spread * rate / float(len(by_unit)) ** 0.5


class _Trial(NamedTuple):
    """One kind, priced.

    Attributes:
        unit_cost: of a unit, for twelve months.
        unit_margin: what a unit is believed to bring in them.
        course: how that arrives.
        rate: the gross margin of a booking.
    """

    kind: str
    unit_cost: float
    unit_margin: float
    course: Course
    rate: float

    def needed(self, months: int) -> float:
        """The effect per unit and month, over so many months, that must show.

        It tells what is believed from the break-even, at which the decision changes; or, where
        these are close, the break-even from nothing.
        """
        gap = max(abs(self.unit_margin - self.unit_cost), self.unit_cost)
        full = gap / (self.rate * self.course.total(YEAR))
        return full * self.course.total(months) / months


def experiment_rows(
    plan: Plan, offers: Offers, team: Team, as_of: datetime, currency: str
) -> Iterator[ExperimentRow | RolloutRow]:
    """Yield a row per kind that is on offer, and the roll-out of those that can be measured."""
    starts_on = min(option.starts_on for option in plan.options if option.starts_on)
    for kind in plan.curves:
        try:
            trial = _trial(kind, plan, offers, team)
            reach = smallest(
                team.panel, len(team.units), [trial.needed(months) for months in MONTHS]
            )
        except UserError as error:
            yield ExperimentRow(
                as_of=as_of,
                kind=kind,
                verdict="cannot_tell",
                reason=f"No roll-out can be planned: {error}.",
                starts_on=starts_on,
                currency=currency,
                code_version=CODE_VERSION,
            )
            continue
        yield _row(trial, reach, plan, (as_of, starts_on, currency))
        if reach.suffices:
            yield from _waves(kind, reach, team, (as_of, starts_on))


def _trial(kind: str, plan: Plan, offers: Offers, team: Team) -> _Trial:
    if kind == "headcount":
        raise UserError(
            "a hire is not given to somebody by lot: compare territories that got one with those "
            "that wait"
        )
    if not team.gross_margin_rate:
        raise UserError("no investment tells the gross margin rate of what it should move")
    offered = [one for one in offers.proposals.values() if one.kind == kind]
    spend = sum(one.yearly for one in offered) / len(offered)
    units = sum(one.units for one in offered) / len(offered)
    if units <= 1:
        raise UserError(
            "it reaches one unit, which can't be split by lot: say in `units` how many reps it is "
            "for"
        )
    margin = float(plan.curves[kind].at(spend).mean())
    rate = team.gross_margin_rate
    return _Trial(kind, spend / units, margin / units, offered[0].course, rate)


def _row(
    trial: _Trial, reach: Reach, plan: Plan, when: tuple[datetime, date, str]
) -> ExperimentRow:
    first = reach.units // 2
    spend = trial.unit_cost * first
    share = reach.months / YEAR if trial.course.is_recurring else 1.0
    months = trial.course.total(YEAR) * reach.months / trial.course.total(reach.months)
    error = reach.std_error * first * trial.rate * months
    value = value_of_measuring(plan, trial.kind, spend, error)
    brings = float(plan.curves[trial.kind].at(spend).mean())
    return ExperimentRow(
        as_of=when[0],
        kind=trial.kind,
        verdict="measurable" if reach.suffices else "not_measurable",
        reason=_reason(trial, reach),
        value=value,
        worth=value + (brings - spend) * share,
        needed_effect=reach.needed,
        detectable_effect=reach.detectable,
        units=reach.units,
        months=reach.months,
        units_needed=units_needed(reach),
        spend_minor=round(spend * share),
        starts_on=when[1],
        currency=when[2],
        code_version=CODE_VERSION,
    )


def _reason(trial: _Trial, reach: Reach) -> str:
    half = reach.units // 2
    if reach.suffices:
        return (
            f"{half} start at once and {reach.units - half} wait {reach.months} months, drawn by "
            f"lot within each team. In 8 cases of 10 that shows what is believed of {trial.kind} "
            "apart from a return that just earns its cost back."
        )
    return (
        f"Even with all {reach.units} and {reach.months} months, an effect would have to be "
        f"{reach.detectable / reach.needed:,.2f} times the one that matters for {trial.kind} to "
        f"show; it would take {units_needed(reach):,} units."
    )


def _waves(
    kind: str, reach: Reach, team: Team, when: tuple[datetime, date]
) -> Iterator[RolloutRow]:
    drawn = rollout(team.units, reach.units, reach.months, when[1])
    for row in drawn.to_dict("records"):
        yield RolloutRow(
            as_of=when[0],
            kind=kind,
            unit_id=row["unit_id"],
            team_id=row["team_id"],
            wave=row["wave"],
            starts_on=row["starts_on"],
        )
