"""Erases a person: suppresses, waits for what is under way, and sweeps tables, log and files.

Every step can be repeated, so an erasure that was cut off is run again, and then complete.
"""

import getpass
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Final
from uuid import UUID, uuid4

from msgspec.structs import replace

from contracts import topics
from contracts.clock import Clock
from contracts.erasure_rows import ErasureRow, SuppressionRow
from contracts.errors import Retryable, UserError
from contracts.rows import DeadLetterRow, SightingRow
from ingest.dead_letter import held_events
from ingest.lag import lag
from ingest.log_traces import LogTraces
from ingest.receipt import Receipt, encode_receipt, keep, signed
from ingest.suppression import FRESH_SECONDS
from local.log.store import Log
from local.traces import Traces
from settings import Settings, erasure_key
from transforms.erasure import (
    PERSONS,
    REASON,
    identity,
    is_in,
    pattern,
    token,
    unheard,
)
from transforms.rows import sighting
from warehouse.erase import Eraser, Person
from warehouse.reader import Reader
from warehouse.writer import Writer

_DRAIN_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.2
_PAGE: Final = 200
_REPLACED_FILES_STAY: Final = timedelta(minutes=30)

_DEAD_LETTERS: Final = """
    SELECT * FROM live.dead_letter WHERE dead_letter_id > %(after)s
    ORDER BY dead_letter_id LIMIT %(page)s
"""
_LATELY: Final = """
    SELECT uniqExact(token) FROM raw.erasure
    WHERE begun_at > %(since)s AND token != %(token)s
"""
_OPEN: Final = """
    SELECT * FROM raw.erasure FINAL WHERE token = %(token)s AND done_at IS NULL
    ORDER BY begun_at LIMIT 1
"""


