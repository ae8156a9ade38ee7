"""Every question that the pages ask of the warehouse, in SQL; values are parameters alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

EVIDENCE_ROWS: Final = 500
"""How many rows of evidence a page lists at most, the heaviest first."""

FRESHNESS: Final = """
    SELECT
        now64(6, 'UTC') AS looked_at,
        (SELECT if(count() = 0, NULL, max(ingested_at)) FROM raw.activity) AS newest_at,
        uniqIf(activity_id, is_live) AS live,
        uniqIf(activity_id, NOT is_live) AS brought_in,
        if(live = 0, NULL, quantileExactIf(0.5)(delay, is_live)) AS p50_seconds,
        if(live = 0, NULL, quantileExactIf(0.99)(delay, is_live)) AS p99_seconds
    FROM
    (
        SELECT
            activity_id, is_live, dateDiff('microsecond', received_at, ingested_at) / 1e6 AS delay
        FROM raw.sighting
        WHERE ingested_at > now64(6, 'UTC') - INTERVAL 1 HOUR AND disposition = 'activity'
    )
"""
"""What is brought in waits for what was brought in before it, and says nothing of how fresh the
data is: the delays are those of live copies alone. Both ends of each are read from the warehouse's
clock, or written by ours. From 65,536 activities on, their counts are estimates."""

FIGURES: Final = """
    SELECT
        countIf(event_time >= %(today)s) AS today,
        countIf(event_time > %(now)s - INTERVAL 1 HOUR) AS last_hour,
        countIf(event_time >= %(today)s - INTERVAL 7 DAY
            AND event_time <= %(now)s - INTERVAL 7 DAY) AS week_before,
        uniqExactIf(account_id,
            account_id != '' AND event_time > %(now)s - INTERVAL 7 DAY) AS engaged,
        (SELECT count() FROM live.account) AS accounts,
        countIf(direction != 'internal' AND NOT is_automatic) AS outside,
        countIf(direction != 'internal' AND NOT is_automatic AND account_id = '') AS unmatched
    FROM
    (
        SELECT
            any(heard.event_time) AS event_time,
            any(heard.direction) AS direction,
            any(heard.is_automatic) AS is_automatic,
            argMin(account_id, (
                decided_by = 'rule',
                -toUnixTimestamp64Micro(matched_at),
                decided_by,
                -toUnixTimestamp64Micro(ingested_at))) AS account_id
        FROM raw.match
        RIGHT JOIN
        (
            SELECT activity_id, event_time, direction, is_automatic FROM raw.activity FINAL
            WHERE event_time > %(now)s - INTERVAL 30 DAY AND event_time <= %(now)s
        ) AS heard USING (activity_id)
        GROUP BY activity_id
    )
"""
"""The current match is that of `live.match`, taken from the month's matches alone: the view merges
and sorts them all. Of a decision written twice the newest stamp counts, as FINAL has it."""

CAPTURE: Final = """
    SELECT
        source, observer, state, detail, read_at, last_at,
        held, counted_until, stored, dead_lettered, missing, missing_days
    FROM
    (
        SELECT
            source,
            observer,
            sum(day.held) AS held,
            sum(day.stored) AS stored,
            sum(day.dead_lettered) AS dead_lettered,
            sum(day.missing) AS missing,
            arraySort(groupArrayIf(day.held_on, day.missing > 0)) AS missing_days,
            toNullable(max(day.counted_until)) AS counted_until
        FROM live.completeness AS day
        GROUP BY source, observer
        UNION ALL
        SELECT source, '', 0, 0, 0, 0, [], NULL FROM raw.source_state FINAL
        WHERE source NOT IN (SELECT source FROM raw.provider_count)
    ) AS counted
    LEFT JOIN
    (
        SELECT source, observer, toNullable(max(received_at)) AS last_at
        FROM raw.sighting
        GROUP BY source, observer
    ) AS heard USING (source, observer)
    LEFT JOIN
    (
        SELECT source, state, detail, read_at
        FROM raw.source_state FINAL
    ) AS fares USING (source)
    WHERE state != '' OR missing > 0
    ORDER BY missing DESC, state = 'waiting' DESC, observer, source
"""
"""What each followed mailbox held when it was last counted, beside what is stored of that; of
others, what is missing."""

DEAD_LETTERS: Final = """
    SELECT
        reason,
        count() AS waiting,
        min(failed_at) AS oldest_at,
        arrayStringConcat(arraySort(groupUniqArray(source)), ', ') AS sources,
        argMax(detail, failed_at) AS newest_detail
    FROM live.dead_letter
    WHERE replayed_at IS NULL
    GROUP BY reason
    ORDER BY waiting DESC, reason
"""

NEWEST: Final = """
    SELECT
        activity_id, channel, direction, event_time, ingested_at, subject, duration_seconds,
        arrayFilter((who, is_ours) -> NOT is_ours, participant_address, participant_is_ours)
            AS theirs,
        arrayFilter((who, is_ours) -> is_ours, participant_address, participant_is_ours) AS ours,
        account_id, account_name, match_rule, match_reason, opportunity_id, opportunity_name
    FROM live.activity
    WHERE activity_id IN
    (
        SELECT activity_id FROM raw.activity
        ORDER BY ingested_at DESC, event_time DESC
        LIMIT %(limit)s
    )
    ORDER BY ingested_at DESC, event_time DESC, activity_id
"""

SCORE: Final = """
    SELECT account_id, score, component, points, activity_count, last_activity_at
    FROM live.engagement(as_of = %(as_of)s, weights_version = %(weights)s)
    WHERE account_id = %(account_id)s
