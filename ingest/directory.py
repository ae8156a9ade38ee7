"""The CRM as the warehouse holds it, read for matching; and what has changed in it since."""

from datetime import datetime
from typing import Any, Final

from contracts.company import Company
from contracts.matching import MatchRules
from contracts.rows import AccountRow, ContactRoleRow, ContactRow, OpportunityRow, RepRow
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
    )
"""

_SIGNED: Final = "SELECT DISTINCT address, phone FROM raw.signature WHERE notEmpty(phone)"


def crm_version(reader: Reader) -> datetime:
    """Return up to when the CRM's changes can be read."""
    version: datetime = reader.value(_CRM_VERSION)
    return version


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
        aliases=signed_numbers(reader.frame(_SIGNED).itertuples(index=False)),
        rules=rules,
    )
