"""The CRM as the warehouse holds it, read for matching; and what has changed in it since."""

from datetime import datetime
from typing import Final, TypeVar

from contracts.company import Company
from contracts.crm_rows import (
    AccountRow,
    ContactRoleRow,
    ContactRow,
    LeadRow,
    OpportunityRow,
    RepRow,
)
from contracts.matching import MatchRules
from contracts.rows import Row
from transforms.directory import Directory
from transforms.phones import signed_numbers
from warehouse.reader import Reader

_Row = TypeVar("_Row", bound=Row)

_TABLES: Final = ("account", "contact", "lead", "opportunity", "contact_role", "rep")

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


def read_people(reader: Reader, company: Company) -> Directory:
    """Return the accounts, contacts and leads, every version: nothing of deals.

    It costs a tenth of the whole.
    """
    version = crm_version(reader)  # first: what comes in between is looked at again
    accounts, contacts = _table(reader, AccountRow), _table(reader, ContactRow)
    leads = _table(reader, LeadRow)
    return Directory(accounts, contacts, company, version, leads=leads)


def read_directory(reader: Reader, company: Company, rules: MatchRules | None = None) -> Directory:
    """Return the accounts, contacts and deals, every version; and whose numbers signatures tell."""
    version = crm_version(reader)  # first: what comes in between is looked at again
    return Directory(
        _table(reader, AccountRow),
        _table(reader, ContactRow),
        company,
        version,
        leads=_table(reader, LeadRow),
        opportunities=_table(reader, OpportunityRow),
        contact_roles=_table(reader, ContactRoleRow),
        reps=_table(reader, RepRow),
        aliases=signature_phones(reader),
        rules=rules,
    )


def _table(reader: Reader, row_type: type[_Row]) -> list[_Row]:
    return reader.rows(row_type, f"SELECT * FROM {row_type.table} FINAL")
