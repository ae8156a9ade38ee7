"""The account of an ingest run: what became of every input, and that it adds up."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any, Final

from typing_extensions import override

from contracts.errors import UserError
from warehouse.reader import Reader

_POLL_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 60.0
_COUNTS: Final = ("seen", "activities", "records", "repeated", "excluded", "dead_lettered")

_ACCOUNT: Final = "SELECT * FROM live.ingest_run WHERE ingest_run = %(ingest_run)s"
_OUTCOMES: Final = """
    SELECT uniqExact(external_id)
    FROM
    (
        SELECT external_id FROM raw.sighting
        WHERE source = %(source)s AND ingest_run = %(ingest_run)s
        UNION ALL
        SELECT external_id FROM raw.dead_letter
        WHERE source = %(source)s AND ingest_run = %(ingest_run)s
    )
"""


_DETAILS: Final = """
    SELECT detail
    FROM live.dead_letter
    WHERE ingest_run = %(ingest_run)s AND replayed_at IS NULL AND detail != ''
    GROUP BY reason, detail
    ORDER BY count() DESC, reason, detail
    LIMIT 3 BY reason
"""


@dataclass(frozen=True)
class Account:
    """What became of a run's inputs: seen is the sum of the five counts after it.

    Attributes:
        activities: heard for the first time.
        records: CRM records that say something new.
        repeated: further copies of what an earlier run, or this one, had heard.
        excluded: not kept.
        dead_lettered: not understood; they wait for a replay.
        unknown: how many were of people whom the CRM does not know: of them, no more than who wrote
            to whom and when is kept.
        reasons: how many were excluded or dead-lettered for what, as `excluded: internal`.
        details: what is wrong with those dead-lettered, the three most frequent of each reason.
    """

    ingest_run: str
    seen: int = 0
    activities: int = 0
    records: int = 0
    repeated: int = 0
    excluded: int = 0
    dead_lettered: int = 0
    unknown: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the account for a JSON object."""
        return asdict(self) | {"reasons": dict(self.reasons)}

    @override
    def __str__(self) -> str:
        fates = ((name, getattr(self, name)) for name in _COUNTS[1:])
        counts = ", ".join(f"{count:,} {name.replace('_', '-')}" for name, count in fates)
        reasons = "".join(f"\n  {why}: {count:,}" for why, count in sorted(self.reasons.items()))
        details = "".join(f"\n  {detail}" for detail in self.details)
        return f"{self.seen:,} seen = {counts}{reasons}{details}"


def account(reader: Reader, ingest_run: str) -> Account:
    """Return the account of a run as far as it has been carried out. Raises as the reader does."""
    frame = reader.frame(_ACCOUNT, {"ingest_run": ingest_run})
    if frame.empty:
        return Account(ingest_run)
    row = frame.iloc[0]
    counts = {name: int(row[name]) for name in _COUNTS}
    details = reader.frame(_DETAILS, {"ingest_run": ingest_run})["detail"]
    return Account(
        ingest_run,
        **counts,
        reasons={why: int(count) for why, count in row["reasons"].items()},
        details=tuple(details),
    )


async def wait_for(
    reader: Reader,
    source: str,
    ingest_run: str,
    published: int,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Account:
    """Wait until every published event of a run has an outcome, then return its account.

    Raises:
        UserError: if nothing has moved for as long as the patience lasts.
    """
    names = {"source": source, "ingest_run": ingest_run}
    done, moved_at = 0, monotonic()
    while done < published:
        await asyncio.sleep(_POLL_SECONDS)
        counted = int(await asyncio.to_thread(reader.value, _OUTCOMES, names))
        if counted > done:
            done, moved_at = counted, monotonic()
        elif monotonic() - moved_at > patience_seconds:
            raise UserError(
                f"{published - done:,} of {published:,} events have no outcome, and nothing has "
                f"moved for {patience_seconds:.0f} s: has the worker stopped? `headwater status` "
                "tells. Nothing is lost: the log keeps them until a worker runs"
            )
    return await asyncio.to_thread(account, reader, ingest_run)
