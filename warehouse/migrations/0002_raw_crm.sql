-- The CRM as it was told to us: every version of a record is kept, keyed by when it could have been
-- known. The current record is a view.

CREATE TABLE IF NOT EXISTS raw.account
(
    account_id String,
    name String,
    domains Array(String),
    account_type LowCardinality(String),
    industry LowCardinality(String),
    employees UInt32,
    country LowCardinality(String),
    territory_id LowCardinality(String),
    owner_rep_id String,
    parent_account_id String,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (account_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.contact
(
    contact_id String,
    account_id String,
    name String,
    emails Array(String),
    phones Array(String),
    title String,
    seniority LowCardinality(String),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (contact_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.opportunity
(
    opportunity_id String,
    account_id String,
    owner_rep_id String,
    name String,
    pipeline LowCardinality(String),
    deal_type LowCardinality(String),
    stage LowCardinality(String),
    forecast_category LowCardinality(String),
    amount_minor Int64,
    currency LowCardinality(String),
    created_on Date32,
    close_on Nullable(Date32),
    is_closed Bool,
    is_won Bool,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (opportunity_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.stage_change
(
    opportunity_id String,
    changed_at DateTime64(6, 'UTC'),
    from_stage LowCardinality(String),
    to_stage LowCardinality(String),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (opportunity_id, changed_at, to_stage, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.rep
(
    rep_id String,
    name String,
    email String,
    title String,
    hired_on Nullable(Date32),
    left_on Nullable(Date32),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (rep_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.org_unit
(
    unit_id String,
    unit_kind LowCardinality(String),
    name String,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (unit_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.assignment
(
    child_id String,
    parent_kind LowCardinality(String),
    parent_id String,
    effective_from Date32,
    effective_to Nullable(Date32),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (child_id, parent_kind, parent_id, effective_from, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.quota
(
    owner_id String,
    period_starts_on Date32,
    period_ends_on Date32,
    amount_minor Int64,
    currency LowCardinality(String),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (owner_id, period_starts_on, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.currency_rate
(
    currency LowCardinality(String),
    base LowCardinality(String),
    rate_on Date32,
    rate Decimal(18, 8),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (currency, base, rate_on, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.investment
(
    investment_id String,
    kind LowCardinality(String),
    name String,
    question String,
    registered_on Nullable(Date32),
    outcome LowCardinality(String),
    gross_margin_rate Float64,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.investment_cost
(
    investment_id String,
    month_on Date32,
    cost_kind LowCardinality(String),
    amount_minor Int64,
    currency LowCardinality(String),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, month_on, cost_kind, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw.exposure
(
    investment_id String,
    unit_kind LowCardinality(String),
    unit_id String,
    starts_on Date32,
    stops_on Nullable(Date32),
    dose Float64,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (investment_id, unit_kind, unit_id, starts_on, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