"""

RANKING: Final = """
    SELECT
        account_id,
        name,
        score,
        score - earlier_score AS change,
        last_activity_at,
        activity_count
    FROM live.engagement_change(
        as_of = %(as_of)s, before = %(before)s, weights_version = %(weights)s)
    ORDER BY score DESC, name
"""

COMPONENTS: Final = """
    SELECT
        weight.component AS component,
        weight.label AS label,
        weight.weight AS weight,
        weight.half_life_days AS half_life_days,
        weight.saturation AS saturation,
        evidence.mass AS mass,
        evidence.rows AS rows,
        weight.weight * (1 - exp(-evidence.mass / weight.saturation)) AS points
    FROM
    (
        SELECT * FROM ml.engagement_weight FINAL WHERE weights_version = %(weights)s
    ) AS weight
    LEFT JOIN
    (
        SELECT component, sum(mass) AS mass, count() AS rows
        FROM live.engagement_evidence(as_of = %(as_of)s, weights_version = %(weights)s)
        WHERE account_id = %(account_id)s
        GROUP BY component
    ) AS evidence ON evidence.component = weight.component
    ORDER BY points DESC, component
"""

EVIDENCE: Final = """
    WITH heaviest AS
    (
        SELECT
            evidence.component AS component,
            weight.label AS label,
            evidence.event_time AS event_time,
            evidence.person AS person,
            evidence.mass AS mass,
            weight.weight * (1 - exp(-sum(evidence.mass) OVER part / weight.saturation))
                * evidence.mass / sum(evidence.mass) OVER part AS points,
            evidence.activity_id AS activity_id
        FROM live.engagement_evidence(as_of = %(as_of)s, weights_version = %(weights)s) AS evidence
        INNER JOIN
        (
            SELECT * FROM ml.engagement_weight FINAL WHERE weights_version = %(weights)s
        ) AS weight ON weight.component = evidence.component
        WHERE evidence.account_id = %(account_id)s
        WINDOW part AS (PARTITION BY evidence.component)
        ORDER BY points DESC, activity_id, component, person
        LIMIT %(limit)s
    )
    SELECT
        component,
        label,
        event_time,
        multiIf(person != '', person, subject != '', subject, people) AS what,
        mass,
        points,
        activity_id
    FROM heaviest
    LEFT JOIN
    (
        SELECT
            activity_id, subject,
            arrayStringConcat(arrayFilter((who, is_ours) -> NOT is_ours,
                participant_address, participant_is_ours), ', ') AS people
        FROM raw.activity FINAL
        WHERE activity_id IN (SELECT activity_id FROM heaviest)
    ) AS activity USING (activity_id)
    ORDER BY points DESC, activity_id, component, person
"""

HAS_MARTS: Final = """
    SELECT count() FROM system.tables
    WHERE (database, name) IN (('marts', 'investment_roi'), ('marts', 'rep_month'))
"""

REGISTERED: Final = """
    SELECT uniqExact(investment_id) FROM raw.investment FINAL WHERE NOT is_deleted
"""

JUDGEMENTS: Final = """
    SELECT * FROM marts.investment_roi
    ORDER BY roi IS NULL, roi DESC, investment_id
"""

JUDGEMENT: Final = """
    SELECT * FROM marts.investment_roi
    WHERE investment_id = %(investment_id)s
"""

DIAGNOSTICS: Final = """
    SELECT * FROM ml.investment_diagnostic FINAL
    WHERE investment_id = %(investment_id)s AND as_of = %(as_of)s
    ORDER BY position
"""

ESTIMATES: Final = """
    SELECT * FROM ml.investment_estimate FINAL
    WHERE investment_id = %(investment_id)s AND as_of = %(as_of)s
    ORDER BY role DESC, estimator
"""

EVENT_STUDY: Final = """
    SELECT * FROM ml.investment_event_study FINAL
    WHERE investment_id = %(investment_id)s AND as_of = %(as_of)s
    ORDER BY months_since_start
"""

EXPLANATIONS: Final = """
    SELECT * FROM ml.explanation FINAL
    WHERE subject_kind = 'investment' AND subject_id = %(investment_id)s AND as_of = %(as_of)s
    ORDER BY measure
"""

CONTEXT: Final = """
    SELECT
        month.month_on AS month_on,
        exposure.unit_id != '' AND toStartOfMonth(exposure.starts_on) <= month.month_on
            AS is_treated,
        avg(month.bookings_minor) AS mean_bookings_minor,
        any(month.currency) AS currency,
        count() AS reps
    FROM marts.rep_month AS month
    LEFT JOIN
    (
        SELECT unit_id, min(starts_on) AS starts_on
        FROM
        (
            SELECT * FROM raw.exposure FINAL
            WHERE investment_id = %(investment_id)s AND unit_kind = 'rep'
            ORDER BY knowable_at DESC
            LIMIT 1 BY unit_id, starts_on
        )
        WHERE NOT is_deleted
        GROUP BY unit_id
    ) AS exposure ON exposure.unit_id = month.rep_id
    WHERE month.rep_id != '' AND month.month_on < toStartOfMonth(toDate32(%(today)s))
    GROUP BY month_on, is_treated
    ORDER BY month_on, is_treated
"""


def moment(at: datetime) -> str:
    """Return a moment as the warehouse reads it, to the microsecond."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def spelled_out(sql: str, params: Mapping[str, str | int]) -> str:
    """Return a statement with its values in it, for a person to run; it is never run here."""
    text = sql % {name: _literal(value) for name, value in params.items()}
    lines = text.strip("\n").splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[indent:] for line in lines).rstrip()


def _literal(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
