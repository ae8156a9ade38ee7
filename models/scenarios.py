"""Allocations as rows: every budget and appetite of the trade-off, beside simpler splits."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from contracts.plan_rows import AllocationRow, AllocationTotalRow
from models.allocation import tail_loss
from models.frontier import (
    APPETITES,
    MULTIPLES,
    Plan,
    Price,
    Scenario,
    equal_split,
    frontier,
    prices,
    pro_rata,
)
from models.offers import Offers
from models.rules import broken

CODE_VERSION: Final = "allocation/1"
_INTERVAL: Final = (0.025, 0.975)


def allocation_rows(
    plan: Plan, offers: Offers, points: pd.DataFrame, as_of: datetime, currency: str
) -> Iterator[AllocationRow | AllocationTotalRow]:
    """Yield what each scenario gives to each option, and what it brings in all.

    Pro-rata goes by past spend on the kind, or by what the proposals ask for.

    Raises:
        UserError: if the rules can't be kept within the plan's budget.
    """
    weights = _weights(offers, points)
    for scenario in frontier(plan, [m * plan.rules.budget for m in MULTIPLES]):
        yield from _gifts(scenario, plan, offers, as_of)
        yield AllocationTotalRow(
            as_of=as_of,
            origin=offers.origin,
            currency=currency,
            code_version=CODE_VERSION,
            **_result(scenario, plan),
            **_simpler(scenario, plan, weights),
            **_priced(scenario, plan),
        )


def _gifts(
    scenario: Scenario, plan: Plan, offers: Offers, as_of: datetime
) -> Iterator[AllocationRow]:
    allocation = scenario.allocation
    lows, highs = np.quantile(allocation.margin, _INTERVAL, axis=1)
    for i, option in enumerate(plan.options):
        proposal = offers.proposals[option.of]
        spend = float(allocation.spend[i])
        if not spend or option.starts_on is None:
            continue
        yield AllocationRow(
            as_of=as_of,
            budget_minor=round(scenario.budget),
            appetite=scenario.appetite,
            option_id=option.option_id,
            proposal_id=proposal.proposal_id,
            kind=proposal.kind,
            name=proposal.name,
            starts_on=option.starts_on,
            spend_minor=round(spend),
            units=spend / option.cost / (proposal.yearly / proposal.units),
            margin=float(allocation.margin[i].mean()),
            margin_low=float(lows[i]),
            margin_high=float(highs[i]),
        )


def _result(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    budget, allocation = scenario.budget, scenario.allocation
    low, high = np.quantile(allocation.net, _INTERVAL)
    rules = replace(plan.rules, budget=budget)
    return {
        "budget_minor": round(budget),
        "appetite": scenario.appetite,
        "risk": APPETITES[scenario.appetite],
        "is_asked": _is_asked(scenario, plan),
        "spend_minor": sum(round(float(spend)) for spend in allocation.spend),
        "net": float(allocation.net.mean()),
        "net_low": float(low),
        "net_high": float(high),
        "tail_loss": tail_loss(allocation.net),
        "loss_probability": float((allocation.net < 0).mean()),
        "broken": tuple(broken(rules, plan.options, list(allocation.spend))),
        "is_proven": allocation.is_proven,
    }


def _simpler(scenario: Scenario, plan: Plan, weights: Mapping[str, float]) -> dict[str, Any]:
    """Return what an equal and a pro-rata split of the same money would bring."""
    budget = scenario.budget
    return {
        "equal_split_net": float(equal_split(plan, budget).mean() - budget),
        "pro_rata_net": float(pro_rata(plan, budget, weights).mean() - budget),
    }


def _priced(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    found: list[Price] = []
    if _is_asked(scenario, plan):
        found = prices(plan, APPETITES[scenario.appetite])
    return {"rule": tuple(p.rule for p in found), "price": tuple(p.gain for p in found)}


def _is_asked(scenario: Scenario, plan: Plan) -> bool:
    return scenario.budget == plan.rules.budget


def _weights(offers: Offers, points: pd.DataFrame) -> dict[str, float]:
    """Return what each item would get in proportion to: past spend, or what was asked for."""
    if offers.origin == "kind":
        spent = points.groupby("kind")["spend"].sum()
        return {str(kind): float(spend) for kind, spend in spent.items()}
    return {name: proposal.spend for name, proposal in offers.proposals.items()}
