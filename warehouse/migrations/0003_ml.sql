-- What models write, and the versioned weights of the engagement score.

CREATE DATABASE IF NOT EXISTS ml;

CREATE TABLE IF NOT EXISTS ml.engagement_weight
(
    weights_version LowCardinality(String),
    component LowCardinality(String),
    label String,
    weight Float64 COMMENT 'points that the component tends to, never reaching them',
    half_life_days Float64 COMMENT 'days after which an activity counts half',
    saturation Float64 COMMENT 'mass at which 63 % of the points are earned'
)
ENGINE = ReplacingMergeTree
ORDER BY (weights_version, component);

INSERT INTO ml.engagement_weight (weights_version, component, label, weight, half_life_days, saturation)
VALUES
    ('v1', 'email_inbound', 'They wrote to us', 30, 14, 3),
    ('v1', 'call', 'We spoke on the phone', 26, 21, 3),
    ('v1', 'meeting', 'We met', 22, 21, 2),
    ('v1', 'breadth', 'Several people take part', 16, 30, 3),
    ('v1', 'email_outbound', 'We wrote to them', 6, 14, 5);

CREATE TABLE IF NOT EXISTS ml.engagement_score
(
    account_id String,
    as_of DateTime64(6, 'UTC'),
    weights_version LowCardinality(String),
    score Float64,
    component Array(LowCardinality(String)),
    points Array(Float64),
    activity_count UInt64,
    last_activity_at Nullable(DateTime64(6, 'UTC')),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (weights_version, as_of, account_id);

CREATE TABLE IF NOT EXISTS ml.investment_judgement
(
    investment_id String,
    as_of DateTime64(6, 'UTC'),
    outcome LowCardinality(String),
    unit_kind LowCardinality(String),
    estimator LowCardinality(String),
    verdict LowCardinality(String),
    reason String,
    effect Nullable(Float64),
    std_error Nullable(Float64),
    effect_low Nullable(Float64),
    effect_high Nullable(Float64),
    pretrend_p_value Nullable(Float64),
    min_detectable_effect Nullable(Float64),
    treated_units UInt32,
    control_units UInt32,
    treated_unit_months UInt32,
    gross_margin_rate Float64,
    cost_minor Int64,
    currency LowCardinality(String),
    incremental_margin Nullable(Float64),
    incremental_margin_low Nullable(Float64),
    incremental_margin_high Nullable(Float64),
    roi Nullable(Float64),
    roi_low Nullable(Float64),
    roi_high Nullable(Float64),
    panel_hash String,
    code_version String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, as_of);
