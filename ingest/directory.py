"""The CRM as the warehouse holds it, read for matching; and what has changed in it since."""

from datetime import datetime
from typing import Any, Final

from contracts.company import Company
from contracts.crm_rows import AccountRow, ContactRoleRow, ContactRow, OpportunityRow, RepRow
from contracts.matching import MatchRules
from transforms.directory import Directory
from transforms.phones import signed_numbers
from warehouse.reader import Reader

_TABLES: Final = ("account", "contact", "opportunity", "contact_role", "rep")

# A row is stamped a moment before it can be read. So that no change is missed, nothing of the last
# second is claimed to be known: what was decided then is looked at once more.
_CRM_VERSION: Final = f"""
    SELECT least(max(changed_at), now64(6, 'UTC') - INTERVAL 1 SECOND)
    FROM
    (
        {" UNION ALL ".join(f"SELECT max(ingested_at) AS changed_at FROM raw.{t}" for t in _TABLES)}
        UNION ALL
        SELECT max(toStartOfFiveMinutes(ingested_at) + INTERVAL 5 MINUTE) FROM raw.signature
        WHERE notEmpty(phone) AND ingested_at < toStartOfFiveMinutes(now('UTC'))
    )
"""

_SIGNED: Final = "SELECT DISTINCT address, phone FROM raw.signature WHERE notEmpty(phone)"


def crm_version(reader: Reader) -> datetime:
    """Return up to when the CRM's changes can be read; numbers in signatures count after minutes.

    Signatures come with every mail, and the CRM is not read again for each.
    """
    version: datetime = reader.value(_CRM_VERSION)
    return version


def signature_phones(reader: Reader) -> dict[str, str]:
    """Return the address of each number that one person alone signs with, in E.164."""
    return signed_numbers(reader.frame(_SIGNED).itertuples(index=False))


def read_directory(reader: Reader, company: Company, rules: MatchRules | None = None) -> Directory:
    """Return the accounts, contacts and deals, every version; and whose numbers signatures tell."""
    version = crm_version(reader)  # first: what comes in between is looked at again

    def table(row: Any) -> Any:
        return reader.rows(row, f"SELECT * FROM {row.table} FINAL")

    return Directory(
        table(AccountRow),
        table(ContactRow),
        company,
        version,
        opportunities=table(OpportunityRow),
        contact_roles=table(ContactRoleRow),
        reps=table(RepRow),
        aliases=signature_phones(reader),
        rules=rules,
    )
