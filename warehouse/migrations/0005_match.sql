-- Matching in depth: deals, evidence and margins; whom the CRM does not know; the capture gap.

ALTER TABLE raw.match
    ADD COLUMN IF NOT EXISTS rules LowCardinality(String) AFTER crm_version,
    ADD COLUMN IF NOT EXISTS margin Float64 AFTER rules,
    ADD COLUMN IF NOT EXISTS candidate_points Array(Float64) AFTER margin,
    ADD COLUMN IF NOT EXISTS candidate_evidence Array(String) AFTER candidate_points,
    ADD COLUMN IF NOT EXISTS opportunity_id String AFTER candidate_evidence,
    ADD COLUMN IF NOT EXISTS opportunity_reason String AFTER opportunity_id,
    ADD COLUMN IF NOT EXISTS opportunity_margin Float64 AFTER opportunity_reason,
    ADD COLUMN IF NOT EXISTS candidate_opportunity_id Array(String) AFTER opportunity_margin,
    ADD COLUMN IF NOT EXISTS candidate_opportunity_points Array(Float64)
        AFTER candidate_opportunity_id,
    ADD COLUMN IF NOT EXISTS candidate_opportunity_evidence Array(String)
        AFTER candidate_opportunity_points;

-- A reply asks for its thread; the filter spares it the granules that do not hold it.
ALTER TABLE raw.activity
    ADD INDEX IF NOT EXISTS by_thread thread_id TYPE bloom_filter(0.01) GRANULARITY 1;

CREATE TABLE IF NOT EXISTS raw.contact_role
(
    opportunity_id String,
    contact_id String,
    role LowCardinality(String),
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (opportunity_id, contact_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The newest version of each deal. The columns are named, for later migrations add some.
CREATE OR REPLACE VIEW live.opportunity AS
SELECT
    opportunity_id, account_id, owner_rep_id, name, pipeline, deal_type, stage, forecast_category,
    amount_minor, currency, created_on, close_on, is_closed, is_won, is_deleted, source,
    knowable_at, ingested_at
FROM
(
    SELECT * FROM raw.opportunity FINAL
    ORDER BY opportunity_id, knowable_at DESC
    LIMIT 1 BY opportunity_id
)
WHERE NOT is_deleted;

-- The current match of each activity: a person's choice wins, then the newest decision.
CREATE OR REPLACE VIEW live.match AS
SELECT * FROM raw.match FINAL
ORDER BY activity_id, decided_by != 'rule' DESC, matched_at DESC, decided_by
LIMIT 1 BY activity_id;

-- Activities with whom they belong to, for the live page.
CREATE OR REPLACE VIEW live.activity AS
SELECT
    activity.activity_id AS activity_id,
    activity.channel AS channel,
    activity.direction AS direction,
    activity.event_time AS event_time,
    activity.received_at AS received_at,
    activity.ingested_at AS ingested_at,
    activity.subject AS subject,
    activity.duration_seconds AS duration_seconds,
    activity.is_automatic AS is_automatic,
    activity.participant_address AS participant_address,
    activity.participant_is_ours AS participant_is_ours,
    matched.account_id AS account_id,
    matched.contact_id AS contact_id,
    matched.rule AS match_rule,
    matched.reason AS match_reason,
    account.name AS account_name,
    matched.margin AS match_margin,
    matched.opportunity_id AS opportunity_id,
    matched.opportunity_reason AS opportunity_reason,
    matched.opportunity_margin AS opportunity_margin,
    opportunity.name AS opportunity_name
FROM raw.activity AS activity FINAL
LEFT JOIN live.match AS matched ON matched.activity_id = activity.activity_id
LEFT JOIN live.account AS account ON account.account_id = matched.account_id
LEFT JOIN live.opportunity AS opportunity
    ON opportunity.opportunity_id = matched.opportunity_id;
