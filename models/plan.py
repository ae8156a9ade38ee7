"""A whole plan: curves, forecasts, allocations and the next experiment, as the rows to keep."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from contracts.errors import UserError
from contracts.investment_rows import row_of
from contracts.money import Rates
from contracts.plan_rows import (
    InvestmentForecastRow,
    ProposalRow,
    ResponseCurveRow,
    ResponsePointRow,
)
from contracts.rows import Row
from models.allocation import curves_of
from models.experience import Experience, experience, hiring_point
from models.frontier import Plan
from models.offers import Offers, of_kinds, of_proposals
from models.proposal import Proposal, score
from models.response import CODE_VERSION, Response, fit, told
from models.rules import rules_from
from models.scenarios import allocation_rows
from models.timing import YEAR, Course
from models.trials import Team, experiment_rows

DRAWS: Final = 250
_CHORDS: Final = 24
_POINTS: Final = 32
"""Spends at which a curve is kept."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a plan is made from.

    Attributes:
        judgements: the newest of each investment, as models.experience takes them.
        proposals: none where nobody proposed anything.
        team: those who could take part in a roll-out, with their months.
        budget: to be allocated, in minor units of the base currency of `rates`.
        starts_on: the first day of the plan's first month.
        rules: of the company, over all proposals, as `models.rules.rules_from` takes them; pools
            are kinds.
    """

    judgements: pd.DataFrame
    proposals: Sequence[ProposalRow]
    team: Team
    rates: Rates
    budget: float
    discount_rate: float
    starts_on: date
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """The rows of a plan, and what of it could not be made."""

    rows: list[Row] = field(default_factory=list)
    problem: str = ""


def make(known: Known, as_of: datetime, draws: int = DRAWS) -> Made:
    """Return all rows of a plan; more draws tell the worst tenth more finely, and take longer.

    Forecasts are made even where the proposals' rules can't all be kept: then there is no
    allocation, and `problem` says why.
    """
    learnt = experience(known.judgements)
    offers = _offers(known, learnt)
    points = _points(known, offers, learnt)
    kinds = sorted({proposal.kind for proposal in offers.proposals.values()})
    response = fit(points, kinds, draws=draws)
    rows: list[Row] = [
        *_point_rows(learnt, as_of),
        *_curve_rows(response, known, as_of),
        *_forecast_rows(response, offers, known, as_of),
    ]
    if not offers.options:
        return Made(rows)
    try:
        plan = _plan(response, offers, known)
        rows += allocation_rows(plan, offers, points, as_of, known.rates.base)
    except UserError as error:
        return Made(rows, str(error))
    rows += experiment_rows(plan, offers, known.team, as_of, known.rates.base)
    return Made(rows)


def _offers(known: Known, learnt: Experience) -> Offers:
    if known.proposals:
        return of_proposals(known.proposals, known.rates, known.starts_on)
    return of_kinds(learnt.points, known.starts_on)


def _points(known: Known, offers: Offers, learnt: Experience) -> pd.DataFrame:
    """Return what was judged, and for hires that nobody judged, what an average rep brings."""
    points = learnt.points.assign(is_assumed=False)
    hires = [one for one in offers.proposals.values() if one.kind == "headcount"]
    if not hires or "headcount" in set(points["kind"]) or not known.team.monthly_margin:
        return points
    mean, error = known.team.monthly_margin
    seat = hires[0].yearly / hires[0].units
    assumed = pd.DataFrame([hiring_point(mean, error, seat, hires[0].course)])
    return pd.concat([points, assumed], ignore_index=True) if len(points) else assumed


def _plan(response: Response, offers: Offers, known: Known) -> Plan:
    dearest = 2 * known.budget / min(option.cost for option in offers.options)
    curves = curves_of(response, dearest, _CHORDS)
    return Plan(
        {option.pool: curves[option.pool] for option in offers.options},
        offers.options,
        rules_from({"budget": known.budget, **offers.rules, **_at_work(known.rules, offers)}),
    )


def _at_work(rules: Mapping[str, Any], offers: Offers) -> dict[str, Any]:
    """Return the company's rules without the caps of what is not on offer: nothing can break them.

    A floor stays: where a kind is not on offer it can't be kept, and that is to be said.
    """
    there: Mapping[str, Collection[Any]] = {
        "pool_caps": {option.pool for option in offers.options},
        "month_budgets": {option.starts_on for option in offers.options},
    }
    return {
        name: {of: most for of, most in amounts.items() if of in there.get(name, amounts)}
        for name, amounts in rules.items()
    }


def _point_rows(learnt: Experience, as_of: datetime) -> Iterator[ResponsePointRow]:
    for point in learnt.points.to_dict("records"):
        yield ResponsePointRow(
            as_of=as_of,
            investment_id=point["investment_id"],
            kind=point["kind"],
            spend_minor=round(point["spend"]),
            margin=point["margin"],
            std_error=point["std_error"],
        )
    for out in learnt.left_out.to_dict("records"):
        yield ResponsePointRow(
            as_of=as_of,
            investment_id=out["investment_id"],
            kind=out["kind"],
            left_out=out["reason"],
        )


def _curve_rows(response: Response, known: Known, as_of: datetime) -> Iterator[ResponseCurveRow]:
    for kind in response.kinds:
        most = max(known.budget, 1.3 * float(response.seen[response.place(kind)]))
        spends = np.linspace(0, most, _POINTS + 1)[1:]
        count = int(response.count[response.place(kind)])
        for one in told(response, kind, spends).to_dict("records"):
            yield ResponseCurveRow(
                as_of=as_of,
                kind=kind,
                spend_minor=round(one["spend"]),
                margin=one["margin"],
                margin_low=one["low"],
                margin_high=one["high"],
                marginal_return=one["marginal"],
                pays_off_probability=one["pays_off_probability"],
                is_extrapolated=one["is_extrapolated"],
                judgements=count,
                currency=known.rates.base,
                code_version=CODE_VERSION,
            )


def _forecast_rows(
    response: Response, offers: Offers, known: Known, as_of: datetime
) -> Iterator[Row]:
    """Yield each forecast and its explanation; what can't be scored says why."""
    for name, proposal in offers.proposals.items():
        forecast = score(proposal, response, known.discount_rate)
        told_of = {
            key: getattr(forecast, key)
            for key in InvestmentForecastRow.__struct_fields__
            if hasattr(forecast, key)
        }
        yield InvestmentForecastRow(**told_of | _about(proposal, offers, known, as_of))
        yield row_of(forecast.explanation, ("proposal", name), "net_margin", as_of)
    for row in known.proposals:
        if row.proposal_id in offers.refused:
            yield InvestmentForecastRow(
                as_of=as_of,
                proposal_id=row.proposal_id,
                origin=offers.origin,
                kind=row.kind,
                name=row.name,
                spend_minor=row.amount_minor,
                units=row.units,
                starts_on=row.starts_on,
                months=YEAR,
                verdict="not_scored",
                reason=f"It can't be scored: {offers.refused[row.proposal_id]}.",
                discount_rate=known.discount_rate,
                currency=row.currency,
                code_version=CODE_VERSION,
            )


