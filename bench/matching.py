"""Matching beside the sealed answer of simulated companies: right, wrong, skipped, certain, fast.

`python -m bench.matching` writes `bench/results/matching.json`. The points of
`transforms/deals.py` were chosen on companies with the seeds 3, 31 and 41; those here are others.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

import numpy as np

from bench.captured import Captured
from bench.figures import Figure, measured, record
from contracts.matching import CERTAIN
from contracts.rows import (
    AccountRow,
    ActivityRow,
    ContactRoleRow,
    ContactRow,
    MatchRow,
    OpportunityRow,
    RepRow,
)
from contracts.signature_rows import SignatureRow
from contracts.wire import Recorded
from ingest.agents import told
from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_of
from simulator.write import write_company
from transforms.directory import Directory
from transforms.identity import match, remembered
from transforms.memory import Memory
from transforms.phones import signed_numbers

COMMAND: Final = "python -m bench.matching"
SEEDS: Final = (201,)
REPS, MONTHS = 16, 10
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
            }
        }
    ),
}
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)


class Judged(NamedTuple):
    """A decision beside the truth; empty where there is no account, or no deal."""

    kind: str
    true_account: str
    true_deal: str
    row: MatchRow


def main() -> None:
    figures: list[Figure] = []
    for name, scenario in WORLDS.items():
        judged: list[Judged] = []
        rates = []
        for seed in SEEDS:
            found, rate = judge(scenario, seed, REPS, MONTHS)
            judged += found
            rates.append(rate)
        figures += figures_of(name, judged)
        if name == "default":
            figures.append(measured("matches a second of one core", min(rates), "1/s", COMMAND))
    print(record("matching", figures))


def judge(scenario: Scenario, seed: int, reps: int, months: int) -> tuple[list[Judged], float]:
    """Let a company live, hear it, and match it in order of time; return also matches a second."""
    with tempfile.TemporaryDirectory(prefix="headwater-") as place:
        folder = Path(place) / "company"
        write_company("messages", Order(scenario, reps, months, seed), folder, lambda *_: None)
        captured = Captured(folder, NOW)
        directory = directory_of(captured)
        heard = sorted(captured.activities, key=lambda row: (row.event_time, row.activity_id))
        recorded = [told(row) for row in heard]
        begun = process_time()
        rows = decided(recorded, directory)
        rate = len(rows) / (process_time() - begun)
        return [_beside(captured, *pair) for pair in zip(heard, rows, strict=True)], rate


def directory_of(captured: Captured) -> Directory:
    """Return the CRM that was heard, every version of it."""
    return Directory(
        captured.of(AccountRow),
        captured.of(ContactRow),
        captured.company,
        NOW,
        opportunities=captured.of(OpportunityRow),
        contact_roles=captured.of(ContactRoleRow),
        reps=captured.of(RepRow),
        aliases=signed_numbers((row.address, row.phone) for row in captured.of(SignatureRow)),
    )


def decided(recorded: Iterable[Recorded], directory: Directory) -> list[MatchRow]:
    """Return the decisions, each knowing the earlier ones."""
    memory, rows = Memory(), []
    for one in recorded:
        row = match(one, directory, NOW, memory)
        memory.tell(remembered(one, row, directory))
        rows.append(row)
    return rows


def figures_of(world: str, judged: Sequence[Judged]) -> Iterator[Figure]:
    """Yield precision, recall, skips and what is certain, for accounts and for deals."""
    accounts = [(one.row.account_id, one.true_account, one.row.margin) for one in judged]
    deals = [(one.row.opportunity_id, one.true_deal, one.row.opportunity_margin) for one in judged]
    yield from _figures(f"{world}: account", accounts, 0.99, 0.95)
    yield from _certain(f"{world}: account", accounts)
    yield from _figures(f"{world}: opportunity", deals, 0.97, 0.85)
    sure = [found == true for found, true, margin in deals if margin >= CERTAIN]
    share = 1 - sum(sure) / len(sure)
    yield measured(f"{world}: opportunity: wrong from a margin of 18 on", share, "share", COMMAND)
    attached = [
        one.true_deal in one.row.candidate_opportunity_id for one in judged if one.true_deal
    ]
    yield measured(
        f"{world}: deals that are among those attached", float(np.mean(attached)), "share", COMMAND
    )


def _figures(
    what: str, answers: Sequence[tuple[str, str, float]], precision: float, recall: float
) -> Iterator[Figure]:
    given = [one for one in answers if one[0]]
    right = sum(found == true for found, true, _ in given)
    known = sum(bool(true) for _, true, _ in answers)
    yield measured(f"{what}: precision", right / len(given), "", COMMAND, at_least=precision)
    yield measured(f"{what}: recall", right / known, "", COMMAND, at_least=recall)
    skipped = sum(bool(true) and not found for found, true, _ in answers)
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
