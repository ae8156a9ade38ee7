"""Which activities a change of the CRM may concern: those alone are decided again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from contracts.company import Company
from transforms.address import normalise
from transforms.domains import company_domain
from transforms.identity import RULE_VERSION
from transforms.phones import e164
from warehouse.reader import Reader

SETTLED: Final = timedelta(minutes=1)
"""How long after it was stamped a row can be read at the latest."""

_MOST: Final = 5_000
"""From so many changed keys on, everything is looked at: cheaper than asking for each."""

_SITES: Final = """
    arrayMap(site -> replaceRegexpOne(
        lower(trim(site)), '^(https?://)?(www\\\\.)?([^/:]+).*$', '\\\\3'), domains)
"""
_MAIL_SITES: Final = "arrayMap(mail -> splitByChar('@', lower(trim(mail)))[-1], emails)"

# Every version counts: an address that was taken away concerns its activities as well. A lead's
# are concerned by the account that it tells of, and by the contact that it became.
_CHANGED: Final = f"""
    SELECT arrayFlatten(groupArray(emails)) AS emails, arrayFlatten(groupArray(phones)) AS phones,
        arrayFlatten(groupArray(domains)) AS domains, groupUniqArray(account_id) AS accounts
    FROM
    (
        SELECT emails, phones, CAST([], 'Array(String)') AS domains, account_id FROM raw.contact
        WHERE contact_id IN
            (SELECT contact_id FROM raw.contact
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
        UNION ALL
        SELECT emails, phones, [], '' FROM raw.lead
        WHERE lead_id IN
            (SELECT lead_id FROM raw.lead
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC')
            UNION ALL
            SELECT lead_id FROM raw.lead
            WHERE converted_contact_id IN
                (SELECT contact_id FROM raw.contact
                    WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
            UNION ALL
            SELECT lead_id FROM raw.lead
            ARRAY JOIN arrayConcat(
                [account_id, converted_account_id], {_SITES}, {_MAIL_SITES}) AS told
            WHERE told IN
                (SELECT arrayJoin(arrayConcat([account_id], {_SITES})) FROM raw.account
                    WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC')))
        UNION ALL
        SELECT [], [], domains, account_id FROM raw.account
        WHERE account_id IN
            (SELECT account_id FROM raw.account
                WHERE ingested_at > toDateTime64(%(since)s, 6, 'UTC'))
        UNION ALL
        SELECT [], phone, [], '' FROM raw.signature
        WHERE notEmpty(phone)
        GROUP BY address, phone
        HAVING min(ingested_at) > toDateTime64(%(since)s, 6, 'UTC')
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
_OUTDATED: Final = "SELECT activity_id FROM live.match WHERE decided_by = 'rule' AND "
_BEFORE: Final = """
    (crm_version < toDateTime64(%({moment})s, 6, 'UTC') OR rule_version < %(rule_version)s)
"""
_TOUCHED: Final = """
    activity_id IN
    (
        SELECT activity_id FROM raw.match
        WHERE account_id IN %({which}_accounts)s
            OR hasAny(candidate_account_id, %({which}_accounts)s)
        UNION ALL
        SELECT activity_id FROM raw.activity
        WHERE hasAny(arrayMap(
                who -> replaceRegexpOne(who, '\\\\+[^@]+@', '@'), participant_address),
                %({which}_addresses)s)
            OR hasAny(participant_address, %({which}_addresses)s)
            OR arrayExists(
                host -> hasAny(
                    arrayMap(
                        place -> arrayStringConcat(
                            arraySlice(splitByChar('.', host), place), '.'),
                        range(1, length(splitByChar('.', host)) + 1)),
                    %({which}_domains)s),
                arrayMap(who -> splitByChar('@', who)[-1], participant_address))
    )
"""
_UNDER_WAY: Final = "ingested_at > toDateTime64(%(since)s, 6, 'UTC')"

_Keys = Mapping[str, Sequence[str]]


def outdated(
    reader: Reader, company: Company, looked_until: datetime | None, version: datetime
) -> list[UUID]:
    """Return the activities that a rule decided, and that the CRM's changes may concern.

    Changes that were looked at already are so once more for a minute, and with them the decisions
    that had not seen them: the one or the other may have been under way.

    Args:
        reader: of the warehouse.
        company: whose region tells how numbers are read.
        looked_until: up to where changes have been looked at; None looks at every activity.
        version: what a decision must have seen.
    """
    params: dict[str, Any] = {"version": version, "rule_version": RULE_VERSION}
    before_version = _BEFORE.format(moment="version")
    if looked_until is None:
        return _ids(reader, _OUTDATED + before_version, params)
    since = looked_until - SETTLED
    new, new_keys = _concerned("new", _keys(reader, company, looked_until))
    again, again_keys = _concerned("again", _keys(reader, company, since))
    before_look = _BEFORE.format(moment="looked_until")
    sql = (
        f"{_OUTDATED} (({before_version} AND {new}) "
        f"OR ({before_look} AND ({_UNDER_WAY} OR {again})))"
    )
    params |= {"since": since, "looked_until": looked_until, **new_keys, **again_keys}
    return _ids(reader, sql, params)


def _concerned(which: str, keys: _Keys | None) -> tuple[str, _Keys]:
    """Return the condition that changed keys concern an activity, and its parameters."""
    if keys is None:
        return "true", {}
    if not any(keys.values()):
        return "false", {}
    named = {f"{which}_{name}": found or [" "] for name, found in keys.items()}  # none is no array
    return _TOUCHED.format(which=which), named


def _keys(reader: Reader, company: Company, since: datetime) -> _Keys | None:
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


def _ids(reader: Reader, sql: str, params: dict[str, Any]) -> list[UUID]:
    return list(reader.frame(sql, params)["activity_id"])
