-- People who may buy, before the CRM has them as contacts: every version, as of other records.

CREATE TABLE IF NOT EXISTS raw.lead
(
    lead_id String,
    name String,
    company String,
    emails Array(String),
    phones Array(String),
    title String,
    domains Array(String),
    account_id String,
    owner_rep_id String,
    lead_source LowCardinality(String),
    campaign LowCardinality(String),
    status LowCardinality(String),
    created_at Nullable(DateTime64(6, 'UTC')),
    converted_at Nullable(DateTime64(6, 'UTC')),
    converted_contact_id String,
    converted_account_id String,
    converted_opportunity_id String,
    is_deleted Bool,
    source LowCardinality(String),
    knowable_at DateTime64(6, 'UTC'),
    ingested_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (lead_id, knowable_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE VIEW live.lead AS
SELECT * FROM
(
    SELECT * FROM raw.lead FINAL
    ORDER BY lead_id, knowable_at DESC
    LIMIT 1 BY lead_id
)
WHERE NOT is_deleted;

-- Each address of each lead in the form of `live.contact_address`.
CREATE OR REPLACE VIEW live.lead_address AS
SELECT
    lead_id,
    name,
    converted_contact_id,
    arrayJoin(arrayConcat(
        arrayMap(mail -> replaceRegexpOne(lower(trim(mail)), '\\+[^@]+@', '@'), emails),
        arrayMap(phone -> right(replaceRegexpAll(phone, '[^0-9]', ''), 9), phones))) AS address_key
FROM live.lead;

-- As in 0013, with leads: whose address is a converted lead's is its contact; any other lead tells
-- that the CRM knows the person (`lead_address`), under no contact. `lead_id` is of the address;
-- `is_known`: the CRM has the person, by any of their addresses.
CREATE OR REPLACE VIEW live.buyer AS
SELECT
    *,
    max(contact_id != '' OR lead_id != '') OVER (PARTITION BY account_id, person) AS is_known
FROM
(
    WITH
        signed AS
        (
            SELECT
                replaceRegexpOne(address, '\\+[^@]+@', '@') AS address_key,
                argMaxIf(name, event_time, name != '') AS name
            FROM raw.signature FINAL
            GROUP BY address_key
        ),
        numbered AS
        (
            SELECT
                right(replaceRegexpAll(number, '[^0-9]', ''), 9) AS address_key,
                any(address) AS signer,
                any(name) AS name
            FROM live.signature_phone
            GROUP BY address_key
            HAVING count() = 1
        ),
        told AS
        (
            SELECT
                account_id,
                address_key,
                any(contact_id) AS contact_id,
                argMax(name, (name != '', event_time)) AS stated
            FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16})
            GROUP BY account_id, address_key
        ),
        lead AS
        (
            SELECT address_key, lead_id, name, converted_contact_id AS contact_id
            FROM live.lead_address
            WHERE address_key != ''
            ORDER BY address_key, converted_contact_id = '', lead_id
            LIMIT 1 BY address_key
        ),
        named AS
        (
            SELECT
                told.account_id AS account_id,
                told.address_key AS address_key,
                if(told.contact_id != '', told.contact_id, converted.contact_id) AS contact_id,
                numbered.signer AS signer,
                multiIf(
                    trim(told.stated) != '', told.stated,
                    signed.name != '', signed.name,
                    numbered.name != '', numbered.name,
                    lead.name) AS name,
                lead.lead_id AS lead_id,
                lower(trim(replaceRegexpOne(
                    replaceRegexpOne(trim(name), '\\s*[(\\[].*$', ''),
                    '^([^,]+),\\s*([^,]+)$', '\\2 \\1'))) AS bare,
                if(position(bare, ' ') > 0 AND position(bare, '@') = 0, bare, '') AS full_name
            FROM told
            LEFT JOIN signed ON signed.address_key = told.address_key
            LEFT JOIN numbered ON numbered.address_key = told.address_key
            LEFT JOIN lead ON lead.address_key = told.address_key
            LEFT JOIN live.contact AS converted ON converted.contact_id = lead.contact_id
        ),
        contact AS
        (
            SELECT account_id, lower(trim(name)) AS full_name, min(contact_id) AS contact_id
            FROM live.contact
            WHERE position(trim(name), ' ') > 0
            GROUP BY account_id, full_name
        )
    SELECT
        named.account_id AS account_id,
        named.address_key AS address_key,
        named.name AS name,
        named.lead_id AS lead_id,
        if(named.contact_id != '', named.contact_id, contact.contact_id) AS contact_id,
        multiIf(
            named.contact_id != '', 'contact_address',
            contact.contact_id != '', 'contact_name',
            named.lead_id != '', 'lead_address',
            named.signer != '', 'signature',
            named.full_name != '' AND count() OVER same > 1, 'same_name',
            'address') AS evidence,
        multiIf(
            evidence IN ('contact_address', 'contact_name'), contact_id,
            named.full_name != '', named.full_name,
            named.signer != '', named.signer,
            named.address_key) AS person
    FROM named
    LEFT JOIN contact
        ON contact.account_id = named.account_id AND contact.full_name = named.full_name
    WINDOW same AS (PARTITION BY named.account_id, named.full_name)
);

