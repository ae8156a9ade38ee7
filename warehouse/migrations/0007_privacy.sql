-- Who must not be heard again, and what was erased. Both know a person by a keyed hash alone.

CREATE TABLE IF NOT EXISTS raw.suppression
(
    token String,
    kind LowCardinality(String),
    suppressed_at DateTime64(6, 'UTC'),
    lifted_at Nullable(DateTime64(6, 'UTC')),
    reason String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (token, suppressed_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.erasure
(
    erasure_id UUID,
    token String,
    actor String,
    reason String,
    begun_at DateTime64(6, 'UTC'),
    done_at Nullable(DateTime64(6, 'UTC')),
    touched UInt64,
    receipt String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY erasure_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The tokens that hold now.
CREATE OR REPLACE VIEW live.suppression AS
SELECT token, kind, suppressed_at, reason
FROM
(
    SELECT * FROM raw.suppression FINAL
    ORDER BY token, suppressed_at DESC
    LIMIT 1 BY token
)
WHERE lifted_at IS NULL;
