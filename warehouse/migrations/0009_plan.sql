-- Proposals, what each kind of investment brings, forecasts, allocations and the next experiment.

CREATE TABLE IF NOT EXISTS raw.proposal
(
    proposal_id String,
    kind LowCardinality(String),
    name String,
    amount_minor Int64,
    currency LowCardinality(String),
    units Float64,
    starts_on Date32,
    starts_by Nullable(Date32),
    floor_units Float64,
    cap_units Nullable(Float64),
    minimum_units Float64,
    is_whole Bool,
    one_of String,
    requires String,
    ramp_months Nullable(Float64),
    attrition_rate Nullable(Float64),
    backfill_months Nullable(UInt32),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (proposal_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS ml.response_curve
(
    as_of DateTime64(6, 'UTC'),
    kind LowCardinality(String),
    spend_minor Int64,
    margin Float64 COMMENT 'of twelve months, in minor units',
    margin_low Float64,
    margin_high Float64,
    marginal_return Float64 COMMENT 'margin of one more unit of money',
    pays_off_probability Float64,
    is_extrapolated Bool,
    judgements UInt32,
    currency LowCardinality(String),
    code_version String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, kind, spend_minor);

CREATE TABLE IF NOT EXISTS ml.response_point
(
    as_of DateTime64(6, 'UTC'),
    investment_id String,
    kind LowCardinality(String),
    spend_minor Nullable(Int64),
    margin Nullable(Float64),
    std_error Nullable(Float64),
    left_out String COMMENT 'why nothing was learnt from it; empty where something was',
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, investment_id);

CREATE TABLE IF NOT EXISTS ml.investment_forecast
(
    as_of DateTime64(6, 'UTC'),
    proposal_id String,
    origin LowCardinality(String) COMMENT 'proposal, or kind where nobody proposed anything',
    kind LowCardinality(String),
    name String,
    spend_minor Int64,
    units Float64,
    starts_on Date32,
    months UInt32,
    margin Nullable(Float64),
    margin_low Nullable(Float64),
    margin_high Nullable(Float64),
    roi Nullable(Float64),
    roi_low Nullable(Float64),
    roi_high Nullable(Float64),
    npv Nullable(Float64),
    npv_low Nullable(Float64),
    npv_high Nullable(Float64),
    payback_month Nullable(UInt32),
    pays_off_probability Nullable(Float64),
    verdict LowCardinality(String),
    reason String,
    is_extrapolated Bool,
    judgements UInt32,
    assumed String COMMENT 'how its return is assumed to arrive',
    discount_rate Float64,
    currency LowCardinality(String),
    code_version String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, proposal_id);

CREATE TABLE IF NOT EXISTS ml.allocation
(
    as_of DateTime64(6, 'UTC'),
    budget_minor Int64,
    appetite LowCardinality(String),
    option_id String,
    proposal_id String,
    kind LowCardinality(String),
    name String,
    starts_on Date32,
    spend_minor Int64,
    units Float64,
    margin Float64,
    margin_low Float64,
    margin_high Float64,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, budget_minor, appetite, option_id);

CREATE TABLE IF NOT EXISTS ml.allocation_total
(
    as_of DateTime64(6, 'UTC'),
    budget_minor Int64,
    appetite LowCardinality(String),
    risk Float64,
    is_asked Bool COMMENT 'whether it is the budget that was asked about',
    origin LowCardinality(String),
    spend_minor Int64,
    net Float64 COMMENT 'expected margin less spend',
    net_low Float64,
    net_high Float64,
    tail_loss Float64 COMMENT 'mean loss of the worst tenth; below 0 where even those gain',
    loss_probability Float64,
    equal_split_net Float64,
    pro_rata_net Nullable(Float64),
    rule Array(String),
    price Array(Float64),
    broken Array(String),
    is_proven Bool,
    currency LowCardinality(String),
    code_version String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, budget_minor, appetite);

CREATE TABLE IF NOT EXISTS ml.experiment
(
    as_of DateTime64(6, 'UTC'),
    kind LowCardinality(String),
    verdict LowCardinality(String) COMMENT 'measurable, not_measurable or cannot_tell',
    reason String,
    value Nullable(Float64) COMMENT 'what better allocation it leads to, before its cost',
    needed_effect Nullable(Float64) COMMENT 'per unit and month: it would change the decision',
    detectable_effect Nullable(Float64),
    units UInt32,
    months UInt32,
    units_needed Nullable(UInt32),
    spend_minor Int64,
    starts_on Date32,
    currency LowCardinality(String),
    code_version String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, kind);

CREATE TABLE IF NOT EXISTS ml.rollout
(
    as_of DateTime64(6, 'UTC'),
    kind LowCardinality(String),
    unit_id String,
    team_id String,
    wave UInt32,
    starts_on Date32,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (as_of, kind, unit_id);

ALTER TABLE ml.experiment ADD COLUMN IF NOT EXISTS worth Nullable(Float64)
    COMMENT 'value and what the test itself is expected to bring, less its cost';
