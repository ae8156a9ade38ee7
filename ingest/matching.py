"""To whom the stored activities belong: decided with the CRM as it is, again when it changes."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from contracts.clock import Clock
from contracts.company import Company
from contracts.rows import AccountRow, ContactRow, MatchRow
from contracts.wire import Recorded
from transforms.identity import RULE_VERSION, Directory, match
from warehouse.reader import Reader
from warehouse.writer import Writer

_FRESH_SECONDS: Final = 2.0
_SETTLED: Final = timedelta(minutes=1)
_PAGE: Final = 20_000

# A row is stamped a moment before it can be read. So that no change is missed, nothing of the last
# second is claimed to be known: what was decided then is looked at once more.
_CRM_VERSION: Final = """
    SELECT least(max(changed_at), now64(6, 'UTC') - INTERVAL 1 SECOND)
    FROM
    (
        SELECT max(ingested_at) AS changed_at FROM raw.account
        UNION ALL
        SELECT max(ingested_at) AS changed_at FROM raw.contact
    )
"""
_OUTDATED: Final = f"""
    SELECT
        {", ".join(MatchRow.__struct_fields__)},
        event_time,
        arrayDistinct(arrayFilter(
            (address, is_ours) -> NOT is_ours,
            participant_address,
            participant_is_ours)) AS outside
    FROM raw.activity FINAL
    INNER JOIN
    (
        SELECT * FROM live.match
        WHERE decided_by = 'rule' AND activity_id > %(after)s
            AND (crm_version < %(crm_version)s OR rule_version < %(rule_version)s)
        ORDER BY activity_id
        LIMIT %(page)s
    ) AS outdated USING (activity_id)
    ORDER BY activity_id
"""


class _Outdated(MatchRow, frozen=True, kw_only=True):
    """A match that did not see the CRM or the rules as they are, and what it was decided from."""

    event_time: datetime
    outside: tuple[str, ...]


class Matcher:
    """Decides with a directory that is at most a few seconds behind the CRM."""

    def __init__(self, reader: Reader, company: Company, clock: Clock) -> None:
        self._reader = reader
        self._company = company
        self._clock = clock
        self._directory: Directory | None = None
        self._looked_at = 0.0
        self._caught_up: datetime | None = None

    def match(self, recorded: Iterable[Recorded]) -> list[MatchRow]:
        """Return a decision for each activity, in order. Raises as the reader does."""
        directory = self._fresh()
        now = self._clock.now()
        return [match(activity, directory, now) for activity in recorded]

    def catch_up(self, writer: Writer) -> int:
        """Decide again what was decided before the CRM changed; return how many changed.

        Costs one small query while the CRM stays the same; for a minute after a change it looks
        again each time, for decisions that were still under way.
        """
        version, now = crm_version(self._reader), self._clock.now()
        if version == self._caught_up:
            return 0
        changed = rematch(self._reader, writer, self._company, now)
        self._caught_up = version if now - version > _SETTLED else None
        return changed

    def _fresh(self) -> Directory:
        if self._directory is None or monotonic() - self._looked_at > _FRESH_SECONDS:
            version = crm_version(self._reader)
            if self._directory is None or self._directory.crm_version != version:
                self._directory = read_directory(self._reader, self._company)
            self._looked_at = monotonic()
        return self._directory


def crm_version(reader: Reader) -> datetime:
    """Return up to when the CRM's changes can be read."""
    version: datetime = reader.value(_CRM_VERSION)
    return version


def read_directory(reader: Reader, company: Company) -> Directory:
    """Return the accounts and contacts as they are now."""
    version = crm_version(reader)  # first: what comes in between is looked at again
    accounts = reader.rows(AccountRow, "SELECT * FROM live.account")
    contacts = reader.rows(ContactRow, "SELECT * FROM live.contact")
    return Directory(accounts, contacts, company, version)


def rematch(reader: Reader, writer: Writer, company: Company, now: datetime) -> int:
    """Decide again what the rules decided before the CRM, or the rules, were as they are now.

    Return how many decisions changed: those get a new row; a decision that stands only notes that
    it has seen the newer CRM. What a person chose is not touched. Costs a read of all activities
    when the CRM changed. Safe to repeat, and to run beside the worker.
    """
    changed = 0
    directory: Directory | None = None
    for page in _outdated(reader):
        directory = directory or read_directory(reader, company)
        rows = [_decided_again(outdated, directory, now) for outdated in page]
        writer.write(rows)
        changed += sum(row.matched_at == now for row in rows)
    return changed


def _outdated(reader: Reader) -> Iterator[list[_Outdated]]:
    version, after = crm_version(reader), UUID(int=0)
    while True:
        page = reader.rows(
            _Outdated,
            _OUTDATED,
            {
                "after": after,
                "crm_version": version,
                "rule_version": RULE_VERSION,
                "page": _PAGE,
            },
        )
        if not page:
            return
        yield page
        after = page[-1].activity_id


def _decided_again(outdated: _Outdated, directory: Directory, now: datetime) -> MatchRow:
    recorded = Recorded(
        activity_id=outdated.activity_id,
        event_time=outdated.event_time,
        outside=outdated.outside,
    )
    decided = match(recorded, directory, now)
    stands = replace(decided, matched_at=outdated.matched_at)
    return stands if _says(stands) == _says(outdated) else decided


def _says(row: MatchRow) -> tuple[str, str, str, str, tuple[str, ...]]:
    return row.account_id, row.contact_id, row.rule, row.reason, row.candidate_account_id
