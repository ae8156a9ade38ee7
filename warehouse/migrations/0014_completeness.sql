-- What a mailbox held when it was counted, beside what is stored of it. A withdrawal that was noticed
-- later took nothing from that count: an old day is not counted again. It holds until its mail is
-- heard again, for a file may come back under its old name. Of two times at which a copy was taken
-- in, the one heard last counts, as the source counts by it.
CREATE OR REPLACE VIEW live.completeness AS
WITH
    heard AS
    (
        SELECT
            source, observer, external_id, assumeNotNull(held_at) AS taken_at,
            received_at AS heard_at, 1 AS is_stored
        FROM raw.sighting
        WHERE held_at IS NOT NULL
        UNION ALL
        SELECT source, observer, external_id, assumeNotNull(held_at), failed_at, 0
        FROM raw.dead_letter
        WHERE is_event AND held_at IS NOT NULL
    ),
    withdrawn AS
    (
        SELECT source, external_id, max(noticed_at) AS noticed_at
        FROM raw.withdrawal
        GROUP BY source, external_id
    ),
    copy AS
    (
        SELECT
            one.source AS source,
            one.observer AS observer,
            one.external_id AS external_id,
            max(one.is_stored) AS is_stored,
            argMax(one.taken_at, one.heard_at) AS taken_at,
            if(max(withdrawn.noticed_at) < max(one.heard_at), toDateTime64('2299-12-31', 6, 'UTC'),
                max(withdrawn.noticed_at)) AS held_until
        FROM heard AS one
        LEFT JOIN withdrawn ON withdrawn.source = one.source
            AND withdrawn.external_id = one.external_id
        GROUP BY source, observer, external_id
    )
SELECT
    counted.source AS source,
    counted.observer AS observer,
    counted.held_on AS held_on,
    counted.held AS held,
    countIf(copy.is_stored = 1 AND copy.taken_at < counted.counted_until
        AND copy.held_until > counted.counted_until) AS stored,
    countIf(copy.is_stored = 0 AND copy.taken_at < counted.counted_until
        AND copy.held_until > counted.counted_until) AS dead_lettered,
    greatest(toInt64(counted.held) - stored - dead_lettered, 0) AS missing,
    counted.counted_until AS counted_until
FROM (SELECT * FROM raw.provider_count FINAL) AS counted
LEFT JOIN copy ON copy.source = counted.source AND copy.observer = counted.observer
    AND toDate32(copy.taken_at) = counted.held_on
GROUP BY counted.source, counted.observer, counted.held_on, counted.held, counted.counted_until;
