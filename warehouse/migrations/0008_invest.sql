-- Sales investments with their full cost, the learning system's attendance, and what is kept of
-- each judgement so that it can be recomputed.

ALTER TABLE raw.investment ADD COLUMN IF NOT EXISTS is_randomised Bool
    COMMENT 'whether chance alone decided who was reached, and when';

ALTER TABLE raw.investment_cost ADD COLUMN IF NOT EXISTS hours Float64
    COMMENT 'of work, where the cost is theirs';
ALTER TABLE raw.investment_cost ADD COLUMN IF NOT EXISTS hourly_cost_minor Int64;

ALTER TABLE raw.opportunity ADD COLUMN IF NOT EXISTS gross_margin_rate Nullable(Float64)
    COMMENT 'of its amount; below 0 where it is sold at a loss, NULL where nobody knows';

CREATE TABLE IF NOT EXISTS raw.attendance
(
    investment_id String,
    learner_email String,
    course String,
    completed_on Date32,
    score Nullable(Float64),
    hours Nullable(Float64),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, learner_email, course, completed_on, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS warnings Array(String);
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS roi_positive_probability Nullable(Float64);
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS naive_effect Nullable(Float64)
    COMMENT 'what a plain before-and-after would have claimed';
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS warning_codes Array(String);
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS naive_contrast Nullable(Float64)
    COMMENT 'what reached against not reached units would have claimed';
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS asked LowCardinality(String)
    COMMENT 'beforehand, afterwards or unknown: when the question was registered';
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS notes Array(String)
    COMMENT 'how the panel was made, where that is not plain';
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS is_randomised Bool;
ALTER TABLE ml.investment_judgement ADD COLUMN IF NOT EXISTS terms String
    COMMENT 'the question to the panel as JSON: what it takes, beside the panel, to recompute';

CREATE TABLE IF NOT EXISTS ml.investment_panel
(
    panel_hash String,
    unit_kind LowCardinality(String),
    covariates Array(String),
    panel_csv String CODEC(ZSTD(6)),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY panel_hash;

CREATE TABLE IF NOT EXISTS ml.investment_estimate
(
    investment_id String,
    as_of DateTime64(6, 'UTC'),
    role LowCardinality(String),
    estimator LowCardinality(String),
    effect Nullable(Float64),
    std_error Nullable(Float64),
    effect_low Nullable(Float64),
    effect_high Nullable(Float64),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, as_of, role, estimator);

CREATE TABLE IF NOT EXISTS ml.investment_diagnostic
(
    investment_id String,
    as_of DateTime64(6, 'UTC'),
    diagnostic LowCardinality(String),
    position UInt32,
    verdict LowCardinality(String),
    words String,
    statistic Nullable(Float64),
    p_value Nullable(Float64),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, as_of, diagnostic);

CREATE TABLE IF NOT EXISTS ml.investment_event_study
(
    investment_id String,
    as_of DateTime64(6, 'UTC'),
    months_since_start Int32,
    effect Float64,
    effect_low Float64,
    effect_high Float64,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, as_of, months_since_start);

CREATE TABLE IF NOT EXISTS ml.explanation
(
    subject_kind LowCardinality(String),
    subject_id String,
    measure LowCardinality(String),
    as_of DateTime64(6, 'UTC'),
    subject String,
    number Float64,
    unit LowCardinality(String),
    number_sql String,
    label Array(String),
    value Array(Float64),
    note Array(String),
    sql Array(String),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (subject_kind, subject_id, measure, as_of);
