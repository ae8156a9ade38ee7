"""A company of twelve accounts, three months of activities and four judged investments.

What the pages show of it is known: the same `now` gives the same rows.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

from msgspec.structs import replace
from pydantic import SecretStr

from contracts.crm_rows import (
    AccountRow,
    ContactRow,
    ExposureRow,
    InvestmentRow,
    OpportunityRow,
    RepRow,
)
from contracts.investment_rows import (
    EventStudyRow,
    InvestmentDiagnosticRow,
    InvestmentEstimateRow,
    InvestmentJudgementRow,
)
from contracts.rows import ActivityRow, DeadLetterRow, MatchRow, Row
from models.return_explained import CostOfKind, explanations
from warehouse.writer import Writer

NAMESPACE = UUID("6d1f6a0e-2f0e-4c53-9a3b-0f3c0d7c4a11")
DAYS = 90
REPS = 24
OURS = ("kim@brightwater.example", "ravi@brightwater.example", "lena@brightwater.example")


@dataclass(frozen=True)
class Known:
    """An account: its people, its mails and calls a week, and how that grew since day one."""

    account_id: str
    name: str
    domain: str
    people: tuple[str, ...]
    per_week: float
    growth: float


ACCOUNTS = (
    Known("A-01", "Northwind Logistics", "northwind.example", ("anna", "bo", "carla"), 7, 1.6),
    Known("A-02", "Fjordkraft Energi AS", "fjordkraft.example", ("siv", "ola"), 5, 1.2),
    Known("A-03", "Müller & Söhne Maschinenbau", "mueller.example", ("jörg", "ute"), 4, 1.0),
    Known("A-04", "Contoso Health", "contoso.example", ("dee", "eli", "fay", "gus"), 6, 0.4),
    Known("A-05", "Tailspin Toys", "tailspin.example", ("hal",), 3, 0.9),
    Known("A-06", "Wide World Importers", "wideworld.example", ("ivy", "jon"), 2, 2.0),
    Known("A-07", "Lakeshore Regional Hospital Group", "lakeshore.example", ("kay",), 2, 0.7),
    Known("A-08", "Proseware", "proseware.example", ("lou", "mia"), 1.5, 1.0),
    Known("A-09", "Relecloud", "relecloud.example", ("ned",), 1, 1.0),
    Known("A-10", "Litware", "litware.example", ("oda",), 0.7, 0.5),
    Known("A-11", "Adatum", "adatum.example", ("pat",), 0.4, 0.2),
    Known("A-12", "Graphic Design Institute", "gdi.example", ("quy",), 0, 1.0),
)
SUBJECTS = (
    "Re: rollout plan for the second site",
    "Pricing for 250 seats",
    "Security questionnaire <v3> & data processing terms",
    "Kick-off on Thursday",
    "Re: Re: open points before we can sign",
    "Trial results, and what we would need next",
    "Introduction to our head of operations",
    "Invoice address",
)
KINDS = (("email", "inbound"), ("email", "outbound"), ("email", "inbound"), ("call", "outbound"))


def seed(url: SecretStr, now: datetime, home: Path) -> None:
    """Fill a migrated warehouse with the company as of a moment, and have dbt build the marts.

    Args:
        home: a folder in which dbt may keep what it makes.
    """
    heard = [_heard(row, now) for row in activities(now)]
    writer = Writer(url)
    writer.write([*accounts(now), *heard, *dead_letters(now), *investments(now), *deals(now)])
    writer.close()
    _build_marts(url, home)


def accounts(now: datetime) -> Iterator[Row]:
    """Yield the accounts and their contacts."""
    known_at = now - timedelta(days=DAYS + 30)
    for known in ACCOUNTS:
        yield AccountRow(
            account_id=known.account_id,
            name=known.name,
            domains=(known.domain,),
            source="crm",
            knowable_at=known_at,
        )
        for person in known.people:
            yield ContactRow(
                contact_id=f"{known.account_id}-{person}",
                account_id=known.account_id,
                name=person.title(),
                emails=(f"{person}@{known.domain}",),
                source="crm",
                knowable_at=known_at,
            )


def activities(now: datetime) -> Iterator[Row]:
    """Yield three months of mails, calls and meetings, each with its match."""
    random = Random(7)
    for known in ACCOUNTS:
        for day in range(DAYS):
            share = known.growth ** (day / DAYS * 2 - 1)
            for turn in range(_times(random, known.per_week * share / 7)):
                happened_at = now - timedelta(days=DAYS - day - 1, minutes=random.randint(1, 700))
                yield from activity(known, f"{day}-{turn}", happened_at, random)
    for number in range(9):
        yield from stranger(f"{number}", now - timedelta(hours=7 * number + 2))


def activity(
    known: Known, key: str, happened_at: datetime, random: Random, **changes: object
) -> Iterator[Row]:
    """Yield one activity with an account, and its match."""
    channel, direction = ("meeting", "outbound") if random.random() < 0.1 else random.choice(KINDS)
    person, ours = random.choice(known.people), random.choice(OURS)
    theirs = f"{person}@{known.domain}"
    addresses = (theirs, ours) if direction == "inbound" else (ours, theirs)
    row = _activity(f"{known.account_id}/{key}", happened_at, addresses, channel, direction)
    subject = random.choice(SUBJECTS) if channel == "email" else channel.title()
    minutes = 0 if channel == "email" else random.randint(3, 45)
    row |= {"subject": subject, "duration_seconds": minutes * 60}
    yield ActivityRow(**row | changes)
    yield _match(
        row["activity_id"],
        happened_at,
        known.account_id,
        "contact",
        f"{theirs} is an address of {person.title()}, {known.name}",
    )


def stranger(key: str, happened_at: datetime) -> Iterator[Row]:
    """Yield a mail from somebody whom the CRM does not know."""
    addresses = (f"someone{key}@unheard.example", OURS[0])
    row = _activity(f"stranger/{key}", happened_at, addresses, "email", "inbound")
    yield ActivityRow(**row | {"subject": "A question about your product"})
    reason = (
        "No contact has one of its addresses, no lead tells of an account, and no account has one "
        "of their domains"
    )
    yield _match(row["activity_id"], happened_at, "", "none", reason)


def dead_letters(now: datetime) -> Iterator[Row]:
    """Yield three that wait, for two reasons, and one that was sent again."""
    numbers = count()
    for reason, detail, replayed in (
        ("no_sender", "the mail names no sender", False),
        ("no_sender", "the mail names no sender", False),
        ("bad_call", "duration_seconds is 'long', not a number", False),
        ("bad_call", "direction is missing", True),
    ):
        number = next(numbers)
        yield DeadLetterRow(
            dead_letter_id=uuid5(NAMESPACE, f"dead/{number}"),
            topic="heard.mail",
            partition=0,
            offset=number,
            position=0,
            kind="mail",
            source="maildir:sales",
            external_id=f"{number}",
            ingest_run="run-1",
            reason=reason,
            detail=detail,
            is_event=True,
            event_base64="",
            failed_at=now - timedelta(hours=3 * number + 1),
            replayed_at=now if replayed else None,
        )


def investments(now: datetime) -> Iterator[Row]:
    """Yield four investments, whom they reached and when, and a judgement of every verdict."""
    for judgement, kind, name, question in _judged(now):
        yield InvestmentRow(
            investment_id=judgement.investment_id,
            kind=kind,
            name=name,
            question=question,
            gross_margin_rate=judgement.gross_margin_rate,
            source="crm",
            knowable_at=now - timedelta(days=400),
        )
        yield judgement
        yield from _beside(judgement)
        for rep in range(judgement.treated_units):
            yield ExposureRow(
                investment_id=judgement.investment_id,
                unit_id=f"rep-{rep:02}",
                starts_on=_month(now, -9 + 3 * (rep % 3)),
                source="crm",
                knowable_at=now - timedelta(days=400),
            )


def deals(now: datetime) -> Iterator[Row]:
    """Yield the reps, and a deal that each of them won in each of the past eighteen months."""
    random, known_at = Random(3), now - timedelta(days=600)
    for number in range(REPS):
        rep_id = f"rep-{number:02}"
        yield RepRow(rep_id=rep_id, name=f"Rep {number}", source="crm", knowable_at=known_at)
        for ahead in range(-18, 0):
            closed_on = _month(now, ahead)
            yield OpportunityRow(
                opportunity_id=f"{rep_id}/{closed_on}",
                owner_rep_id=rep_id,
                stage="closed_won",
                amount_minor=int(random.lognormvariate(14.2, 0.5)),
                currency="EUR",
                created_on=closed_on,
                close_on=closed_on,
                is_closed=True,
                is_won=True,
                source="crm",
                knowable_at=datetime.combine(closed_on, time(12), UTC),
            )


def _judged(now: datetime) -> Iterator[tuple[InvestmentJudgementRow, str, str, str]]:
    yield (
        _judgement(now, "I-training", 16, "pays_off", (182_450, 51_000), 24_000_00, 0.41),
        "training",
        "Negotiation training",
        "Does the two-day negotiation training raise what a rep books?",
    )
    yield (
        _judgement(now, "I-tool", 20, "does_not_pay_off", (12_300, 19_500), 98_000_00, 0.63),
        "tool",
        "Call-coaching licences",
        "Do the licences earn back what they cost?",
    )
    yield (
        _judgement(now, "I-event", 6, "cannot_tell", (95_000, 88_000), 31_500_00, 0.22),
        "event",
        "Autumn roadshow, southern region",
        "Did the reps who hosted the roadshow book more afterwards?",
    )
    unknown = _judgement(now, "I-spif", 24, "not_identified", None, 18_000_00, None)
    yield unknown, "spif", "Year-end SPIF", "Did the SPIF bring new bookings, or the same earlier?"


def _judgement(  # noqa: PLR0917 a table of four lines is read across
    now: datetime,
    investment_id: str,
    treated: int,
    verdict: str,
    estimate: tuple[float, float] | None,
    cost_minor: int,
    p_value: float | None,
) -> InvestmentJudgementRow:
    """Return a judgement whose figures hang together as a real one's do."""
    effect, error = estimate or (None, None)
    months, margin_rate = treated * 6, 0.7
    spread = (
        None if effect is None else (effect, effect - 1.96 * error, effect + 1.96 * error)  # type: ignore[operator]
    )
    margins = tuple(part * months * margin_rate for part in spread) if spread else (None,) * 3
    rois = tuple(m / cost_minor - 1 for m in margins) if spread else (None,) * 3  # type: ignore[operator]
    return InvestmentJudgementRow(
        investment_id=investment_id,
        as_of=now - timedelta(hours=2),
        outcome="bookings",
        unit_kind="rep",
        estimator="callaway_santanna",
        verdict=verdict,
        reason=REASONS[verdict],
        effect=effect,
        std_error=error,
        effect_low=spread[1] if spread else None,
        effect_high=spread[2] if spread else None,
        pretrend_p_value=p_value,
        min_detectable_effect=2.8 * error if error else None,
        treated_units=treated,
        control_units=REPS - treated,
        treated_unit_months=months,
        gross_margin_rate=margin_rate,
        cost_minor=cost_minor,
        currency="EUR",
        incremental_margin=margins[0],
        incremental_margin_low=margins[1],
        incremental_margin_high=margins[2],
        roi=rois[0],
        roi_low=rois[1],
        roi_high=rois[2],
        panel_hash="3f9ac1d2b7e84c51a0d6",
        code_version="0.1.0",
        asked="beforehand",
        roi_positive_probability=PROBABILITIES.get(verdict),
        naive_effect=310_000.0,
        naive_contrast=120_000.0,
        warnings=WARNINGS if verdict == "does_not_pay_off" else (),
    )


