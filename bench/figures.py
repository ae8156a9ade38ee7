"""The one shape of a measured figure, where it is kept, and all of them as a table.

`bench/results/<command>.json` holds the newest figures of a command, dated; git keeps the older.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contracts.clock import SystemClock

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        aim: what it should be, in words such as `<= 300`; empty where there is none.
        met: whether it is; None where there is no aim.
        command: what gives it again.
        at: when it was measured, ISO 8601 UTC.
    """

    metric: str
    value: float
    unit: str
    aim: str
    met: bool | None
    command: str
    at: str


def measured(
    metric: str,
    value: float,
    unit: str,
    command: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    now: datetime | None = None,
) -> Figure:
    """Return a figure held against its aim."""
    aims = [(f"<= {at_most:g}", value <= at_most)] if at_most is not None else []
    aims += [(f">= {at_least:g}", value >= at_least)] if at_least is not None else []
    at = (now or SystemClock().now()).isoformat(timespec="seconds")
    return Figure(
        metric=metric,
        value=round(value, 4),
        unit=unit,
        aim=" and ".join(aim for aim, _ in aims),
        met=all(met for _, met in aims) if aims else None,
        command=command,
        at=at,
    )


def record(name: str, figures: Iterable[Figure]) -> Path:
    """Keep a command's figures, in place of its earlier ones; return the file."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    return path


def kept() -> list[Figure]:
    """Return every figure of every command."""
    files = sorted(RESULTS.glob("*.json"))
    return [Figure(**figure) for file in files for figure in json.loads(file.read_text())]


def table(figures: Iterable[Figure]) -> Table:
    """Return the figures as a table, a line each."""
    drawn = Table("metric", "value", "unit", "aim", "met", "at", "command", box=None)
    for figure in figures:
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        drawn.add_row(
            figure.metric,
            f"{figure.value:g}",
            figure.unit,
            figure.aim,
            met,
            figure.at[:10],
            figure.command,
        )
    return drawn


if __name__ == "__main__":
    Console(width=None).print(table(kept()))
