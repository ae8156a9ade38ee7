-- What surrounds capture: how much of a mail is kept, headers that wait for the CRM, and whether a
-- mailbox's mail is complete.

ALTER TABLE raw.sighting
    ADD COLUMN IF NOT EXISTS held_at Nullable(DateTime64(6, 'UTC')) AFTER received_at;

ALTER TABLE raw.dead_letter
    ADD COLUMN IF NOT EXISTS observer LowCardinality(String) AFTER replayed_at;

ALTER TABLE raw.dead_letter
    ADD COLUMN IF NOT EXISTS held_at Nullable(DateTime64(6, 'UTC')) AFTER observer;

ALTER TABLE raw.activity
    ADD COLUMN IF NOT EXISTS captured LowCardinality(String) DEFAULT 'full' AFTER participant_is_ours;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW live.dead_letter AS
SELECT * FROM raw.dead_letter FINAL;

CREATE TABLE IF NOT EXISTS raw.quarantine
(
    source LowCardinality(String),
    external_id String,
    observer LowCardinality(String),
    ingest_run String,
    activity_id UUID,
    outside Array(String),
    header String CODEC(ZSTD(3)),
    held_at Nullable(DateTime64(6, 'UTC')),
    quarantined_at DateTime64(6, 'UTC'),
    matched_at Nullable(DateTime64(6, 'UTC')),
    settled_at Nullable(DateTime64(6, 'UTC')),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (source, external_id)
TTL toDateTime(quarantined_at) + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.withdrawal
(
    source LowCardinality(String),
    external_id String,
    observer LowCardinality(String),
    noticed_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (source, external_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.provider_count
(
    source LowCardinality(String),
    observer LowCardinality(String),
    held_on Date32,
    held UInt32,
    counted_until DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(counted_until)
ORDER BY (source, observer, held_on)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.source_state
(
    source LowCardinality(String),
    state LowCardinality(String),
    detail String,
    read_at Nullable(DateTime64(6, 'UTC')),
    checked_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(checked_at)
ORDER BY source
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The headers that still wait: not settled, and younger than a month whatever the merges do.
CREATE OR REPLACE VIEW live.quarantine AS
SELECT * FROM raw.quarantine FINAL
WHERE settled_at IS NULL AND quarantined_at > now64(6, 'UTC') - INTERVAL 30 DAY;

-- What a mailbox holds of each day beside what we have of it. A copy is stored once it has its
-- sighting, whatever became of it; a dead letter was heard too. What the mailbox no longer holds
-- counts on neither side.
CREATE OR REPLACE VIEW live.completeness AS
WITH
    heard AS
    (
        SELECT source, observer, external_id, assumeNotNull(held_at) AS taken_at, 1 AS is_stored
        FROM raw.sighting
        WHERE held_at IS NOT NULL
        UNION ALL
        SELECT source, observer, external_id, assumeNotNull(held_at), 0
        FROM raw.dead_letter
        WHERE is_event AND held_at IS NOT NULL
    ),
    copy AS
    (
        SELECT
            source,
            observer,
            external_id,
            max(is_stored) AS is_stored,
            max(taken_at) AS taken_at
        FROM heard
        WHERE (source, external_id) NOT IN (SELECT source, external_id FROM raw.withdrawal)
        GROUP BY source, observer, external_id
    )
SELECT
    counted.source AS source,
    counted.observer AS observer,
    counted.held_on AS held_on,
    counted.held AS held,
    countIf(copy.is_stored = 1 AND copy.taken_at < counted.counted_until) AS stored,
    countIf(copy.is_stored = 0 AND copy.taken_at < counted.counted_until
        AND copy.external_id != '') AS dead_lettered,
    greatest(toInt64(counted.held) - stored - dead_lettered, 0) AS missing,
    counted.counted_until AS counted_until
FROM (SELECT * FROM raw.provider_count FINAL) AS counted
LEFT JOIN copy ON copy.source = counted.source AND copy.observer = counted.observer
    AND toDate32(copy.taken_at) = counted.held_on
GROUP BY counted.source, counted.observer, counted.held_on, counted.held, counted.counted_until;
