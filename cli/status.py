"""`headwater status`: what runs, how fresh the data is, what waits."""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime

from cli.stack import DAGSTER, DASHBOARD, WORKER, warehouse_url
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError
from local.processes import running
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
class Status:
    """What can be said of a home at a moment; None where the warehouse can't be asked."""

    home: str
    processes: dict[str, bool]
    activities: int | None = None
    age_seconds: float | None = None
    dead_letters: int | None = None
    unmatched: int | None = None
    bytes_on_disk: int | None = None
    bytes_free: int | None = None
    warehouse: str = "not running"


def taken(settings: Settings) -> Status:
    """Look at everything once."""
    url = warehouse_url(settings)
    alive = {name: running(settings.home, name) for name in (WORKER, DAGSTER, DASHBOARD)}
    base = Status(str(settings.home), {"warehouse": url is not None} | alive)
    if url is None:
        return base
    try:
        counts = Reader(url).frame(_COUNTS).iloc[0]
    except HeadwaterError as error:
        return Status(base.home, base.processes, warehouse=str(error))
    return Status(
        base.home,
        base.processes,
        activities=int(counts["activities"]),
        age_seconds=_age(counts["newest_at"]) if counts["activities"] else None,
        dead_letters=int(counts["dead_letters"]),
        unmatched=int(counts["unmatched"]),
        bytes_on_disk=int(counts["bytes_on_disk"]),
        bytes_free=shutil.disk_usage(settings.home).free,
        warehouse="serving",
    )


def render(status: Status, *, as_json: bool) -> str:
    """Return the status as lines for a person, or as one JSON object."""
    if as_json:
        return json.dumps(asdict(status))
    lines = [("home", status.home), ("warehouse", status.warehouse)]
    lines += [(name, "running" if up else "stopped") for name, up in status.processes.items()][1:]
    if status.activities is not None:
        lines += [
            ("activities", f"{status.activities:,}"),
            (
                "newest",
                "none" if status.age_seconds is None else f"{status.age_seconds:,.0f} s ago",
            ),
            ("unmatched", f"{status.unmatched:,}"),
            ("dead letters", f"{status.dead_letters:,} waiting"),
            ("disk", f"{_mib(status.bytes_on_disk)} used, {_mib(status.bytes_free)} free"),
        ]
    return "\n".join(f"{name:14}{value}" for name, value in lines)


def _age(newest_at: datetime) -> float:
    return (SystemClock().now() - newest_at).total_seconds()


def _mib(count: int | None) -> str:
    return f"{(count or 0) / 2**20:,.0f} MiB"
