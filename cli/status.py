"""`headwater status`: what runs, how fresh the data is, what waits."""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cli.stack import DAGSTER, DASHBOARD, WAREHOUSE, WORKER, warehouse_url
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError
from ingest.lag import lag
from local.clickhouse.launch import address
from local.processes import alive
from settings import Settings
from warehouse.reader import Reader

_COUNTS = """
    SELECT
        (SELECT count() FROM raw.activity FINAL) AS activities,
        (SELECT max(ingested_at) FROM raw.activity) AS newest_at,
        (SELECT count() FROM live.dead_letter WHERE replayed_at IS NULL) AS dead_letters,
        (SELECT countIf(account_id = '') FROM live.match) AS unmatched,
        (SELECT sum(bytes_on_disk) FROM system.parts WHERE active) AS bytes_on_disk
"""


@dataclass(frozen=True)
class Process:
    """Whether a process of the local stack lives, and how often it was started again."""

    pid: int | None = None
    restarts: int = 0


@dataclass(frozen=True)
class Status:
    """What can be said of a home at a moment; None where nobody could be asked."""

    home: str
    processes: dict[str, Process]
    warehouse: str
    log: str
    lag: int | None = None
    activities: int | None = None
    age_seconds: float | None = None
    dead_letters: int | None = None
    unmatched: int | None = None
    bytes_on_disk: int | None = None
    bytes_free: int | None = None


def taken(settings: Settings) -> Status:
    """Look at everything once."""
    processes = {name: _process(settings, name) for name in (WAREHOUSE, WORKER, DAGSTER, DASHBOARD)}
    return Status(
        home=str(settings.home),
        processes=processes,
        bytes_free=shutil.disk_usage(settings.home).free if settings.home.exists() else None,
        **_log(settings),
        **_warehouse(settings),
    )


def render(status: Status, *, as_json: bool) -> str:
    """Return the status as lines for a person, or as one JSON object."""
    if as_json:
        return json.dumps(asdict(status))
    lines = [("home", status.home)]
    lines += [(name, _said(process)) for name, process in status.processes.items()]
    lines += [("log", status.log if status.lag is None else f"{status.lag:,} messages wait")]
    if status.activities is None:
        lines += [("data", status.warehouse)]
    else:
        age = "none" if status.age_seconds is None else f"{status.age_seconds:,.0f} s ago"
        lines += [
            ("activities", f"{status.activities:,}"),
            ("newest", age),
            ("unmatched", f"{status.unmatched:,}"),
            ("dead letters", f"{status.dead_letters:,} waiting"),
            ("disk", f"{_mib(status.bytes_on_disk)} used, {_mib(status.bytes_free)} free"),
        ]
    return "\n".join(f"{name:14}{value}" for name, value in lines)


def _process(settings: Settings, name: str) -> Process:
    found = alive(settings.home, name)
    if found:
        return Process(found.pid, found.restarts)
    served = address(settings.home) if name == WAREHOUSE else None  # by a command of its own
    return Process(served.pid) if served else Process()


def _log(settings: Settings) -> dict[str, Any]:
    try:
        return {"log": "serving", "lag": lag(settings)}
    except HeadwaterError as error:
        return {"log": str(error)}


def _warehouse(settings: Settings) -> dict[str, Any]:
    url = warehouse_url(settings)
    if url is None:
        return {"warehouse": "not running"}
    try:
        counts = Reader(url).frame(_COUNTS).iloc[0]
    except HeadwaterError as error:
        return {"warehouse": str(error)}
    return {
        "warehouse": "serving",
        "activities": int(counts["activities"]),
        "age_seconds": _age(counts["newest_at"]) if counts["activities"] else None,
        "dead_letters": int(counts["dead_letters"]),
        "unmatched": int(counts["unmatched"]),
        "bytes_on_disk": int(counts["bytes_on_disk"]),
    }


def _said(process: Process) -> str:
    if process.pid is None:
        return "stopped"
    again = {0: "", 1: ", started again once"}.get(
        process.restarts, f", started again {process.restarts} times"
    )
    return f"running (process {process.pid}{again})"


def _age(newest_at: datetime) -> float:
    return (SystemClock().now() - newest_at).total_seconds()


def _mib(count: int | None) -> str:
    return f"{(count or 0) / 2**20:,.0f} MiB"