def _beside(judgement: InvestmentJudgementRow) -> Iterator[Row]:
    """Yield what is kept beside a judgement: findings; estimates and a sum, where it has any."""
    key = {"investment_id": judgement.investment_id, "as_of": judgement.as_of}
    if judgement.effect is None or judgement.std_error is None:
        return
    for position, (name, verdict, words) in enumerate(FINDINGS):
        yield InvestmentDiagnosticRow(
            diagnostic=name,
            position=position,
            verdict=verdict,
            words=words,
            statistic=0.7,
            p_value=judgement.pretrend_p_value if verdict == "pass" else None,
            **key,
        )
    for role, estimator, share in (("primary", "imputation", 1.0), ("cross_check", "cs", 0.9)):
        yield InvestmentEstimateRow(
            role=role,
            estimator=estimator,
            effect=judgement.effect * share,
            std_error=judgement.std_error,
            effect_low=judgement.effect_low,
            effect_high=judgement.effect_high,
            **key,
        )
    for since in range(-6, 9):
        gap = judgement.effect * (since >= 0) + judgement.std_error * (since % 3 - 1) / 2
        yield EventStudyRow(
            months_since_start=since,
            effect=gap,
            effect_low=gap - 2 * judgement.std_error,
            effect_high=gap + 2 * judgement.std_error,
            **key,
        )
    hours = judgement.cost_minor // 4
    costs = [CostOfKind("licence", judgement.cost_minor - hours, 0, "2026-11-01")]
    costs.append(CostOfKind("rep_hours", hours, 64.0, "2026-11-01"))
    yield from explanations(judgement, costs)


