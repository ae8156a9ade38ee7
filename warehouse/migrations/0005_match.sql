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

-- Each address of each contact in the one form in which it is compared: without a plus tag; of a
-- number, its last nine digits.
CREATE OR REPLACE VIEW live.contact_address AS
SELECT
    contact_id,
    account_id,
    name,
    arrayJoin(arrayConcat(
        arrayMap(mail -> replaceRegexpOne(lower(trim(mail)), '\\+[^@]+@', '@'), emails),
        arrayMap(phone -> right(replaceRegexpAll(phone, '[^0-9]', ''), 9), phones))) AS address_key
FROM live.contact;

-- Who took part in what of the past days, outside: a row per activity and address. Only activities
-- with an account that buys; none that a machine sent. `took_part`: they wrote, spoke for a minute,
-- or met. `contact_id` is empty where the CRM has nobody with the address.
CREATE OR REPLACE VIEW live.participation AS
SELECT
    heard.activity_id AS activity_id,
    heard.event_time AS event_time,
    heard.ours AS ours,
    matched.account_id AS account_id,
    account.name AS account_name,
    heard.person.1 AS address,
    heard.person.2 AS name,
    heard.person.3 AS took_part,
    heard.address_key AS address_key,
    known.contact_id AS contact_id,
    match(
        heard.address_key,
        '^(info|sales|support|contact|hello|office|admin|billing|accounts?|invoices?|service|help|team|marketing|jobs|hr|(do[-_.]?not|no)[-_.]?reply|notifications?|postmaster|mailer-daemon)([-_.+].*)?@')
        AS is_role
FROM
(
    SELECT
        activity_id,
        event_time,
        arrayFilter((who, is_ours) -> is_ours, participant_address, participant_is_ours) AS ours,
        arrayJoin(arrayFilter(
            person -> NOT person.4,
            arrayMap(
                (who, called, role, is_ours) -> (
                    who,
                    called,
                    role = 'from'
                        OR (channel = 'call' AND duration_seconds >= 60)
                        OR (channel = 'meeting' AND duration_seconds > 0),
                    is_ours),
                participant_address, participant_name, participant_role, participant_is_ours)))
            AS person,
        if(position(person.1, '@') > 0,
            replaceRegexpOne(person.1, '\\+[^@]+@', '@'),
            right(replaceRegexpAll(person.1, '[^0-9]', ''), 9)) AS address_key
    FROM raw.activity FINAL
    WHERE event_time <= {as_of:DateTime64(6, 'UTC')}
        AND event_time > {as_of:DateTime64(6, 'UTC')} - toIntervalDay({days:UInt16})
        AND NOT is_automatic
        AND direction IN ('inbound', 'outbound')
) AS heard
INNER JOIN live.match AS matched ON matched.activity_id = heard.activity_id
INNER JOIN live.account AS account ON account.account_id = matched.account_id
LEFT JOIN
(
    SELECT address_key, any(contact_id) AS contact_id FROM live.contact_address
    WHERE address_key != ''
    GROUP BY address_key
) AS known ON known.address_key = heard.address_key
WHERE lower(account.account_type) != 'partner';

-- The capture gap of each account: its active buyers (people who took part, role addresses aside)
-- and its activities, and how many of them the CRM lacks: it holds no contact with the buyer's
-- address; with none of the activity's outside addresses.
CREATE OR REPLACE VIEW live.capture_gap_account AS
SELECT
    account_id,
    any(account_name) AS name,
    uniqExactIf(if(contact_id = '', address_key, contact_id), took_part AND NOT is_role)
        AS active_buyers,
    uniqExactIf(address_key, took_part AND NOT is_role AND contact_id = '') AS unknown_buyers,
    uniqExact(activity_id) AS activities,
    activities - uniqExactIf(activity_id, contact_id != '') AS unknown_activities,
    max(event_time) AS last_activity_at
FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16})
GROUP BY account_id;

