"""How long the local log keeps records; Kafka expires by itself.

A topic's retention counts from the moment a record was appended. What the worker has not carried
out by then waits for it, up to the erasure date, and the worker's log says so: a week's outage
loses nothing, and an erasure is complete a month later at the most.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts import topics
from contracts.clock import Clock
from contracts.topics import Topic
from local.log.store import Log

ERASURE_DAYS: Final = 30

log = structlog.get_logger()


def expire(store: Log, clock: Clock) -> None:
    """Delete what every topic has kept long enough; raises Retryable if the log is busy."""
    for topic in topics.ALL:
        _expire(store, topic, clock.now())


def _expire(store: Log, topic: Topic, now: datetime) -> None:
    expired = store.expire(
        topic.name,
        before_ms=_ms(now - timedelta(days=topic.retention_days)),
        unread_before_ms=_ms(now - timedelta(days=max(topic.retention_days, ERASURE_DAYS))),
    )
    if expired.read:
        log.info("records expired", topic=topic.name, expired=expired.read)
    if expired.kept:
        log.warning(
            "records older than their retention wait to be carried out",
            topic=topic.name,
            kept=expired.kept,
            until_days=ERASURE_DAYS,
        )
    if expired.unread:
        log.error(
            "records were erased that nobody carried out", topic=topic.name, erased=expired.unread
        )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
