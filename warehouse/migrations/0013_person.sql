-- People, not addresses: who is who among those outside; and the one list of free-mail domains.

-- Filled by `warehouse.migrate` with `contracts.free_mail.FREE_MAIL_DOMAINS`.
CREATE TABLE IF NOT EXISTS ml.free_mail_domain
(
    domain String
)
ENGINE = ReplacingMergeTree
ORDER BY domain;

-- Whose a telephone number in signatures is: that of the only address which signs with it. A
-- switchboard, which several people sign with, is nobody's.
CREATE OR REPLACE VIEW live.signature_phone AS
SELECT
    number,
    argMax(signer, event_time) AS address,
    argMax(signed_as, (signed_as != '', event_time)) AS name,
    min(ingested_at) AS known_at,
    count() AS signatures
FROM
(
    SELECT
        arrayJoin(phone) AS number,
        replaceRegexpOne(address, '\\+[^@]+@', '@') AS signer,
        name AS signed_as,
        event_time,
        ingested_at
    FROM raw.signature FINAL
)
GROUP BY number
HAVING uniqExact(signer) = 1;

-- Who is who among those outside who took part: a row per account and address. One person is, by
-- the first that tells: a contact's address (`contact_address`); the full name of a contact of the
-- account (`contact_name`); an address whose signatures have the number (`signature`); the full name
-- that another address of the account has too (`same_name`); else the address by itself.
-- `contact_id` is empty where the CRM has nobody. A name is taken from the mail, else from signatures;
-- `Lee, Jo` is `Jo Lee`.
CREATE OR REPLACE VIEW live.buyer AS
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
    named AS
    (
        SELECT
            told.account_id AS account_id,
            told.address_key AS address_key,
            told.contact_id AS contact_id,
            numbered.signer AS signer,
            multiIf(
                trim(told.stated) != '', told.stated,
                signed.name != '', signed.name,
                numbered.name) AS name,
            lower(trim(replaceRegexpOne(
                replaceRegexpOne(trim(name), '\\s*[(\\[].*$', ''),
                '^([^,]+),\\s*([^,]+)$', '\\2 \\1'))) AS bare,
            if(position(bare, ' ') > 0 AND position(bare, '@') = 0, bare, '') AS full_name
        FROM told
        LEFT JOIN signed ON signed.address_key = told.address_key
        LEFT JOIN numbered ON numbered.address_key = told.address_key
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
    if(named.contact_id != '', named.contact_id, contact.contact_id) AS contact_id,
    multiIf(
        named.contact_id != '', 'contact_address',
        contact.contact_id != '', 'contact_name',
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
WINDOW same AS (PARTITION BY named.account_id, named.full_name);

-- The capture gap of each account: its active buyers (people who took part, role addresses aside)
-- and its activities, and how many of them the CRM lacks: it has nobody of the address or the name;
-- no contact has one of the activity's outside addresses.
CREATE OR REPLACE VIEW live.capture_gap_account AS
SELECT
    part.account_id AS account_id,
    any(part.account_name) AS name,
    uniqExactIf(buyer.person, took_part AND NOT is_role) AS active_buyers,
    uniqExactIf(buyer.person, took_part AND NOT is_role AND buyer.contact_id = '')
        AS unknown_buyers,
    uniqExact(activity_id) AS activities,
    activities - uniqExactIf(activity_id, part.contact_id != '') AS unknown_activities,
    max(event_time) AS last_activity_at
FROM live.participation(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS part
INNER JOIN live.buyer(as_of = {as_of:DateTime64(6, 'UTC')}, days = {days:UInt16}) AS buyer
    ON buyer.account_id = part.account_id AND buyer.address_key = part.address_key
GROUP BY part.account_id;

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
            (part.account_id, buyer.person) AS person,
            part.contact_id != '' AS is_known,
            buyer.contact_id = '' AS is_lacked,
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

-- People whom the CRM lacks, proposed once each with their evidence: they took part, and one of
-- their addresses is of a domain of the account. Role addresses are left out, and domains of free
-- mail, and whoever was accepted or dismissed by one of their addresses. `evidence` says why several
-- addresses are one person.
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
WHERE buyer.contact_id = ''
GROUP BY part.account_id, buyer.person
HAVING own_activities > 0
    AND address != ''
    AND NOT hasAny(addresses,
        (
            SELECT groupArray(subject_id) FROM raw.command FINAL
            WHERE kind IN ('accept_contact', 'dismiss_contact') AND outcome = 'done'
        ));
