"""The rows of an evaluation, kept one by one so that a run can be stopped and taken up again.

A folder holds the rows of one estimator: its name is a hash of `models` and of the worlds, so that
rows of another estimator are never mixed in.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd

from simulator.chance import VERSION

ROOT: Final = Path(__file__).parents[2]
_SOURCES: Final = ("models/*.py", "models/**/*.py", "bench/eval_roi/scenarios.py",
                   "bench/eval_roi/lived.py", "bench/eval_roi/rivals.py")  # fmt: skip

Row = dict[str, Any]
Key = tuple[str, int, str]


def fingerprint() -> str:
    """Return a short hash of everything that a row depends on."""
    files = sorted({path for pattern in _SOURCES for path in ROOT.glob(pattern)})
    digest = hashlib.sha256(str(VERSION).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Rows:
    """A file of rows, each with its `scenario`, `seed` and `kind`; a torn last line is dropped."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "rows.jsonl"
        self._rows = list(self._read())
        self.done = {_key(row) for row in self._rows}

    def add(self, row: Row) -> None:
        """Keep a row, unless it is there already."""
        if _key(row) in self.done:
            return
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self._rows.append(row)
        self.done.add(_key(row))

    def frame(self, kind: str) -> pd.DataFrame:
        """Return the rows of one kind, in order of seed."""
        rows = [row for row in self._rows if row["kind"] == kind]
        columns = ["scenario", "seed", "kind"]
        return pd.DataFrame(rows, columns=None if rows else columns).sort_values("seed")

    def _read(self) -> Iterator[Row]:
        if not self._path.exists():
            return
        whole = self._path.read_text().rpartition("\n")[0]
        self._path.write_text(whole + "\n" if whole else "")
        for line in whole.splitlines():
            yield json.loads(line)


def _key(row: Row) -> Key:
    return row["scenario"], row["seed"], row["kind"]