-- The same by the team of ours who take part, as the teams were then; an activity of two teams
-- counts in both, one of nobody's team under an empty id.
CREATE OR REPLACE VIEW live.capture_gap_team AS
WITH
    membership AS
    (
        SELECT
            lower(rep.email) AS mailbox,
            groupArray((team.parent_id, team.effective_from, team.effective_to)) AS teams
        FROM
        (
            SELECT * FROM raw.rep FINAL ORDER BY rep_id, knowable_at DESC LIMIT 1 BY rep_id
        ) AS rep
        INNER JOIN
        (
            SELECT * FROM raw.assignment FINAL
            WHERE parent_kind = 'team'
            ORDER BY child_id, parent_id, effective_from, knowable_at DESC
            LIMIT 1 BY child_id, parent_id, effective_from
        ) AS team ON team.child_id = rep.rep_id
        WHERE rep.email != '' AND NOT team.is_deleted
        GROUP BY mailbox
    ),
    counted AS
    (
        SELECT
            part.activity_id AS activity_id,
            part.address_key AS address_key,
            part.contact_id AS contact_id,
            part.took_part AND NOT part.is_role AS is_buyer,
            arrayFirst(
                team -> team.2 <= toDate32(part.event_time)
                    AND (team.3 IS NULL OR team.3 > toDate32(part.event_time)),
                membership.teams).1 AS team_id
        FROM
        (
            SELECT *, arrayJoin(ours) AS mailbox
            FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16})
        ) AS part
        LEFT JOIN membership ON membership.mailbox = part.mailbox
    )
SELECT
    counted.team_id AS team_id,
    any(unit.name) AS name,
    uniqExactIf(if(contact_id = '', address_key, contact_id), is_buyer) AS active_buyers,
    uniqExactIf(address_key, is_buyer AND contact_id = '') AS unknown_buyers,
    uniqExact(activity_id) AS activities,
    activities - uniqExactIf(activity_id, contact_id != '') AS unknown_activities
FROM counted
LEFT JOIN
(
    SELECT unit_id, name FROM raw.org_unit FINAL
    ORDER BY unit_id, knowable_at DESC
    LIMIT 1 BY unit_id
) AS unit ON unit.unit_id = counted.team_id
GROUP BY counted.team_id;

-- People whom the CRM lacks, proposed with their evidence: they took part, and write from a domain
-- of the account. Role addresses and free mail are left out, and who has the name of a contact of
-- the account, or was accepted or dismissed. A person is one line: by name where it has two words,
-- else by address without its plus tag.
CREATE OR REPLACE VIEW live.contact_proposal AS
SELECT
    part.account_id AS account_id,
    any(part.account_name) AS account_name,
    argMax(address_key, event_time) AS address,
    groupUniqArray(address_key) AS addresses,
    argMax(part.name, (part.name != '', event_time)) AS name,
    uniqExact(activity_id) AS activities,
    uniqExactIf(activity_id, took_part) AS own_activities,
    groupUniqArrayArray(ours) AS with_whom,
    min(event_time) AS first_at,
    max(event_time) AS last_at
FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS part
INNER JOIN
(
    SELECT
        account_id,
        arrayMap(
            site -> replaceRegexpOne(lower(trim(site)), '^(https?://)?(www\\.)?([^/:]+).*$', '\\3'),
            domains) AS sites
    FROM live.account
) AS theirs ON theirs.account_id = part.account_id
LEFT JOIN
(
    SELECT account_id, groupUniqArray(lower(name)) AS names FROM live.contact
    GROUP BY account_id
) AS known ON known.account_id = part.account_id
WHERE contact_id = ''
    AND NOT is_role
    AND arrayExists(
        site -> endsWith(address_key, '@' || site) OR endsWith(address_key, '.' || site),
        arrayFilter(
            site -> site != '' AND NOT match(
                site,
                '^(gmail|googlemail|outlook|hotmail|live|yahoo|icloud|me|aol|gmx|web|proton(mail)?|mail|zoho|yandex|qq|163|t-online|orange|free|laposte)\\.'),
            theirs.sites))
    AND NOT has(known.names, lower(part.name))
    AND address_key NOT IN
    (
        SELECT subject_id FROM raw.command FINAL
        WHERE kind IN ('accept_contact', 'dismiss_contact') AND outcome = 'done'
    )
GROUP BY
    part.account_id,
    if(position(trim(part.name), ' ') > 0, lower(trim(part.name)), address_key)
HAVING own_activities > 0;
