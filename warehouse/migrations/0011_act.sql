-- What a person acts on: why an activity has the match that it has, and the matches to look at.

-- The candidates of an activity, as the rules last weighed them: accounts, then deals, best first.
CREATE OR REPLACE VIEW live.match_candidate AS
SELECT
    found.kind AS kind,
    found.place AS place,
    found.candidate_id AS candidate_id,
    multiIf(
        found.kind = 'account' AND account.name != '', account.name,
        found.kind = 'deal' AND opportunity.name != '', opportunity.name,
        found.candidate_id) AS name,
    found.points AS points,
    found.evidence AS evidence
FROM
(
    SELECT
        arrayJoin(arrayConcat(
            arrayMap(
                (id, place) -> ('account', place, id, candidate_points[place],
                    candidate_evidence[place]),
                candidate_account_id, arrayEnumerate(candidate_account_id)),
            arrayMap(
                (id, place) -> ('deal', place, id, candidate_opportunity_points[place],
                    candidate_opportunity_evidence[place]),
                candidate_opportunity_id, arrayEnumerate(candidate_opportunity_id)))) AS one,
        one.1 AS kind,
        one.2 AS place,
        one.3 AS candidate_id,
        one.4 AS points,
        one.5 AS evidence
    FROM
    (
        SELECT * FROM raw.match FINAL
        WHERE activity_id = {activity:UUID} AND decided_by = 'rule'
        ORDER BY matched_at DESC
        LIMIT 1
    )
) AS found
LEFT JOIN live.account AS account ON account.account_id = found.candidate_id
LEFT JOIN live.opportunity AS opportunity ON opportunity.opportunity_id = found.candidate_id;

-- The activities with somebody outside whose match a person may want to look at, and why: the rules
-- found several accounts (`several_fit`) or none (`no_account`), a margin below the certain one
-- (`uncertain`), or deals of which none leads (`deal_undecided`). What a person chose is not there.
CREATE OR REPLACE VIEW live.match_to_check AS
SELECT
    heard.activity_id AS activity_id,
    heard.event_time AS event_time,
    heard.channel AS channel,
    heard.direction AS direction,
    heard.subject AS subject,
    heard.outside AS outside,
    heard.ours AS ours,
    multiIf(
        decided.rule = 'ambiguous', 'several_fit',
        decided.account_id = '', 'no_account',
        decided.margin < {certain:Float64}, 'uncertain',
        'deal_undecided') AS state,
    decided.account_id AS account_id,
    account.name AS account_name,
    decided.rule AS rule,
    decided.reason AS reason,
    decided.margin AS margin,
    decided.opportunity_reason AS opportunity_reason,
    decided.matched_at AS matched_at
FROM
(
    SELECT
        activity_id, event_time, channel, direction, subject,
        arrayDistinct(arrayFilter(
            (who, is_ours) -> NOT is_ours, participant_address, participant_is_ours)) AS outside,
        arrayDistinct(arrayFilter(
            (who, is_ours) -> is_ours, participant_address, participant_is_ours)) AS ours
    FROM raw.activity FINAL
    WHERE event_time > {since:DateTime64(6, 'UTC')}
        AND NOT is_automatic
        AND direction IN ('inbound', 'outbound')
) AS heard
INNER JOIN live.match AS decided ON decided.activity_id = heard.activity_id
LEFT JOIN live.account AS account ON account.account_id = decided.account_id
WHERE decided.decided_by = 'rule'
    AND (decided.account_id = ''
        OR decided.margin < {certain:Float64}
        OR (decided.opportunity_id = '' AND notEmpty(decided.candidate_opportunity_id)));
