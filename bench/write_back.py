"""How fast accounts are written back to a real Tryton, on this machine."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final
from uuid import uuid4

from activation.tryton import Tryton
from activation.writeback import write_back
from bench.figures import Figure, measured, record
from contracts.clock import SystemClock
from tests.tryton import OURS, PASSWORD, serving

COMMAND: Final = "python -m bench.write_back"
ACCOUNTS: Final = 1_000


def figures(tryton: Tryton) -> Iterator[Figure]:
    codes = [f"A-{number:05}" for number in range(ACCOUNTS)]
    tryton._call("party.party.create", [{"name": code, "code": code} for code in codes])  # noqa: SLF001 as a person would
    own = {
        "headwater_engagement_score": "42",
        "headwater_engagement_reasons": "replies 20.0; calls 12.0; breadth 10.0",
        "headwater_engagement_as_of": "2026-11-23",
    }
    more = own | {"headwater_engagement_score": "43", "website": "https://acme.example"}
    for what, values, expected in (
        ("own fields", own, {"written"}),
        ("a score and a website", more, {"written", "unchanged"}),
        ("nothing new", more, {"unchanged"}),
    ):
        seconds, outcomes = _run(tryton, dict.fromkeys(codes, values))
        assert outcomes == expected
        rate = ACCOUNTS / seconds
        yield measured(f"Tryton accounts written back, {what}", rate, "1/s", COMMAND)


def _run(tryton: Tryton, desired: dict[str, dict[str, str]]) -> tuple[float, set[str]]:
    started = monotonic()
    batches = write_back(tryton, "account", desired, run_id=uuid4(), clock=SystemClock())
    outcomes = {row.outcome for batch in batches for row in batch}
    return monotonic() - started, outcomes


if __name__ == "__main__":
    with TemporaryDirectory() as folder, serving(Path(folder), OURS) as served:
        record("write_back", figures(Tryton(served.url, "admin", PASSWORD)))
