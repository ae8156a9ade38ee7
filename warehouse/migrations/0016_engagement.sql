-- The engagement score without reading a year of activities each time: what each activity counts is
-- kept by account, and only what was heard or matched since is worked out anew.

-- What each activity counts for its account. A row whose activity moved to another account, or no
-- longer counts, is deleted by a newer one. `warehouse.engagement` builds it from raw.
CREATE TABLE IF NOT EXISTS live.engagement_fact
(
    account_id LowCardinality(String),
    activity_id UUID,
    event_time DateTime64(6, 'UTC'),
    knowable_at DateTime64(6, 'UTC'),
    component LowCardinality(String),
    initial_mass Float64,
    took_part Array(LowCardinality(String)),
    is_deleted UInt8,
    built_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(built_at, is_deleted)
ORDER BY (account_id, activity_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Each building: the facts hold what raw held of rows ingested up to `built_until`. The newest one
-- that began is valid; one until 1970 says that the facts must not be relied on.
CREATE TABLE IF NOT EXISTS live.engagement_build
(
    built_at DateTime64(6, 'UTC'),
    built_until DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (built_at, built_until)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The activities of which something was heard or decided since: their facts are not relied on.
CREATE OR REPLACE VIEW live.engagement_unbuilt AS
WITH (SELECT argMax(built_until, built_at) FROM live.engagement_build) AS until
SELECT activity_id FROM raw.activity WHERE ingested_at > until
UNION ALL
SELECT activity_id FROM raw.match WHERE ingested_at > until;

-- The facts of those activities, of a range of ids: one row for each account that was ever decided
-- on. To write to somebody, or to copy them, does not make them a participant: they must have
-- written, spoken for a minute, or met.
CREATE OR REPLACE VIEW live.engagement_recount AS
WITH (SELECT argMax(built_until, built_at) FROM live.engagement_build) AS until
SELECT
    account_id,
    activity.activity_id AS activity_id,
    activity.event_time AS event_time,
    activity.knowable_at AS knowable_at,
    activity.component AS component,
    activity.initial_mass AS initial_mass,
    activity.took_part AS took_part,
    NOT (activity.is_counted AND account_id = decided.current_id) AS is_deleted
FROM
(
    SELECT
        activity_id,
        event_time,
        knowable_at,
        multiIf(
            channel = 'call', 'call',
            channel = 'meeting', 'meeting',
            direction = 'inbound', 'email_inbound',
            'email_outbound') AS component,
        multiIf(
            channel = 'call', least(duration_seconds / 600, 3),
            channel = 'meeting', least(duration_seconds / 1800, 2),
            1.) AS initial_mass,
        arrayFilter(
            (who, role, is_ours) -> NOT is_ours
                AND (role = 'from'
                    OR (channel = 'call' AND duration_seconds >= 60)
                    OR (channel = 'meeting' AND duration_seconds > 0)),
            participant_address, participant_role, participant_is_ours) AS took_part,
        time_quality != 'heard' AND NOT is_automatic AND direction IN ('inbound', 'outbound')
            AS is_counted
    FROM raw.activity FINAL
    PREWHERE activity_id > {after:UUID} AND activity_id <= {last:UUID}
        AND (until = toDateTime64(0, 6, 'UTC') OR activity_id IN live.engagement_unbuilt)
) AS activity
INNER JOIN
(
    SELECT
        activity_id,
        argMin(account_id, (decided_by = 'rule', -toUnixTimestamp64Micro(matched_at), decided_by))
            AS current_id,
        groupUniqArray(account_id) AS account_ids
    FROM raw.match FINAL
    PREWHERE activity_id > {after:UUID} AND activity_id <= {last:UUID}
        AND (until = toDateTime64(0, 6, 'UTC') OR activity_id IN live.engagement_unbuilt)
    GROUP BY activity_id
) AS decided ON decided.activity_id = activity.activity_id
ARRAY JOIN decided.account_ids AS account_id
WHERE account_id != '';

-- What counts that was knowable at a moment: of the year before it, and of the year before an earlier
-- moment too.
CREATE OR REPLACE VIEW live.engagement_known AS
WITH (SELECT argMax(built_until, built_at) FROM live.engagement_build) AS until
SELECT account_id, activity_id, event_time, knowable_at, component, initial_mass, took_part
FROM live.engagement_fact FINAL
WHERE until != toDateTime64(0, 6, 'UTC')
    AND activity_id NOT IN live.engagement_unbuilt
    AND knowable_at <= {as_of:DateTime64(6, 'UTC')}
    AND event_time <= {as_of:DateTime64(6, 'UTC')}
    AND event_time > {before:DateTime64(6, 'UTC')} - INTERVAL 365 DAY
UNION ALL
SELECT account_id, activity_id, event_time, knowable_at, component, initial_mass, took_part
FROM live.engagement_recount(
    after = '00000000-0000-0000-0000-000000000000',
    last = 'ffffffff-ffff-ffff-ffff-ffffffffffff')
WHERE NOT is_deleted
    AND knowable_at <= {as_of:DateTime64(6, 'UTC')}
    AND event_time <= {as_of:DateTime64(6, 'UTC')}
    AND event_time > {before:DateTime64(6, 'UTC')} - INTERVAL 365 DAY;

-- What each activity of the past year adds to its account's score at a moment, before saturation:
-- one row per account, component and activity; for breadth, one per person who took part.
CREATE OR REPLACE VIEW live.engagement_evidence AS
WITH
    {as_of:DateTime64(6, 'UTC')} AS moment,
    part AS
    (
        SELECT
            account_id,
            activity_id,
            event_time,
            component,
            initial_mass,
            arrayJoin(arrayConcat([NULL], took_part)) AS person
        FROM live.engagement_known(
            as_of = {as_of:DateTime64(6, 'UTC')}, before = {as_of:DateTime64(6, 'UTC')})
    ),
    evidence AS
    (
        SELECT
            account_id,
            if(person IS NULL, part.component, 'breadth') AS component,
            argMax(part.activity_id, part.event_time) AS activity_id,
            ifNull(person, '') AS who,
            max(part.event_time) AS event_time,
            any(if(person IS NULL, part.initial_mass, 1.)) AS initial_mass
        FROM part
        GROUP BY
            account_id,
            if(person IS NULL, part.component, 'breadth'),
            person,
            if(person IS NULL, part.activity_id, NULL)
    )
SELECT
    account_id,
    component,
    activity_id,
    who AS person,
    event_time,
    initial_mass,
    initial_mass * exp2(-dateDiff('microsecond', event_time, moment) / (half_life_days * 86400e6))
        AS mass
FROM evidence
INNER JOIN
(
    SELECT component, half_life_days FROM ml.engagement_weight FINAL
    WHERE weights_version = {weights_version:String}
) AS weights USING (component);

-- The engagement score of every account at a moment and at an earlier one (or the same), 0 to 100;
-- its points at the moment sum to it. The same masses as in the evidence, summed as they are read.
CREATE OR REPLACE VIEW live.engagement_change AS
WITH
    {as_of:DateTime64(6, 'UTC')} AS moment,
    {before:DateTime64(6, 'UTC')} AS earlier,
    (
        SELECT (groupArray(component), groupArray(half_life_days))
        FROM (SELECT * FROM ml.engagement_weight FINAL ORDER BY component)
        WHERE weights_version = {weights_version:String}
    ) AS half_lives,
    known AS
    (
        SELECT
            account_id,
            component,
            event_time,
            event_time > moment - INTERVAL 365 DAY AS is_now,
            event_time <= earlier AND knowable_at <= earlier AS is_earlier,
            initial_mass * exp2(-dateDiff('microsecond', event_time, moment)
                / (transform(component, half_lives.1, half_lives.2, 1.) * 86400e6)) AS mass,
            arrayJoin(arrayConcat([NULL], took_part)) AS person
        FROM live.engagement_known(
            as_of = {as_of:DateTime64(6, 'UTC')}, before = {before:DateTime64(6, 'UTC')})
    ),
    part AS
    (
        SELECT
            account_id,
            if(person IS NULL, component, 'breadth') AS component,
            person,
            sumIf(mass, is_now) AS mass_now,
            sumIf(mass, is_earlier) AS mass_earlier,
            countIf(is_now AND person IS NULL) AS activities,
            maxIf(known.event_time, is_now) AS latest_at,
            maxIf(known.event_time, is_earlier) AS latest_earlier_at,
            countIf(is_now) > 0 AS holds_now,
            countIf(is_earlier) > 0 AS holds_earlier
        FROM known
        GROUP BY account_id, if(person IS NULL, known.component, 'breadth'), person
    ),
    by_component AS
    (
        SELECT
            account_id,
            component,
            86400e6 * half_life_days AS half_life,
            weight * (1 - exp(-sum(multiIf(
                component != 'breadth', mass_now,
                holds_now, exp2(-dateDiff('microsecond', latest_at, moment) / half_life),
                0.)) / saturation)) AS component_points,
            weight * (1 - exp(-sum(multiIf(
                component != 'breadth',
                mass_earlier * exp2(dateDiff('microsecond', earlier, moment) / half_life),
                holds_earlier,
                exp2(-dateDiff('microsecond', latest_earlier_at, earlier) / half_life),
                0.)) / saturation)) AS earlier_points,
            sum(part.activities) AS activities,
            max(latest_at) AS newest_at,
            max(holds_now) AS is_held
        FROM part
        INNER JOIN
        (
            SELECT component, weight, half_life_days, saturation
            FROM ml.engagement_weight FINAL
            WHERE weights_version = {weights_version:String}
        ) AS weights USING (component)
        GROUP BY account_id, component, weight, half_life_days, saturation
    ),
    by_account AS
    (
        SELECT
            account_id,
            arraySort(
                pair -> (-pair.1, pair.2),
                groupArrayIf((component_points, component), is_held)) AS reasons,
            sum(earlier_points) AS earlier_score,
            sum(activities) AS activity_count,
            max(newest_at) AS last_activity_at
        FROM by_component
        GROUP BY account_id
    )
SELECT
    account.account_id AS account_id,
    account.name AS name,
    arraySum(points) AS score,
    scored.earlier_score AS earlier_score,
    tupleElement(scored.reasons, 2) AS component,
    tupleElement(scored.reasons, 1) AS points,
    scored.activity_count AS activity_count,
    if(scored.activity_count = 0, NULL, scored.last_activity_at) AS last_activity_at
FROM live.account AS account
LEFT JOIN by_account AS scored ON scored.account_id = account.account_id;

-- The engagement score of every account at a moment, 0 to 100; its points sum to it.
CREATE OR REPLACE VIEW live.engagement AS
SELECT
    account_id,
    {as_of:DateTime64(6, 'UTC')} AS as_of,
    {weights_version:String} AS weights_version,
    score,
    component,
    points,
    activity_count,
    last_activity_at
FROM live.engagement_change(
    as_of = {as_of:DateTime64(6, 'UTC')},
    before = {as_of:DateTime64(6, 'UTC')},
    weights_version = {weights_version:String});
