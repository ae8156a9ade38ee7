"""Which activities a change of the CRM may concern: those alone are decided again."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.company import Company
from transforms.address import normalise
from transforms.domains import company_domain
from transforms.identity import RULE_VERSION
from transforms.phones import e164
from warehouse.reader import Reader

_MOST: Final = 5_000
"""From so many changed keys on, everything is looked at: cheaper than asking for each."""

# Every version counts: an address that was taken away concerns its activities as well.
_CHANGED: Final = """
    SELECT arrayFlatten(groupArray(emails)) AS emails, arrayFlatten(groupArray(phones)) AS phones,
        arrayFlatten(groupArray(domains)) AS domains, groupUniqArray(account_id) AS accounts
    FROM
    (
        SELECT emails, phones, CAST([], 'Array(String)') AS domains, account_id FROM raw.contact
        WHERE contact_id IN
            (SELECT contact_id FROM raw.contact
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
        UNION ALL
        SELECT [], [], domains, account_id FROM raw.account
        WHERE account_id IN
            (SELECT account_id FROM raw.account
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
        UNION ALL
        SELECT [], phone, [], '' FROM raw.signature
        WHERE notEmpty(phone) AND ingested_at > toDateTime64(%(since)s, 6, 'UTC')
        UNION ALL
        SELECT [], [], [], account_id FROM raw.opportunity
        WHERE opportunity_id IN
            (SELECT opportunity_id FROM raw.opportunity
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC')
            UNION ALL
            SELECT opportunity_id FROM raw.contact_role
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
    )
"""
_REPS_CHANGED: Final = """
    SELECT count() FROM raw.rep WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC')
"""
_OUTDATED: Final = """
    SELECT activity_id FROM live.match
    WHERE decided_by = 'rule' AND (crm_version < toDateTime64(%(version)s, 6, 'UTC')
        OR rule_version < %(rule_version)s)
"""
# Or it was still under way when the change was looked at.
_TOUCHED: Final = """
        AND (ingested_at > toDateTime64(%(since)s, 6, 'UTC') OR activity_id IN
        (
            SELECT activity_id FROM raw.match
            WHERE account_id IN %(accounts)s OR hasAny(candidate_account_id, %(accounts)s)
            UNION ALL
            SELECT activity_id FROM raw.activity
            WHERE hasAny(arrayMap(
                    who -> replaceRegexpOne(who, '\\\\+[^@]+@', '@'), participant_address),
                    %(addresses)s)
                OR hasAny(participant_address, %(addresses)s)
                OR arrayExists(
                    host -> hasAny(
                        arrayMap(
                            place -> arrayStringConcat(
                                arraySlice(splitByChar('.', host), place), '.'),
                            range(1, length(splitByChar('.', host)) + 1)),
                        %(domains)s),
                    arrayMap(who -> splitByChar('@', who)[-1], participant_address))
        ))
"""


def outdated(
    reader: Reader, company: Company, since: datetime | None, version: datetime
) -> list[UUID]:
    """Return the activities that a rule decided, and that the CRM's changes may concern.

    Args:
        reader: of the warehouse.
        company: whose region tells how numbers are read.
        since: up to where changes have been looked at; None looks at every activity.
        version: what a decision must have seen.
    """
    params: dict[str, Any] = {"version": version, "rule_version": RULE_VERSION, "since": since}
    keys = _keys(reader, company, since) if since else None
    if keys is None:
        return _ids(reader, _OUTDATED, params)
    return _ids(reader, _OUTDATED + _TOUCHED, params | _never_empty(keys))


def _keys(reader: Reader, company: Company, since: datetime) -> dict[str, list[str]] | None:
    """Return the addresses, domains and accounts that changed; None for too many to ask for."""
    if reader.value(_REPS_CHANGED, {"since": since}):
        return None
    changed = reader.frame(_CHANGED, {"since": since}).iloc[0]
    mails = {normalise(email) for email in changed["emails"]}
    numbers = {e164(phone, company.phone_region) for phone in changed["phones"]}
    keys = {
        "addresses": sorted((mails | numbers) - {""}),
        "domains": sorted({company_domain(domain) for domain in changed["domains"]} - {""}),
        "accounts": sorted(set(changed["accounts"]) - {""}),
    }
    return keys if sum(map(len, keys.values())) < _MOST else None


def _never_empty(keys: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the keys as arrays of text, even where there are none of a kind."""
    return {name: found or [" "] for name, found in keys.items()}


def _ids(reader: Reader, sql: str, params: dict[str, Any]) -> list[UUID]:
    return list(reader.frame(sql, params)["activity_id"])
