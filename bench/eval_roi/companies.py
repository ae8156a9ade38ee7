"""Five whole companies through the doors: made, brought in, computed, judged, and held to the seal.

`python -m bench.eval_roi.companies` writes `bench/results/eval-roi-companies.json`. Each company
has a home of its own; what happens to it is what `headwater simulate`, `headwater ingest crm` and
the nightly assets do for anybody.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pandas as pd

from bench.figures import Figure, measured, record
from cli.stack import local_stack
from contracts.clock import SystemClock
from local.ports import free_port
from models.incremental import CODE_VERSION
from orchestration.run import materialize
from settings import load
from warehouse.reader import Reader

COMMAND: Final = "python -m bench.eval_roi.companies"
REPS, YEARS = 60, 3
_STRONG: Final[Mapping[str, Any]] = {"kind": "training", "effect": 3.0}
COMPANIES: Final[dict[str, Mapping[str, Any]]] = {
    "clean": _STRONG,
    "null": {**_STRONG, "effect": 0.0},
    "all at once": {**_STRONG, "roll_out": "all_at_once", "starts": [18], "share": 1.0},
    "harmful": {**_STRONG, "effect": -3.0},
    "the skilled first": {**_STRONG, "on_skill": 2.0},
}
REFUSED: Final = "all at once"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A company's judgement beside its truth; money in minor units, None where not told."""

    verdict: str
    reason: str
    effect: float | None
    low: float | None
    high: float | None
    true_effect: float
    true_roi: float
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether a return is told that is not there, or a loss that is not one."""
        paid = self.true_roi > 0
        return self.verdict == ("does_not_pay_off" if paid else "pays_off")

    @property
    def is_missed(self) -> bool:
        """Whether an interval is told that does not hold the truth."""
        if self.low is None or self.high is None:
            return False
        return not self.low <= self.true_effect <= self.high


def main() -> None:
    held = {}
    for seed, name in enumerate(COMPANIES, 1):
        with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
            held[name] = through_the_doors(name, seed, Path(folder))
        print(name, held[name], flush=True)
        record("eval-roi-companies", figures(held))  # a run cut short keeps what it had


def through_the_doors(name: str, seed: int, folder: Path) -> Held:
    """Make a company, bring its CRM in, compute everything, and hold the judgement to the seal."""
    started = monotonic()
    made, home = folder / "company", folder / "home"
    scenario = folder / "scenario.toml"
    first = _months_ago(YEARS * 12)
    knobs = "\n".join(f"{knob} = {json.dumps(value)}" for knob, value in COMPANIES[name].items())
    scenario.write_text(f"first_month = {first}\n[[investments]]\n{knobs}\n")
    order = ["--reps", str(REPS), "--years", str(YEARS), "--seed", str(seed)]
    options = ["--form", "activities", "--scenario", str(scenario), "--out", str(made)]
    _headwater(["simulate", *order, *options], home)
    shutil.copy(made / "headwater.toml", home / "headwater.toml")
    _drop_accounts(made / "crm" / "accounts.csv", home / "crm_drop")
    _headwater(["ingest", "crm", str(made / "crm")], home)
    told = _judged(home)
    (truth,) = json.loads((made / "sealed" / "investments.json").read_text())
    return Held(
        verdict=told["verdict"],
        reason=told["reason"],
        effect=_number(told["effect"]),
        low=_number(told["effect_low"]),
        high=_number(told["effect_high"]),
        true_effect=truth["effect"],
        true_roi=truth["roi"],
        seconds=monotonic() - started,
    )


def figures(held: Mapping[str, Held]) -> Iterator[Figure]:
    """Yield what each company was told, and how many were told wrong."""
    for name, one in held.items():
        yield measured(f"{name}: true effect", one.true_effect / 100, "USD a rep-month", COMMAND)
        for what, value in (("effect", one.effect), ("low", one.low), ("high", one.high)):
            if value is not None:
                yield measured(f"{name}: {what}", value / 100, "USD a rep-month", COMMAND)
        yield measured(f"{name}: {one.verdict}", 1, "", COMMAND)
    wrong = sum(one.is_wrong for one in held.values())
    missed = sum(one.is_missed for one in held.values())
    yield measured(f"judged by {CODE_VERSION}", len(held), "companies", COMMAND)
    yield measured("companies", len(held), "companies", COMMAND, at_least=len(COMPANIES))
    yield measured("wrong verdicts", wrong, "companies", COMMAND, at_most=0)
    yield measured("intervals without the truth", missed, "companies", COMMAND, at_most=0)
    if REFUSED in held:
        refused = held[REFUSED].verdict == "not_identified"
        yield measured(f"{REFUSED}: refused", refused, "", COMMAND, at_least=1)
    seconds = sum(one.seconds for one in held.values()) / len(held)
    yield measured("a company, from making to judgement", seconds, "s", COMMAND)


def _judged(home: Path) -> Mapping[str, Any]:
    """Compute everything once, as every night, and return the judgement of the one investment."""
    with local_stack(load(home), worker=False) as settings:
        if failed := materialize(settings):
            sys.exit(f"in {home}: " + "\n".join(failed))
        reader = Reader(settings.warehouse_url)
        rows = reader.frame("SELECT * FROM ml.investment_judgement FINAL")
        (row,) = rows.to_dict("records")
        return {str(name): value for name, value in row.items()}


def _drop_accounts(export: Path, drop: Path) -> None:
    """Put the CRM's accounts, as they are now, where the nightly write-back reads them."""
    drop.mkdir()
    versions = pd.read_csv(export, dtype=str).sort_values("changed_at", kind="stable")
    newest = versions.drop_duplicates("account_id", keep="last")
    newest[newest["is_deleted"] != "true"].to_csv(drop / "accounts.csv", index=False)


def _headwater(arguments: list[str], home: Path) -> None:
    home.mkdir(exist_ok=True)
    own = {"HEADWATER_HOME": str(home), "HEADWATER_WORKER_PORT": str(free_port())}
    command = [sys.executable, "-m", "cli", *arguments]
    ran = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"headwater {' '.join(arguments)} ended with {ran.returncode}: {ran.stderr}")


def _months_ago(months: int) -> date:
    """Return the first day of the month that lies so many before this one."""
    today = SystemClock().now()
    count = today.year * 12 + today.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and isfinite(value) else None


if __name__ == "__main__":
    main()
