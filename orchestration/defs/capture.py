"""Whether what is heard arrives, and whether nothing of it is lost."""

from datetime import timedelta
from typing import Final

import dagster as dg

from contracts.clock import Clock
from warehouse.reader import Reader

_QUIET_FOR: Final = timedelta(hours=24)
_NEWEST: Final = "SELECT if(count() = 0, NULL, max(ingested_at)) FROM raw.activity"
_UNRESOLVED: Final = """
    SELECT
        (SELECT count() FROM raw.sighting FINAL WHERE ingested_at < %(settled)s) AS sightings,
        (SELECT count() FROM raw.sighting FINAL
            WHERE ingested_at < %(settled)s AND disposition = 'activity'
                AND activity_id NOT IN (SELECT activity_id FROM raw.activity)) AS without_activity,
        (SELECT count() FROM raw.activity FINAL
            WHERE ingested_at < %(settled)s
                AND activity_id NOT IN (SELECT activity_id FROM raw.match)) AS without_match,
        (SELECT countIf(seen != activities + records + repeated + excluded + dead_lettered)
            FROM live.ingest_run) AS runs_that_do_not_add_up
"""

_MISSING: Final = """
    SELECT
        source,
        observer,
        sum(missing) AS mails,
        arraySort(groupArrayIf(toString(held_on), missing > 0)) AS days
    FROM live.completeness
    WHERE source NOT IN (SELECT source FROM raw.source_state FINAL WHERE state != 'reading')
    GROUP BY source, observer
    HAVING mails > 0
    ORDER BY mails DESC, source, observer
"""


@dg.asset_check(asset=["raw", "activity"])
def something_was_heard_lately(
    reader: dg.ResourceParam[Reader], clock: dg.ResourceParam[Clock]
) -> dg.AssetCheckResult:
    """A company that hears nothing for a day has a source that fell silent, or a holiday."""
    newest = reader.value(_NEWEST)
    fresh = newest is not None and clock.now() - newest <= _QUIET_FOR
    return dg.AssetCheckResult(
        passed=fresh,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newest": str(newest or "nothing yet")},
    )


@dg.asset_check(asset=["raw", "sighting"])
def every_sighting_has_its_outcome(
    reader: dg.ResourceParam[Reader], clock: dg.ResourceParam[Clock]
) -> dg.AssetCheckResult:
    """A copy that was kept has its activity, an activity its match, and each run adds up.

    What arrived in the last minute may be on its way.
    """
    settled = f"{clock.now() - timedelta(minutes=1):%Y-%m-%d %H:%M:%S.%f}"
    counts = reader.frame(_UNRESOLVED, {"settled": settled}).iloc[0].to_dict()
    wrong = sum(count for name, count in counts.items() if name != "sightings")
    return dg.AssetCheckResult(
        passed=not wrong, metadata={str(name): int(count) for name, count in counts.items()}
    )


@dg.asset_check(asset=["raw", "sighting"])
def no_mail_is_missing(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """A mailbox that is read without trouble has all that its provider counts, day by day.

    One that can't be read says so itself, in `raw.source_state` and on the dashboard.
    """
    missing = reader.frame(_MISSING)
    metadata = {
        f"{row['observer']} ({row['source']})": (
            f"{row['mails']} missing, of {', '.join(row['days'])}"
        )
        for row in missing.to_dict("records")
    }
    return dg.AssetCheckResult(passed=missing.empty, metadata=metadata)
