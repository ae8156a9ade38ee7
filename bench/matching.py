"""Matching beside the sealed answer of simulated companies: right, wrong, skipped, certain, fast.

`python -m bench.matching` writes `bench/results/matching.json`. The points of
`transforms/deals.py` were chosen on companies with the seeds 3, 31, 41, 502 and 503, and the margin
for a primary deal on 501 and 504; those here are others.
"""

import gc
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

import numpy as np

from bench.captured import Captured
from bench.figures import Figure, measured, record
from contracts.crm_rows import (
    AccountRow,
    ContactRoleRow,
    ContactRow,
    CrmRow,
    LeadRow,
    OpportunityRow,
    RepRow,
)
from contracts.matching import CERTAIN
from contracts.rows import ActivityRow, MatchRow
from contracts.signature_rows import SignatureRow
from contracts.wire import Recorded
from ingest.agents import told
from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_of
from simulator.write import write_company
from transforms.directory import Directory
from transforms.identity import match
from transforms.memory import Memory, remembered
from transforms.phones import signed_numbers

COMMAND: Final = "python -m bench.matching"
SEEDS: Final = (311, 312, 313)
REPS, MONTHS = 10, 8
WORLDS: Final[dict[str, Scenario]] = {
    "default": Scenario(),
    "much dirt": scenario_of(
        {
            "dirt": {
                "contact_missing": 0.25,
                "account_duplicated": 0.05,
                "domain_shared": 0.08,
                "contact_alias": 0.15,
                "contact_private": 0.05,
                "contact_moved": 0.06,
                "name_generic": 0.4,
                "product_missing": 0.4,
                "product_wrong": 0.1,
                "roles_missing": 0.75,
            }
        }
    ),
}
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
LATE: Final = timedelta(days=30)
"""How long after a mail the CRM may still come to know of what it is about."""


class Judged(NamedTuple):
    """A decision beside the truth; empty where there is no account, or no deal."""

    kind: str
    true_account: str
    true_deal: str
    row: MatchRow


class Verdicts(NamedTuple):
    """The decisions on one company: what is known when they are made differs.

    Attributes:
        again: in hindsight, with the CRM's whole history, as `headwater match apply` decides.
        once: as mail arrives, with the CRM's whole history.
        early: as mail arrives, with the CRM as it was when its week began.
        late: likewise, but with what the CRM came to know within 30 days.
        rate: decisions a second of one core, as mail arrives.
    """

    again: list[Judged]
    once: list[Judged]
    early: list[Judged]
    late: list[Judged]
    rate: float


def main() -> None:
    figures: list[Figure] = []
    for name, scenario in WORLDS.items():
        found = [judge(scenario, seed, REPS, MONTHS) for seed in SEEDS]
        figures += figures_of(name, [one for each in found for one in each.again])
        for way in ("once", "early", "late"):
            judged = [one for each in found for one in getattr(each, way)]
            figures += _asked(f"{name}, {_WAYS[way]}", judged, is_aim=False)
        if name == "default":
            rate = min(each.rate for each in found)
            figures.append(measured("matches a second of one core", rate, "1/s", COMMAND))
    print(record("matching", figures))


_WAYS: Final = {
    "once": "as mail arrives",
    "early": "as mail arrives, CRM as it was",
    "late": "as mail arrives, CRM 30 days later",
}


def judge(scenario: Scenario, seed: int, reps: int, months: int) -> Verdicts:
    """Let a company live, hear it, and match it in order of time, with more and less known."""
    with tempfile.TemporaryDirectory(prefix="headwater-") as place:
        folder = Path(place) / "company"
        write_company("messages", Order(scenario, reps, months, seed), folder, lambda *_: None)
        captured = Captured(folder, NOW)
    directory = directory_of(captured)
    heard = sorted(captured.activities, key=lambda row: (row.event_time, row.activity_id))
    recorded = [told(row) for row in heard]
    gc.collect()
    begun = process_time()
    memory = Memory()
    once = decided(recorded, directory, memory)
    rate = len(once) / (process_time() - begun)
    again = decided(recorded, directory, memory.in_hindsight())
    early, late = (_weekly(captured, recorded, grace) for grace in (timedelta(0), LATE))

    def beside(rows: Sequence[MatchRow]) -> list[Judged]:
        return [_beside(captured, *pair) for pair in zip(heard, rows, strict=True)]

    return Verdicts(beside(again), beside(once), beside(early), beside(late), rate)