-- As in 0013; neither a lead nor what is said with one is lacking.
CREATE OR REPLACE VIEW live.capture_gap_account AS
SELECT
    part.account_id AS account_id,
    any(part.account_name) AS name,
    uniqExactIf(buyer.person, took_part AND NOT is_role) AS active_buyers,
    uniqExactIf(buyer.person, took_part AND NOT is_role AND NOT buyer.is_known)
        AS unknown_buyers,
    uniqExact(activity_id) AS activities,
    activities - uniqExactIf(
        activity_id, part.contact_id != '' OR buyer.lead_id != '') AS unknown_activities,
    max(event_time) AS last_activity_at
FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS part
INNER JOIN live.buyer(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS buyer
    ON buyer.account_id = part.account_id AND buyer.address_key = part.address_key
GROUP BY part.account_id;

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
            (part.account_id, buyer.person) AS person,
            part.contact_id != '' OR buyer.lead_id != '' AS is_known,
            NOT buyer.is_known AS is_lacked,
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
        INNER JOIN live.buyer(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS buyer
            ON buyer.account_id = part.account_id AND buyer.address_key = part.address_key
        LEFT JOIN membership ON membership.mailbox = part.mailbox
    )
SELECT
    counted.team_id AS team_id,
    any(unit.name) AS name,
    uniqExactIf(person, is_buyer) AS active_buyers,
    uniqExactIf(person, is_buyer AND is_lacked) AS unknown_buyers,
    uniqExact(activity_id) AS activities,
    activities - uniqExactIf(activity_id, is_known) AS unknown_activities
FROM counted
LEFT JOIN
(
    SELECT unit_id, name FROM raw.org_unit FINAL
    ORDER BY unit_id, knowable_at DESC
    LIMIT 1 BY unit_id
) AS unit ON unit.unit_id = counted.team_id
GROUP BY counted.team_id;

-- As in 0013; a lead is converted, not proposed.
CREATE OR REPLACE VIEW live.contact_proposal AS
SELECT
    part.account_id AS account_id,
    any(part.account_name) AS account_name,
    argMaxIf(part.address_key, event_time, is_theirs) AS address,
    groupUniqArray(part.address_key) AS addresses,
    argMax(buyer.name, (buyer.name != '', event_time)) AS name,
    uniqExact(activity_id) AS activities,
    uniqExactIf(activity_id, took_part) AS own_activities,
    groupUniqArrayArray(ours) AS with_whom,
    min(event_time) AS first_at,
    max(event_time) AS last_at,
    groupUniqArrayIf(buyer.evidence, buyer.evidence != 'address') AS evidence
FROM
(
    SELECT
        *,
        arrayExists(
            site -> endsWith(address_key, '@' || site) OR endsWith(address_key, '.' || site),
            theirs.sites) AS is_theirs
    FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS part
    LEFT JOIN
    (
        SELECT account_id, groupArray(site) AS sites
        FROM
        (
            SELECT
                account_id,
                replaceRegexpOne(
                    lower(trim(arrayJoin(domains))),
                    '^(https?://)?(www\\.)?([^/:]+).*$', '\\3') AS site
            FROM live.account
        )
        WHERE site != ''
            AND site NOT IN (SELECT domain FROM ml.free_mail_domain)
            AND cutToFirstSignificantSubdomain(site) NOT IN
                (SELECT domain FROM ml.free_mail_domain)
        GROUP BY account_id
    ) AS theirs ON theirs.account_id = part.account_id
    WHERE NOT is_role
) AS part
INNER JOIN live.buyer(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS buyer
    ON buyer.account_id = part.account_id AND buyer.address_key = part.address_key
WHERE NOT buyer.is_known
GROUP BY part.account_id, buyer.person
HAVING own_activities > 0
    AND address != ''
    AND NOT hasAny(addresses,
        (
            SELECT groupArray(subject_id) FROM raw.command FINAL
            WHERE kind IN ('accept_contact', 'dismiss_contact') AND outcome = 'done'
        ));
