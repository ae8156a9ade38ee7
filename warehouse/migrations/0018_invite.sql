-- What the calendars in mail say of meetings: a row for each mail and each meeting, or series of them,
-- that it speaks of. The worker makes meetings of it in raw.activity when they have ended.
CREATE TABLE IF NOT EXISTS raw.invitation
(
    series_id UUID,
    recurrence_id String,
    activity_id UUID,
    uid String,
    method LowCardinality(String),
    sequence UInt32,
    stamped_at DateTime64(6, 'UTC'),
    status LowCardinality(String),
    title String,
    starts_at Nullable(DateTime64(6, 'UTC')),
    ends_at Nullable(DateTime64(6, 'UTC')),
    until_at DateTime64(6, 'UTC'),
    is_all_day Bool,
    time_zone LowCardinality(String),
    recurrence_rule String,
    excluded_recurrence Array(String),
    organizer_address String,
    attendee_address Array(String),
    attendee_answer Array(LowCardinality(String)),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (series_id, recurrence_id, activity_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What each who is invited answered last, to a meeting or a series. A change of the plan that says
-- nothing of an answer asks again; an answer to an older plan has lapsed.
CREATE OR REPLACE VIEW live.meeting_answer AS
SELECT
    uid,
    recurrence_id,
    attendee.1 AS address,
    argMax(attendee.2, (sequence, attendee.2 != 'needs_action', stamped_at)) AS answer,
    argMax(stamped_at, (sequence, attendee.2 != 'needs_action', stamped_at)) AS answered_at
FROM raw.invitation FINAL
ARRAY JOIN arrayZip(attendee_address, attendee_answer) AS attendee
WHERE method IN ('request', 'reply')
GROUP BY uid, recurrence_id, address;