def _about(proposal: Proposal, offers: Offers, known: Known, as_of: datetime) -> dict[str, object]:
    starts = [o.starts_on for o in offers.options if o.of == proposal.proposal_id]
    return {
        "as_of": as_of,
        "origin": offers.origin,
        "kind": proposal.kind,
        "name": proposal.name,
        "spend_minor": round(proposal.spend),
        "units": proposal.units,
        "starts_on": starts[0],
        "months": proposal.months,
        "assumed": in_words(proposal.course),
        "discount_rate": known.discount_rate,
        "currency": known.rates.base,
        "code_version": CODE_VERSION,
    }


def _months(count: float) -> str:
    return "1 month" if count == 1 else f"{count:g} months"


def in_words(course: Course) -> str:
    """Return how a return is assumed to arrive, for a person."""
    parts = [
        f"ramps up over {_months(course.ramp_months)}" if course.ramp_months else "at once",
        f"halves every {_months(course.half_life_months)}"
        if course.half_life_months
        else "does not fade",
        "paid month by month" if course.is_recurring else "paid at the start",
    ]
    if course.attrition_rate:
        parts.append(
            f"{course.attrition_rate:.0%} leave in a year, a seat then stays empty for "
            f"{course.backfill_months} months"
        )
    return "; ".join(parts)
