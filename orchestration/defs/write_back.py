"""What Headwater tells the CRM: each account's engagement, with a ledger of every field."""

from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

import dagster as dg

from activation.engagement import OBJECT_TYPE, desired
from activation.ledger import noted
from activation.targets import target_of
from activation.writeback import write_back
from contracts.clock import Clock
from settings import Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_ACCOUNTS: Final = """
    SELECT account_id, score, label, points, as_of, domains
    FROM marts.account_engagement
    ORDER BY account_id
"""
_FAILED: Final = """
    SELECT object_id, field, detail FROM raw.crm_write FINAL
    WHERE run_id = (SELECT argMax(run_id, written_at) FROM raw.crm_write) AND outcome = 'failed'
    ORDER BY object_id, field
"""


@dg.asset(
    key=["raw", "crm_write"],
    deps=[["marts", "account_engagement"]],
    group_name="raw",
    kinds={"clickhouse", "python"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3)),
)
def crm_write(
    context: dg.AssetExecutionContext,
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """The ledger: one row per run and field that the write-back looked at."""
    accounts, target = reader.frame(_ACCOUNTS), target_of(settings, clock)
    if target is None:
        return dg.MaterializeResult(metadata={"target": "none: docs/write-back.md sets one up"})
    if accounts.empty:
        return dg.MaterializeResult(metadata={"target": target.name, "accounts": 0})
    values = desired(accounts, target.fillable(OBJECT_TYPE))
    outcomes: Counter[str] = Counter()
    before = noted(reader, target.name, OBJECT_TYPE)
    run_id = UUID(context.run.run_id)
    for rows in write_back(target, OBJECT_TYPE, values, run_id=run_id, clock=clock, noted=before):
        writer.write(rows)
        outcomes.update(row.outcome for row in rows)
    return dg.MaterializeResult(metadata={"target": target.name, **outcomes})


@dg.asset_check(asset=["raw", "crm_write"])
def the_crm_took_every_field(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """The newest run failed on no field."""
    failed = reader.frame(_FAILED).to_dict("records")
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failed": len(failed), "first": failed[:10]},
    )