def directory_of(captured: Captured, until: datetime = NOW) -> Directory:
    """Return the CRM that was heard, every version of it that was known by a moment."""

    def known(row_type: type[CrmRow]) -> list:  # type: ignore[type-arg]
        return [row for row in captured.of(row_type) if row.knowable_at <= until]

    signed = (row for row in captured.of(SignatureRow) if row.event_time <= until)
    return Directory(
        known(AccountRow),
        known(ContactRow),
        captured.company,
        until,
        leads=known(LeadRow),
        opportunities=known(OpportunityRow),
        contact_roles=known(ContactRoleRow),
        reps=known(RepRow),
        aliases=signed_numbers((row.address, row.phone) for row in signed),
    )


def decided(recorded: Iterable[Recorded], directory: Directory, memory: Memory) -> list[MatchRow]:
    """Return the decisions, and tell the memory of each."""
    rows = []
    for one in recorded:
        row = match(one, directory, NOW, memory)
        memory.tell(remembered(one, row, directory))
        rows.append(row)
    return rows


def _weekly(captured: Captured, recorded: Sequence[Recorded], grace: timedelta) -> list[MatchRow]:
    """Return the decisions with the CRM as it was when each week began, and a grace later."""
    memory, rows = Memory(), []
    for begins, of_week in groupby(recorded, _monday):
        rows += decided(of_week, directory_of(captured, begins + grace), memory)
    return rows


def _monday(one: Recorded) -> datetime:
    day = one.event_time.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def figures_of(world: str, judged: Sequence[Judged]) -> Iterator[Figure]:
    """Yield precision, recall, skips and what is certain, for accounts and for deals."""
    yield from _asked(world, judged, is_aim=True)
    accounts = [(one.row.account_id, one.true_account, one.row.margin) for one in judged]
    yield from _certain(f"{world}: account", accounts)
    sure = [
        one.row.opportunity_id == one.true_deal
        for one in judged
        if one.row.opportunity_margin >= CERTAIN
    ]
    share = 1 - sum(sure) / len(sure)
    yield measured(f"{world}: opportunity: wrong from a margin of 18 on", share, "share", COMMAND)
    attached = [
        one.true_deal in one.row.candidate_opportunity_id for one in judged if one.true_deal
    ]
    yield measured(
        f"{world}: deals that are among those attached", float(np.mean(attached)), "share", COMMAND
    )


def _asked(what: str, judged: Sequence[Judged], *, is_aim: bool) -> Iterator[Figure]:
    accounts = [(one.row.account_id, one.true_account) for one in judged]
    deals = [(one.row.opportunity_id, one.true_deal) for one in judged]
    account_aims, deal_aims = ((0.99, 0.95), (0.97, 0.85)) if is_aim else ((None, None),) * 2
    yield from _figures(f"{what}: account", accounts, *account_aims)
    yield from _figures(f"{what}: opportunity", deals, *deal_aims)


def _figures(
    what: str,
    answers: Sequence[tuple[str, str]],
    precision: float | None,
    recall: float | None,
) -> Iterator[Figure]:
    given = [one for one in answers if one[0]]
    right = sum(found == true for found, true in given)
    known = sum(bool(true) for _, true in answers)
    yield measured(f"{what}: precision", right / len(given), "", COMMAND, at_least=precision)
    yield measured(f"{what}: recall", right / known, "", COMMAND, at_least=recall)
    skipped = sum(bool(true) and not found for found, true in answers)
    yield measured(f"{what}: skipped", skipped / known, "share", COMMAND)


def _certain(what: str, answers: Sequence[tuple[str, str, float]]) -> Iterator[Figure]:
    certain = [found == true for found, true, margin in answers if found and margin >= CERTAIN]
    yield measured(f"{what}: certain", len(certain), "matches", COMMAND, at_least=3_000)
    wrong = len(certain) - sum(certain)
    yield measured(f"{what}: certain and wrong", wrong, "matches", COMMAND, at_most=0)


def _beside(captured: Captured, heard: ActivityRow, row: MatchRow) -> Judged:
    true = captured.truth_of(heard)
    return Judged(true.kind, true.account_id, true.opportunity_id, row)


if __name__ == "__main__":
    main()
