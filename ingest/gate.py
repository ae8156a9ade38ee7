"""What stands before the log: no more of a mail enters than may be kept, nothing of the erased."""

from time import monotonic
from typing import Final

from msgspec.structs import replace

from contracts.activity import Activity
from contracts.clock import Clock
from contracts.company import Company
from contracts.wire import Event
from ingest.directory import crm_version, read_people
from ingest.source import Glimpse
from ingest.suppression import Suppression, without_payload
from settings import Settings, erasure_key
from transforms.capture import Verdict, activity_id, header, judge, kept
from transforms.colleagues import seen_from
from transforms.directory import Directory
from transforms.erasure import REASON
from transforms.rows import to_rows
from warehouse.reader import Reader

_FRESH_SECONDS: Final = 2.0


class KnownPeople:
    """Whom the CRM knows, at most a few seconds behind it. Methods raise as the reader does."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self._reader = reader
        self._company = settings.company
        self._directory: Directory | None = None
        self._looked_at = 0.0

    def directory(self) -> Directory:
        """Return the accounts, contacts and leads."""
        if self._directory is None or monotonic() - self._looked_at > _FRESH_SECONDS:
            version = crm_version(self._reader)
            if self._directory is None or self._directory.crm_version != version:
                self._directory = read_people(self._reader, self._company)
            self._looked_at = monotonic()
        return self._directory

    def know_one_of(self, addresses: tuple[str, ...]) -> bool:
        """Tell whether one is a contact's, at an account's domain, or a lead's of an account."""
        known = self.directory()
        rules = (known.by_contact, known.by_domain, known.by_lead)
        return any(True for address in addresses for rule in rules for _ in rule(address))


class Gate:
    """Decides about each mail, by its mailbox's mode, our exclusions, and whom the CRM knows."""

    def __init__(self, reader: Reader, settings: Settings, clock: Clock) -> None:
        self.people = KnownPeople(reader, settings)
        self._settings = settings
        self._clock = clock
        company = settings.company
        self._suppression = Suppression(
            reader, erasure_key(settings), company, lambda event: to_rows(event, company)
        )

    def wants_body(self, glimpse: Glimpse) -> bool:
        """Tell from a header whether all of the mail may be kept. Raises as the reader does."""
        return self._verdict(glimpse.payload, glimpse.observer).captured == "full"

    def passed(self, event: Event) -> Event:
        """Return the event with no more than may be kept. Raises as the reader does."""
        if event.kind != "mail":
            return self._suppression.before_log(event)
        passed = self._captured(event)
        told = replace(passed, payload=header(passed.payload))
        erased = self._suppression.leaves_nothing_of(told)
        return without_payload(event, REASON) if erased else passed

    def _captured(self, event: Event) -> Event:
        captured, reason = self._verdict(event.payload, event.observer)
        if captured == "full":
            return event
        if captured == "excluded":
            return without_payload(event, reason)
        mode = self._settings.capture_of(event.observer).mode
        company = self._company(event.observer)
        return replace(
            event,
            payload=kept(event.payload, captured, mode),
            captured=captured,
            activity_id=activity_id(event.payload, event.received_at, company),
        )

    def _verdict(self, mail: bytes, observer: str) -> Verdict:
        def is_known(activity: Activity) -> bool:
            return self.people.know_one_of(activity.outside)

        policy = self._settings.capture_of(observer)
        return judge(mail, self._clock.now(), self._company(observer), is_known, policy)

    def _company(self, observer: str) -> Company:
        return seen_from(self._settings.company, observer)
