-- What is understood of a mail beside who, when and what, each with its evidence; what signatures
-- tell; threads that subject and participants unite; how long an answer took.

ALTER TABLE raw.activity
    ADD COLUMN IF NOT EXISTS mail_kind LowCardinality(String),
    ADD COLUMN IF NOT EXISTS kind_evidence String,
    ADD COLUMN IF NOT EXISTS bounced_address Array(String),
    ADD COLUMN IF NOT EXISTS absent_until_on Nullable(Date32),
    ADD COLUMN IF NOT EXISTS language LowCardinality(String),
    ADD COLUMN IF NOT EXISTS language_probability Float64,
    ADD COLUMN IF NOT EXISTS is_request Bool,
    ADD COLUMN IF NOT EXISTS request_probability Nullable(Float64),
    ADD COLUMN IF NOT EXISTS request_sentence String,
    ADD COLUMN IF NOT EXISTS request_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS reply_to_id String,
    ADD COLUMN IF NOT EXISTS thread_evidence LowCardinality(String),
    ADD COLUMN IF NOT EXISTS thread_subject String,
    ADD COLUMN IF NOT EXISTS is_subject_reply Bool,
    ADD COLUMN IF NOT EXISTS utc_offset_minutes Int32;

CREATE TABLE IF NOT EXISTS raw.signature
(
    address String,
    activity_id UUID,
    event_time DateTime64(6, 'UTC'),
    name String,
    title String,
    company String,
    phone Array(String),
    evidence String,
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (address, activity_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The newest that a person's signatures tell; a field that the newest leaves out keeps its last.
CREATE OR REPLACE VIEW live.signature AS
SELECT
    address,
    argMaxIf(name, event_time, name != '') AS name,
    argMaxIf(title, event_time, title != '') AS title,
    argMaxIf(company, event_time, company != '') AS company,
    argMaxIf(phone, event_time, notEmpty(phone)) AS phone,
    count() AS signatures,
    max(event_time) AS last_signed_at,
    argMax(activity_id, event_time) AS activity_id
FROM raw.signature FINAL
GROUP BY address;

-- The thread of each mail. References and In-Reply-To decide (`header`). A mail that names no other
-- but whose subject says that it answers joins what was last said under that subject with one of
-- the same people outside, in the 30 days before (`subject`); what neither tells stands alone.
CREATE OR REPLACE VIEW live.thread AS
WITH
    mail AS
    (
        SELECT
            activity_id,
            thread_id,
            thread_evidence,
            thread_subject,
            event_time,
            thread_evidence = 'none' AND is_subject_reply AND thread_subject != '' AS is_orphan,
            arrayDistinct(arrayFilter(
                (who, is_ours) -> NOT is_ours, participant_address, participant_is_ours)) AS outside
        FROM raw.activity FINAL
        WHERE channel = 'email'
    ),
    said AS
    (
        SELECT
            activity_id,
            thread_id,
            is_orphan,
            event_time,
            person,
            lagInFrame(toNullable(event_time)) OVER earlier AS previous_at
        FROM mail
        ARRAY JOIN outside AS person
        WHERE thread_subject != ''
        WINDOW earlier AS (
            PARTITION BY thread_subject, person ORDER BY event_time, activity_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    begun AS
    (
        SELECT
            said.activity_id AS activity_id,
            said.is_orphan AS is_orphan,
            mail.thread_subject AS thread_subject,
            said.person AS person,
            said.event_time AS event_time,
            NOT said.is_orphan OR previous_at IS NULL
                OR previous_at < said.event_time - INTERVAL 30 DAY AS begins,
            said.thread_id AS thread_id
        FROM said
        INNER JOIN mail ON mail.activity_id = said.activity_id
    ),
    joined AS
    (
        SELECT
            activity_id,
            is_orphan,
            anyLast(if(begins, thread_id, NULL)) OVER run AS root_id,
            anyLast(if(begins, event_time, NULL)) OVER run AS root_at
        FROM begun
        WINDOW run AS (
            PARTITION BY thread_subject, person ORDER BY event_time, activity_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    rooted AS
    (
        SELECT activity_id, argMin(root_id, (root_at, root_id)) AS root_id
        FROM joined
        WHERE is_orphan
        GROUP BY activity_id
    )
SELECT
    mail.activity_id AS activity_id,
    if(rooted.root_id != '', assumeNotNull(rooted.root_id), mail.thread_id) AS thread_id,
    multiIf(
        mail.thread_evidence IN ('references', 'in_reply_to'), 'header',
        rooted.root_id != '' AND rooted.root_id != mail.thread_id, 'subject',
        'alone') AS evidence,
    mail.event_time AS event_time
FROM mail
LEFT JOIN rooted ON rooted.activity_id = mail.activity_id;

-- How long an answer took: from the last mail of the other side in its thread, or the one that it
-- names, to the answer; in all, and within the hours from 9 to 18 of Monday to Friday on the clock
-- of the one who answered (the offset that the answer states). Public holidays are not known.
CREATE OR REPLACE VIEW live.reply_latency AS
WITH
    32400 AS opens,
    64800 AS closes,
    mail AS
    (
        SELECT
            activity.activity_id AS activity_id,
            activity.message_id AS message_id,
            activity.reply_to_id AS reply_to_id,
            activity.direction AS direction,
            activity.event_time AS event_time,
            activity.utc_offset_minutes AS utc_offset_minutes,
            activity.participant_address[indexOf(activity.participant_role, 'from')] AS author,
            thread.thread_id AS thread_id,
            toString(activity.direction) = 'inbound' ? 'outbound' : 'inbound' AS other_direction
        FROM raw.activity AS activity FINAL
        INNER JOIN live.thread AS thread ON thread.activity_id = activity.activity_id
        WHERE activity.channel = 'email'
            AND activity.time_quality != 'heard'
            AND NOT activity.is_automatic
            AND activity.direction IN ('inbound', 'outbound')
    ),
    named AS
    (
        SELECT
            answer.activity_id AS activity_id,
            argMax(asked.activity_id, asked.event_time) AS asked_id,
            max(asked.event_time) AS asked_at
        FROM mail AS answer
        INNER JOIN mail AS asked ON asked.message_id = answer.reply_to_id
        WHERE answer.reply_to_id != ''
            AND asked.direction != answer.direction
            AND asked.event_time <= answer.event_time
        GROUP BY answer.activity_id
    ),
    followed AS
    (
        SELECT
            answer.activity_id AS activity_id,
            answer.direction AS direction,
            answer.author AS author,
            answer.thread_id AS thread_id,
            answer.event_time AS answered_at,
            answer.utc_offset_minutes AS utc_offset_minutes,
            asked.activity_id AS asked_id,
            asked.event_time AS asked_at
        FROM mail AS answer
        ASOF LEFT JOIN mail AS asked
            ON asked.thread_id = answer.thread_id
            AND asked.direction = answer.other_direction
            AND asked.event_time < answer.event_time
    ),
    answered AS
    (
        SELECT
            followed.activity_id AS activity_id,
            followed.direction AS direction,
            followed.author AS author,
            followed.thread_id AS thread_id,
            followed.answered_at AS answered_at,
            followed.utc_offset_minutes AS utc_offset_minutes,
            named.asked_at > toDateTime64(0, 6, 'UTC') AS is_named,
            if(is_named, named.asked_id, followed.asked_id) AS asked_id,
            if(is_named, named.asked_at, followed.asked_at) AS asked_at,
            arrayMap(
                moment -> toUnixTimestamp64Second(moment) + followed.utc_offset_minutes * 60,
                [if(is_named, named.asked_at, followed.asked_at), followed.answered_at]) AS local,
            arrayMap(second -> intDiv(second, 86400) - 4, local) AS days,
            arrayMap(
                (second, day) -> intDiv(day, 7) * 5 * (closes - opens)
                    + if(modulo(day, 7) >= 5,
                        5 * (closes - opens),
                        modulo(day, 7) * (closes - opens)
                            + greatest(0, least(modulo(second, 86400), closes) - opens)),
                local, days) AS worked
        FROM followed
        LEFT JOIN named ON named.activity_id = followed.activity_id
    )
SELECT
    activity_id,
    asked_id,
    thread_id,
    direction,
    author,
    asked_at,
    answered_at,
    if(is_named, 'in_reply_to', 'thread') AS evidence,
    dateDiff('second', asked_at, answered_at) AS latency_seconds,
    worked[2] - worked[1] AS business_seconds
FROM answered
WHERE asked_at > toDateTime64(0, 6, 'UTC');
