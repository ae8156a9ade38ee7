"""A company that plans: a few judgements, forty reps with their months, and what is proposed."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from contracts.money import Rate, Rates
from contracts.plan_rows import ProposalRow
from models.plan import Known, Made, make
from models.trials import Team

NOW = datetime(2026, 11, 26, tzinfo=UTC)
STARTS_ON = date(2026, 12, 1)
M = 1_000_000


def proposal(name, kind="training", amount=10 * M, units=10.0, **given) -> ProposalRow:
    fields = {"starts_on": STARTS_ON} | given
    return ProposalRow(
        proposal_id=name,
        kind=kind,
        name=name,
        amount_minor=amount,
        units=units,
        source="crm",
        knowable_at=NOW,
        **fields,
    )


def judgements():
    rows = [
        ("training", 1.6 * M, 20 * M),
        ("training", 1.2 * M, 15 * M),
        ("event", 0.05 * M, 15 * M),
        ("tool", 0.5 * M, 10 * M),
    ]
    told = [
        {
            "investment_id": f"i{n}",
            "kind": kind,
            "outcome": "bookings",
            "effect": effect,
            "std_error": 0.35 * M,
            "treated_units": 14,
            "treated_unit_months": 140,
            "gross_margin_rate": 0.75,
            "cost_minor": cost,
        }
        for n, (kind, effect, cost) in enumerate(rows)
    ]
    refused = told[0] | {"investment_id": "refused", "kind": "content", "effect": np.nan}
    return pd.DataFrame([*told, refused])


def team(count=40):
    random = np.random.default_rng(3)
    units = [f"r{n:02}" for n in range(count)]
    panel = [(u, p, max(random.normal(6 * M, 2 * M), 0)) for u in units for p in range(24)]
    return Team(
        panel=pd.DataFrame(panel, columns=["unit", "period", "outcome"]),
        units=pd.DataFrame({"unit_id": units, "team_id": ["a", "b"] * (count // 2)}),
        gross_margin_rate=0.75,
    )


def made(*proposals, known=None, budget=20.0 * M, as_of=NOW, rules=None) -> Made:
    """Return a plan's rows; without proposals, over the kinds that were judged."""
    return make(
        Known(
            judgements=judgements() if known is None else known,
            proposals=proposals,
            team=team(),
            rates=Rates("USD", [Rate("EUR", "USD", date(2026, 1, 1), 2)]),
            budget=budget,
            discount_rate=0.1,
            starts_on=STARTS_ON,
            rules=rules or {},
        ),
        as_of,
        draws=60,
    )
