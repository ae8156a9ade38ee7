-- What must be fresh within seconds: views over raw, so that nothing is counted twice or late.

CREATE DATABASE IF NOT EXISTS live;

CREATE OR REPLACE VIEW live.account AS
SELECT * FROM
(
    SELECT * FROM raw.account FINAL
    ORDER BY account_id, knowable_at DESC
    LIMIT 1 BY account_id
)
WHERE NOT is_deleted;

CREATE OR REPLACE VIEW live.contact AS
SELECT * FROM
(
    SELECT * FROM raw.contact FINAL
    ORDER BY contact_id, knowable_at DESC
    LIMIT 1 BY contact_id
)
WHERE NOT is_deleted;

-- The current match of each activity: a person's choice wins, then the newest decision.
CREATE OR REPLACE VIEW live.match AS
SELECT * FROM raw.match FINAL
ORDER BY activity_id, decided_by != 'rule' DESC, matched_at DESC, decided_by
LIMIT 1 BY activity_id;

-- What each activity of the past year adds to its account's score at a moment, before saturation:
-- one row per account, component and activity; for breadth, one per person who took part.
-- To write to somebody, or to copy them, does not make them a participant: they must have written,
-- spoken for a minute, or met.
CREATE OR REPLACE VIEW live.engagement_evidence AS
WITH
    {as_of:DateTime64(6, 'UTC')} AS moment,
    counted AS
    (
        SELECT
            activity_id,
            event_time,
            multiIf(
                channel = 'call', 'call',
                channel = 'meeting', 'meeting',
                direction = 'inbound', 'email_inbound',
                'email_outbound') AS own_component,
            multiIf(
                channel = 'call', least(duration_seconds / 600, 3),
                channel = 'meeting', least(duration_seconds / 1800, 2),
                1.) AS own_mass,
            arrayFilter(
                (who, role, is_ours) -> NOT is_ours
                    AND (role = 'from'
                        OR (channel = 'call' AND duration_seconds >= 60)
                        OR (channel = 'meeting' AND duration_seconds > 0)),
                participant_address, participant_role, participant_is_ours) AS took_part
        FROM raw.activity FINAL
        WHERE knowable_at <= moment
            AND event_time <= moment
            AND event_time > moment - INTERVAL 365 DAY
            AND time_quality != 'heard'
            AND NOT is_automatic
            AND direction IN ('inbound', 'outbound')
    ),
    part AS
    (
        SELECT
            matched.account_id AS account_id,
            counted.activity_id AS activity_id,
            counted.event_time AS event_time,
            arrayJoin(arrayConcat(
                [(own_component, '', own_mass)],
                arrayMap(who -> ('breadth', who, 1.), took_part))) AS added,
            added.1 AS component,
            added.2 AS person,
            added.3 AS initial_mass
        FROM counted
        INNER JOIN live.match AS matched ON matched.activity_id = counted.activity_id
        WHERE matched.account_id != ''
    ),
    evidence AS
    (
        SELECT
            account_id,
            component,
            argMax(part.activity_id, part.event_time) AS activity_id,
            person,
            max(part.event_time) AS event_time,
            any(part.initial_mass) AS initial_mass
        FROM part
        GROUP BY account_id, component, person, if(component = 'breadth', NULL, part.activity_id)
    )
SELECT
    account_id,
    component,
    activity_id,
    person,
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

-- The engagement score of every account at a moment, 0 to 100; its points sum to it.
CREATE OR REPLACE VIEW live.engagement AS
WITH
    by_component AS
    (
        SELECT
            account_id,
            component,
            weight * (1 - exp(-sum(mass) / saturation)) AS component_points,
            countIf(component != 'breadth') AS activities,
            max(event_time) AS latest_at
        FROM live.engagement_evidence(
            as_of = {as_of:DateTime64(6, 'UTC')},
            weights_version = {weights_version:String}) AS evidence
        INNER JOIN
        (
            SELECT component, weight, saturation FROM ml.engagement_weight FINAL
            WHERE weights_version = {weights_version:String}
        ) AS weights USING (component)
        GROUP BY account_id, component, weight, saturation
    ),
    by_account AS
    (
        SELECT
            account_id,
            arraySort(pair -> (-pair.1, pair.2), groupArray((component_points, component))) AS reasons,
            sum(activities) AS activity_count,
            max(latest_at) AS last_activity_at
        FROM by_component
        GROUP BY account_id
    )
SELECT
    account.account_id AS account_id,
    {as_of:DateTime64(6, 'UTC')} AS as_of,
    {weights_version:String} AS weights_version,
    arraySum(points) AS score,
    tupleElement(scored.reasons, 2) AS component,
    tupleElement(scored.reasons, 1) AS points,
    scored.activity_count AS activity_count,
    if(scored.activity_count = 0, NULL, scored.last_activity_at) AS last_activity_at
FROM live.account AS account
LEFT JOIN by_account AS scored ON scored.account_id = account.account_id;

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
    account.name AS account_name
FROM raw.activity AS activity FINAL
LEFT JOIN live.match AS matched ON matched.activity_id = activity.activity_id
LEFT JOIN live.account AS account ON account.account_id = matched.account_id;

CREATE OR REPLACE VIEW live.dead_letter AS
SELECT * FROM raw.dead_letter FINAL;

-- The account of each ingest run: seen = activities + records + repeated + excluded + dead_lettered.
-- An event is counted once in its run. It is dead-lettered until it has a sighting, however often it
-- was tried. An activity counts where its first copy was heard, every further copy is repeated; a CRM
-- record is a record where it was heard first, and repeated in later runs. The order is that of
-- hearing, which a replay does not change, not that of storing.
CREATE OR REPLACE VIEW live.ingest_run AS
WITH
    sighted AS
    (
        SELECT
            ingest_run,
            disposition,
            reason,
            received_at,
            row_number() OVER (
                PARTITION BY
                    disposition,
                    if(disposition = 'activity', toString(activity_id), source || '\n' || external_id)
                ORDER BY received_at, ingest_run, source, external_id) AS copy
        FROM raw.sighting FINAL
    ),
    dead AS
    (
        SELECT source, external_id, ingest_run, reason, failed_at
        FROM raw.dead_letter FINAL
        WHERE is_event
        ORDER BY failed_at DESC
        LIMIT 1 BY source, external_id, ingest_run
    ),
    counted AS
    (
        SELECT
            ingest_run,
            multiIf(disposition = 'excluded', 'excluded', copy > 1, 'repeated',
                disposition = 'record', 'records', 'activities') AS fate,
            reason,
            received_at
        FROM sighted
        UNION ALL
        SELECT ingest_run, 'dead_lettered', reason, failed_at
        FROM dead
        WHERE (source, external_id, ingest_run) NOT IN
        (
            SELECT source, external_id, ingest_run FROM raw.sighting
            WHERE (source, external_id, ingest_run) IN
                (SELECT source, external_id, ingest_run FROM dead)
        )
        UNION ALL
        SELECT ingest_run, 'dead_lettered', reason, failed_at
        FROM raw.dead_letter FINAL
        WHERE NOT is_event AND replayed_at IS NULL
    )
SELECT
    ingest_run,
    count() AS seen,
    countIf(fate = 'activities') AS activities,
    countIf(fate = 'records') AS records,
    countIf(fate = 'repeated') AS repeated,
    countIf(fate = 'excluded') AS excluded,
    countIf(fate = 'dead_lettered') AS dead_lettered,
    sumMapIf(map(fate || ': ' || reason, 1), reason != '') AS reasons,
    min(received_at) AS started_at
FROM counted
GROUP BY ingest_run;