PROBABILITIES = {"pays_off": 0.98, "does_not_pay_off": 0.01, "cannot_tell": 0.37}
WARNINGS = ("Those reached had booked more in the quarter before: part of it may be luck ending.",)
FINDINGS = (
    ("pre_trend", "pass", "Those reached did not move away from the others before."),
    ("just_before", "warn", "The quarter before the start was unusually good for those reached."),
    ("cross_check", "pass", "A second estimator with other comparisons agrees."),
    ("placebo", "not_possible", "No outcome is known that it could not have moved."),
)
REASONS = {
    "pays_off": "The whole 95% interval of the return lies above its cost.",
    "does_not_pay_off": "The whole 95% interval of the return lies below its cost.",
    "cannot_tell": "The 95% interval of the return spans zero: more months or reps may tell.",
    "not_identified": "Every rep was reached in the same month: nobody is left to compare with.",
}


def _activity(
    key: str, happened_at: datetime, addresses: tuple[str, str], channel: str, direction: str
) -> dict[str, object]:
    roles = ("from", "to") if channel == "email" else ("caller", "callee")
    return {
        "activity_id": uuid5(NAMESPACE, key),
        "channel": channel,
        "direction": direction,
        "event_time": happened_at,
        "time_quality": "stated",
        "knowable_at": happened_at,
        "received_at": happened_at,
        "source": "maildir:sales",
        "message_id": f"<{key}@seed>",
        "thread_id": f"<{key}@seed>",
        "subject": "",
        "body": "A body that no page shows.",
        "duration_seconds": 0,
        "is_automatic": False,
        "participant_address": addresses,
        "participant_name": tuple(address.split("@")[0].title() for address in addresses),
        "participant_role": ("organizer", "attendee") if channel == "meeting" else roles,
        "participant_is_ours": tuple(address in OURS for address in addresses),
    }


