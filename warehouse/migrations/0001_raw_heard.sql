-- What was heard: sightings, activities, matches, dead letters, and what people and we did.
-- Every table forgets repeats by its sorting key; the latest write of a key wins. An insert returns
-- when its rows are on the disk, and not merely in the system's cache: the log may forget them then.
-- Every statement of a migration can be run again, so that one that was cut off can be repeated.

CREATE DATABASE IF NOT EXISTS raw;

CREATE TABLE IF NOT EXISTS raw.sighting
(
    source LowCardinality(String),
    external_id String,
    ingest_run String,
    kind LowCardinality(String),
    observer LowCardinality(String),
    disposition LowCardinality(String),
    reason LowCardinality(String),
    activity_id UUID,
    event_time DateTime64(6, 'UTC'),
    received_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (source, external_id, ingest_run)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.activity
(
    activity_id UUID,
    channel LowCardinality(String),
    direction LowCardinality(String),
    event_time DateTime64(6, 'UTC'),
    time_quality LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    received_at DateTime64(6, 'UTC'),
    source LowCardinality(String),
    message_id String,
    thread_id String,
    subject String,
    body String CODEC(ZSTD(3)),
    duration_seconds UInt32,
    is_automatic Bool,
    participant_address Array(String),
    participant_name Array(String),
    participant_role Array(LowCardinality(String)),
    participant_is_ours Array(Bool),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY activity_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.match
(
    activity_id UUID,
    decided_by LowCardinality(String),
    matched_at DateTime64(6, 'UTC'),
    account_id String,
    contact_id String,
    rule LowCardinality(String),
    reason String,
    candidate_account_id Array(String),
    rule_version UInt16,
    crm_version DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (activity_id, decided_by, matched_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.dead_letter
(
    dead_letter_id UUID,
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    position Int32,
    kind LowCardinality(String),
    source LowCardinality(String),
    external_id String,
    ingest_run String,
    reason LowCardinality(String),
    detail String,
    is_event Bool,
    event_base64 String CODEC(ZSTD(3)),
    failed_at DateTime64(6, 'UTC'),
    replayed_at Nullable(DateTime64(6, 'UTC')),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY dead_letter_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.command
(
    idempotency_key UUID,
    kind LowCardinality(String),
    actor String,
    reason String,
    subject_id String,
    value String,
    issued_at DateTime64(6, 'UTC'),
    outcome LowCardinality(String),
    detail String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (idempotency_key, outcome)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.source_cursor
(
    source String,
    state String,
    saved_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(saved_at)
ORDER BY source
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.crm_write
(
    write_id UUID,
    run_id UUID,
    target LowCardinality(String),
    object_type LowCardinality(String),
    object_id String,
    field LowCardinality(String),
    old_value String,
    new_value String,
    rule LowCardinality(String),
    outcome LowCardinality(String),
    detail String,
    written_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (target, object_type, object_id, field, write_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