class Erasure:
    """One person's erasure.

    Args:
        settings: with the warehouse's address; its user may alter tables.
        who: an address or a phone number, as a person types it.

    Raises:
        UserError: if it is neither.
    """

    def __init__(self, settings: Settings, who: str, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._identity = identity(who, settings.company.phone_region)
        self._key = erasure_key(settings).get_secret_value().encode()
        self.token = token(self._key, self._identity)
        found = pattern(self._identity)
        self._found = re.compile(found)
        self._person = Person(found, self.token, PERSONS)
        self._traces = Traces(settings.home, found)
        self._reader = Reader(settings.warehouse_url)
        self._writer = Writer(settings.warehouse_url)
        self._eraser = Eraser(settings.warehouse_url)

    def close(self) -> None:
        """Leave the warehouse."""
        self._reader.close()
        self._writer.close()
        self._eraser.close()

    def held(self) -> dict[str, int]:
        """Return what holds the person: rows by table, dead letters, log records, files."""
        counts = self._eraser.count(self._person)
        counts["raw.dead_letter"] = len(self._dead_letters()) + counts.get("raw.dead_letter", 0)
        counts["the log"] = self._log_traces(LogTraces.count)
        counts["our files"] = len(self._traces.ours())
        counts["files of yours in the home"] = len(self._traces.others())
        return {place: count for place, count in counts.items() if count}

    def other_addresses(self) -> list[str]:
        """Return the further addresses and numbers of the contacts that have this one."""
        return [
            text
            for text in self._eraser.addresses(self._person)
            if not self._found.search(text) and text
        ]

    def refuse_abnormal(self, held: Mapping[str, int]) -> None:
        """Stop what is more than a person's due: too many erasures in a day, or too many rows.

        Raises:
            UserError: with the limit and how to go on.
        """
        since = self._clock.now() - timedelta(days=1)
        asked = {"since": f"{since:%Y-%m-%d %H:%M:%S}", "token": self.token}
        lately = int(self._reader.value(_LATELY, asked) or 0)
        rows = sum(held.values())
        if lately >= self._settings.erasures_a_day:
            what = f"{lately} people were erased within a day (erasures_a_day)"
        elif rows > self._settings.erasure_rows:
            what = f"{rows} rows, records and files hold this one (erasure_rows)"
        else:
            return
        raise UserError(f"{what}: nothing was erased. If it is meant, say --force")

    def run(self, reason: str) -> Receipt:
        """Erase the person and return the receipt, which is kept in `raw.erasure` too.

        Raises:
            Retryable, Fatal: as the warehouse and the log do; run it again then.
        """
        began = self._begin(reason)
        self._suppress(began)
        self._let_pass()
        rows = self._sweep_tables()
        records = self._log_traces(LogTraces.take_out)
        files = self._traces.overwrite()
        for name, count in self._sweep_tables().items():  # what was under way has arrived by now
            rows[name] = rows.get(name, 0) + count
        receipt = self._receipt(began, rows, records, files)
        self._finish(began, receipt)
        return receipt

    def lift(self, reason: str) -> None:
        """Let the person be heard again from now on; what was erased stays so."""
        now = self._clock.now()
        self._writer.write([self._suppression(now, reason, lifted_at=now)])

    def _begin(self, reason: str) -> ErasureRow:
        if begun := self._reader.rows(ErasureRow, _OPEN, {"token": self.token}):
            return begun[0]
        row = ErasureRow(
            erasure_id=uuid4(),
            token=self.token,
            actor=getpass.getuser(),
            reason=reason,
            begun_at=self._clock.now(),
        )
        self._writer.write([row])
        return row

    def _suppress(self, began: ErasureRow) -> None:
        self._writer.write([self._suppression(began.begun_at, "erased")])

    def _suppression(
        self, at: datetime, reason: str, lifted_at: datetime | None = None
    ) -> SuppressionRow:
        return SuppressionRow(
            token=self.token,
            kind=self._identity.kind,
            suppressed_at=at,
            lifted_at=lifted_at,
            reason=reason,
        )

    def _let_pass(self) -> None:
        """Wait until workers know of the suppression, and have stored what they had begun."""
        sleep(FRESH_SECONDS)
        deadline = monotonic() + _DRAIN_SECONDS
        with suppress(Retryable):
            while lag(self._settings) and monotonic() < deadline:
                sleep(_POLL_SECONDS)

    def _sweep_tables(self) -> dict[str, int]:
        letters = self._dead_letters()
        rows = self._eraser.count(self._person)
        if letters:
            rows["raw.dead_letter"] = len(letters) + rows.get("raw.dead_letter", 0)
            self._writer.write([row for letter in letters for row in _unheard(letter)])
            self._eraser.drop_dead_letters([letter.dead_letter_id for letter in letters])
        self._eraser.sweep(self._person, REASON)
        return rows

    def _dead_letters(self) -> list[DeadLetterRow]:
        """Return the dead letters whose bytes hold the person."""
        found, after = [], UUID(int=0)
        while page := self._reader.rows(
            DeadLetterRow, _DEAD_LETTERS, {"after": after, "page": _PAGE}
        ):
            found += [letter for letter in page if self._is_in_letter(letter)]
            after = page[-1].dead_letter_id
        return found

    def _is_in_letter(self, letter: DeadLetterRow) -> bool:
        data, events = held_events(letter)
        if self._found.search(data.decode("utf-8", "replace")):
            return True
        return any(is_in(event, self._found, self._settings.company) for event in events)

    def _log_traces(self, deal: Callable[[LogTraces], int]) -> int:
        """Return what was found in the local log; Kafka's records can't be changed, but expire."""
        path = self._settings.log_path
        if path is None or not path.exists():
            return 0
        log = Log(path)
        try:
            return deal(LogTraces(log, self._found, self._settings.company))
        finally:
            log.close()

    def _receipt(
        self, began: ErasureRow, rows: dict[str, int], records: int, files: int
    ) -> Receipt:
        now = self._clock.now()
        left = self._settings.log_path is None or self._log_traces(LogTraces.count)
        log_days = topics.LONGEST_DAYS if left else 0
        receipt = Receipt(
            erasure_id=began.erasure_id,
            token=self.token,
            kind=self._identity.kind,
            begun_at=began.begun_at,
            done_at=now,
            rows=rows,
            log_records=records,
            files=files,
            warehouse_clean_at=now + _REPLACED_FILES_STAY,
            log_clean_on=now.date() + timedelta(days=log_days),
            backups_clean_on=now.date() + timedelta(days=self._settings.backup_days),
            left_to_you=len(self._traces.others()),
        )
        return signed(receipt, self._key)

    def _finish(self, began: ErasureRow, receipt: Receipt) -> None:
        done = replace(
            began,
            done_at=receipt.done_at,
            touched=sum(receipt.rows.values()) + receipt.log_records + receipt.files,
            receipt=encode_receipt(receipt).decode(),
        )
        keep(self._settings.home, receipt)  # first: one that is cut off here is taken up as begun
        self._writer.write([done])


def _unheard(letter: DeadLetterRow) -> list[SightingRow]:
    """Return the sighting that takes a dead letter's place in the account of its run."""
    _, events = held_events(letter)
    return [unheard(sighting(event, "excluded", letter.failed_at)) for event in events]
