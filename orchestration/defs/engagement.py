"""Each account's engagement score at a moment, kept: the live view, asked once and written down."""

from datetime import timedelta
from typing import Final

import dagster as dg

from contracts.clock import Clock
from contracts.rows import ENGAGEMENT_WEIGHTS, EngagementScoreRow
from settings import Settings
from warehouse.engagement import build
from warehouse.reader import Reader
from warehouse.writer import Writer

TOLERANCE: Final = 1e-9

_LIVE: Final = """
    SELECT * FROM live.engagement(as_of = %(as_of)s, weights_version = %(weights_version)s)
"""
_NEWEST: Final = """
    SELECT * FROM ml.engagement_score FINAL
    WHERE weights_version = %(weights_version)s AND as_of =
        (SELECT max(as_of) FROM ml.engagement_score WHERE weights_version = %(weights_version)s)
"""
# Accounts of which something was heard, matched or told after the moment: their live score of that
# moment may have changed since, and should. A row is stamped a moment before it can be read.
_HEARD_SINCE: Final = """
    WITH toDateTime64(%(as_of)s, 6, 'UTC') - INTERVAL 1 SECOND AS seen
    SELECT account_id FROM raw.account WHERE ingested_at > seen
    UNION DISTINCT
    SELECT account_id FROM raw.match
    WHERE ingested_at > seen
        OR activity_id IN (SELECT activity_id FROM raw.activity WHERE ingested_at > seen)
        OR activity_id IN (SELECT activity_id FROM raw.match WHERE ingested_at > seen)
"""


@dg.asset(
    key=["live", "engagement_fact"],
    deps=[["raw", "activity"], ["raw", "match"]],
    group_name="live",
    kinds={"clickhouse"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2)),
)
def engagement_fact(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """What each activity counts for its account: the score is right without it, but slow."""
    return dg.MaterializeResult(metadata={"activities": build(settings.warehouse_url)})


@dg.asset(
    key=["ml", "engagement_score"],
    deps=[["live", "engagement"], ["live", "engagement_fact"], ["live", "account"]],
    group_name="ml",
    kinds={"clickhouse", "python"},
    freshness_policy=dg.FreshnessPolicy.time_window(
        warn_window=timedelta(minutes=40), fail_window=timedelta(hours=2)
    ),
)
def engagement_score(
    reader: dg.ResourceParam[Reader],
    writer: dg.ResourceParam[Writer],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult[None]:
    """One row per account and moment; its points sum to its score, 0 to 100."""
    moment = f"{clock.now():%Y-%m-%d %H:%M:%S.%f}"
    asked = {"as_of": moment, "weights_version": ENGAGEMENT_WEIGHTS}
    scores = reader.rows(EngagementScoreRow, _LIVE, asked)
    writer.write(scores)
    engaged = sum(row.score > 0 for row in scores)
    return dg.MaterializeResult(
        metadata={"accounts": len(scores), "engaged": engaged, "as of": moment}
    )


@dg.asset_check(asset=["ml", "engagement_score"])
def reasons_sum_to_the_score(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """The points that explain a score are the score."""
    rows = _newest(reader)
    wrong = [row.account_id for row in rows if abs(sum(row.points) - row.score) > TOLERANCE]
    return dg.AssetCheckResult(
        passed=not wrong, metadata={"accounts": len(rows), "wrong": wrong[:10]}
    )


@dg.asset_check(asset=["ml", "engagement_score"])
def batch_score_is_the_live_score(reader: dg.ResourceParam[Reader]) -> dg.AssetCheckResult:
    """The score that was kept is the score that the live view gives for the same moment.

    Accounts of which something was heard in between are left out.
    """
    rows = _newest(reader)
    if not rows:
        return dg.AssetCheckResult(passed=not reader.value("SELECT count() FROM live.account"))
    kept = {row.account_id: row.score for row in rows}
    moment = f"{rows[0].as_of:%Y-%m-%d %H:%M:%S.%f}"
    asked = {"as_of": moment, "weights_version": ENGAGEMENT_WEIGHTS}
    now = {row.account_id: row.score for row in reader.rows(EngagementScoreRow, _LIVE, asked)}
    since = set(reader.frame(_HEARD_SINCE, {"as_of": moment})["account_id"])
    compared = (kept.keys() | now.keys()) - since
    wrong = [a for a in compared if not _same(kept.get(a), now.get(a))]
    return dg.AssetCheckResult(
        passed=not wrong, metadata={"compared": len(compared), "wrong": sorted(wrong)[:10]}
    )


def _newest(reader: Reader) -> list[EngagementScoreRow]:
    return reader.rows(EngagementScoreRow, _NEWEST, {"weights_version": ENGAGEMENT_WEIGHTS})


def _same(kept: float | None, live: float | None) -> bool:
    return kept is not None and live is not None and abs(kept - live) <= TOLERANCE
