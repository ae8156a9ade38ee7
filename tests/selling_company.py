"""A company that sells: thirty reps, two years of deals, and investments whose truth is known.

The same `now` gives the same rows. Months are counted back from the month of `now`, which is not
over yet.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np

from contracts.crm_rows import (
    AssignmentRow,
    CurrencyRateRow,
    ExposureRow,
    InvestmentCostRow,
    InvestmentRow,
    OpportunityRow,
    OrgUnitRow,
    QuotaRow,
    RepRow,
    StageChangeRow,
)
from contracts.rows import Row
from tests.seeded_company import OURS, accounts

REPS = 30
MONTHS = 20
REACHED = 15
EFFECT_MINOR = 3_000_000
"""What the coaching adds to a reached rep's bookings a month."""
STARTS_AGO = (9, 7, 5)
"""How many months ago the coaching reached its cohorts."""
DEAL_MINOR = 2_000_000
ACCOUNTS = 12


def rep_id(number: int) -> str:
    return f"rep-{number:02}"


def month_ago(now: datetime, ago: int) -> date:
    months = now.year * 12 + now.month - 1 - ago
    return date(months // 12, months % 12 + 1, 1)


def told(on: date) -> datetime:
    return datetime.combine(on, time(18), UTC)


def company(now: datetime) -> list[Row]:
    """Return every row of the CRM."""
    return [*accounts(now), *reps(now), *deals(now), *investments(now)]


def reps(now: datetime) -> Iterator[Row]:
    """Thirty reps in two teams; the last but one came a year ago, the last has left."""
    began = month_ago(now, MONTHS + 6)
    known_at = told(began)
    for team in ("T-1", "T-2"):
        yield OrgUnitRow(
            unit_id=team, unit_kind="team", name=team, source="crm", knowable_at=known_at
        )
    for number in range(REPS):
        yield RepRow(
            rep_id=rep_id(number),
            name=f"Rep {number}",
            email=OURS[number] if number < len(OURS) else f"rep{number}@brightwater.example",
            hired_on=month_ago(now, 12) if number == REPS - 2 else began,
            left_on=month_ago(now, 4) if number == REPS - 1 else None,
            source="crm",
            knowable_at=known_at,
        )
        yield AssignmentRow(
            child_id=rep_id(number),
            parent_kind="team",
            parent_id=f"T-{number % 2 + 1}",
            effective_from=began,
            source="crm",
            knowable_at=known_at,
        )
        yield QuotaRow(
            owner_id=rep_id(number),
            period_starts_on=month_ago(now, MONTHS),
            period_ends_on=month_ago(now, MONTHS - 3),
            amount_minor=30_000_000,
            source="crm",
            knowable_at=known_at,
        )


def deals(now: datetime) -> Iterator[Row]:
    """A few deals a rep and month, won or lost, and an open one a rep; EUR for every tenth."""
    random = np.random.default_rng(11)
    began = told(month_ago(now, MONTHS + 1))
    yield CurrencyRateRow(
        currency="EUR",
        base="USD",
        rate_on=began.date(),
        rate=Decimal("1.25"),
        source="crm",
        knowable_at=began,
    )
    for number in range(REPS):
        skill = random.gamma(16, 1 / 16)
        for ago in range(MONTHS, 0, -1):
            gain = EFFECT_MINOR if ago <= reached_ago(number) else 0
            noise = random.normal(1, 0.25)
            amount = int(DEAL_MINOR * 3 * skill * max(noise, 0)) + gain
            yield from deal(now, number, ago, amount)
        yield _version(now, f"open-{number}", number, DEAL_MINOR, told(month_ago(now, 1)))


def reached_ago(number: int) -> int:
    """Return how many months ago the coaching reached a rep; 0 for never."""
    return STARTS_AGO[number % len(STARTS_AGO)] if number < REACHED else 0


def deal(now: datetime, number: int, ago: int, amount: int) -> Iterator[Row]:
    """A deal won in a month, with its stage change, and one lost beside it."""
    first = month_ago(now, ago)
    closed_on = first + timedelta(days=20)
    for name, is_won in ((f"won-{number}-{ago}", True), (f"lost-{number}-{ago}", False)):
        yield _version(now, name, number, amount, told(first - timedelta(days=40)))
        yield _version(now, name, number, amount, told(closed_on), closed_on, is_won=is_won)
        yield StageChangeRow(
            opportunity_id=name,
            changed_at=told(closed_on),
            from_stage="proposal",
            to_stage="won" if is_won else "lost",
            source="crm",
            knowable_at=told(closed_on),
        )


def _version(
    now: datetime,
    name: str,
    number: int,
    amount: int,
    known_at: datetime,
    closed_on: date | None = None,
    *,
    is_won: bool = False,
) -> OpportunityRow:
    euro = number % 10 == 9
    return OpportunityRow(
        opportunity_id=name,
        account_id=f"A-{number % ACCOUNTS + 1:02}",
        owner_rep_id=rep_id(number),
        name=name,
        stage=("won" if is_won else "lost") if closed_on else "proposal",
        amount_minor=round(amount / 1.25) if euro else amount,
        currency="EUR" if euro else "USD",
        created_on=month_ago(now, MONTHS + 1),
        close_on=closed_on or month_ago(now, -1),
        is_closed=closed_on is not None,
        is_won=is_won,
        source="crm",
        knowable_at=known_at,
    )


def investments(now: datetime) -> Iterator[Row]:
    """Coaching that pays off in three cohorts, and a tool that reached everybody at once."""
    known_at = told(month_ago(now, MONTHS))
    for name, kind in (("coaching", "training"), ("dialer", "tool")):
        yield InvestmentRow(
            investment_id=name,
            kind=kind,
            name=name.title(),
            question=f"Does the {name} bring more bookings?",
            gross_margin_rate=0.8,
            source="crm",
            knowable_at=known_at,
        )
        yield InvestmentCostRow(
            investment_id=name,
            month_on=month_ago(now, STARTS_AGO[0]),
            cost_kind="fee",
            amount_minor=20_000_000,
            source="crm",
            knowable_at=known_at,
        )
    for number in range(REPS):
        starts_ago = {"dialer": 6, "coaching": reached_ago(number)}
        for name, ago in starts_ago.items():
            if ago:
                yield ExposureRow(
                    investment_id=name,
                    unit_id=rep_id(number),
                    starts_on=month_ago(now, ago),
                    source="crm",
                    knowable_at=known_at,
                )
