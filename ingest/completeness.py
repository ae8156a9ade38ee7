"""Asks the sources of mail anew what they hold, over as many days as wanted."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from contracts.clock import Clock
from contracts.errors import HeadwaterError
from ingest.count import counted
from ingest.mailboxes import password_of
from ingest.source import Countable
from ingest.sources.eml import EmlSource
from ingest.sources.imap import ImapSource
from ingest.sources.maildir import MaildirSource
from ingest.sources.mbox import MboxSource
from settings import Mailbox, Settings
from warehouse.reader import Reader
from warehouse.writer import Writer

_FILES: Final[dict[str, Callable[[Path], Countable]]] = {
    "eml": EmlSource,
    "maildir": MaildirSource,
    "mbox": MboxSource,
}
_HEARD: Final = "SELECT DISTINCT source FROM raw.sighting WHERE kind = 'mail' ORDER BY source"


def recount(
    settings: Settings, reader: Reader, writer: Writer, clock: Clock, days: int
) -> Iterator[str]:
    """Note what each source holds of the last days; yield why one can't be asked.

    Asked are the mailboxes of the settings, and files that were brought in and are still there.
    What a source took in after it was last read shows as missing. Raises as the warehouse does.
    """
    for name, source in [*_mailboxes(settings), *_files(reader)]:
        try:
            if rows := counted(source(), clock.now(), days):
                writer.write(rows)
        except HeadwaterError as error:
            yield f"{name}: {error}"


def _mailboxes(settings: Settings) -> Iterator[tuple[str, Callable[[], Countable]]]:
    for box in settings.mailboxes:
        if box.url:
            yield box.address, partial(_mailbox, settings, box)


def _mailbox(settings: Settings, box: Mailbox) -> ImapSource:
    return ImapSource(box.url, password_of(settings, box), observer=box.address)


def _files(reader: Reader) -> Iterator[tuple[str, Callable[[], Countable]]]:
    for name in reader.frame(_HEARD)["source"]:
        kind, _, path = name.partition(":")
        if kind in _FILES and Path(path).exists():
            yield name, partial(_FILES[kind], Path(path))
