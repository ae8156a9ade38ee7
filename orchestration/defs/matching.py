"""To whom the stored activities belong, decided again when the CRM has changed."""

from datetime import timedelta

import dagster as dg

from contracts.clock import Clock
from ingest.matching import rematch
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer


@dg.asset(
    key=["raw", "match"],
    deps=[
        ["raw", table]
        for table in ("activity", "account", "contact", "lead", "opportunity", "contact_role")
    ],
    group_name="raw",
    kinds={"clickhouse", "python"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2)),
)
def match(
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """The worker matches what it hears; here, what an older CRM or older rules decided."""
    changed = rematch(reader, writer, settings.company, clock.now(), settings.matching)
    return dg.MaterializeResult(metadata={"decisions changed": changed})