def _match(
    activity_id: object, matched_at: datetime, account_id: str, rule: str, reason: str
) -> MatchRow:
    return MatchRow(
        activity_id=activity_id,
        decided_by="rule",
        matched_at=matched_at,
        account_id=account_id,
        contact_id="",
        rule=rule,
        reason=reason,
        candidate_account_id=(account_id,) if account_id else (),
        rule_version=1,
        crm_version=matched_at,
    )


def _heard(row: Row, at: datetime) -> Row:
    return replace(row, received_at=at) if isinstance(row, ActivityRow) else row


def _times(random: Random, mean: float) -> int:
    """Return a Poisson number of activities a day."""
    return sum(1 for _ in range(12) if random.random() < mean / 12)


def _month(now: datetime, ahead: int) -> date:
    months = now.year * 12 + now.month - 1 + ahead
    return date(months // 12, months % 12 + 1, 1)


def _build_marts(url: SecretStr, home: Path) -> None:
    told = {
        "HEADWATER_HOME": str(home),
        "HEADWATER_WAREHOUSE_URL": url.get_secret_value(),
        "HEADWATER_COMPANY__BASE_CURRENCY": "EUR",
    }
    marts = ("--select", "+investment_roi", "+rep_month")
    command = (sys.executable, "-m", "orchestration.dbt", "run", *marts)
    subprocess.run(command, check=True, env=os.environ | told, capture_output=True)
