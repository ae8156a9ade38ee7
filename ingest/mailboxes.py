"""The mailboxes of the settings, each read by the one worker that owns its partition."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

import faust
import structlog
from pydantic import SecretStr

from contracts.clock import Clock
from contracts.errors import HeadwaterError, UserError
from contracts.topics import MAIL
from ingest.bring import running, warehouse
from ingest.publish import LogPublisher
from ingest.sources.imap import ImapSource
from settings import Mailbox, Settings

_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 30.0

log = structlog.get_logger()


def owns(app: faust.App, key: str) -> bool:
    """Tell whether this worker is the one that owns a key now: it reads the key's partition."""
    partition = crc32(key.encode()) % app.conf.topic_partitions
    assigned = app.consumer.assignment()
    return any(place.topic == MAIL.name and place.partition == partition for place in assigned)


def password_of(settings: Settings, mailbox: Mailbox) -> SecretStr:
    """Return a mailbox's password from its file.

    Raises:
        UserError: if there is none; the message names the file.
    """
    file = mailbox.password_file or Path("secrets", "mailboxes", mailbox.address)
    path = settings.home / file.expanduser()  # an absolute one stays as it is
    try:
        password = path.read_text().strip()
    except OSError as error:
        raise UserError(
            f"the password of {mailbox.address} can't be read: {path}: {error.strerror}. Write it "
            "there, readable by its owner alone"
        ) from error
    if not password:
        raise UserError(f"the password of {mailbox.address} is missing: {path} is empty")
    return SecretStr(password)


class Mailboxes:
    """Reads as many mailboxes as there are, each in a task of its own.

    A mailbox that can't be read holds up no other. When partitions move to another worker, their
    mailboxes move along: the new owner goes on from the kept cursor, and what both heard is stored
    once.
    """

    def __init__(
        self, app: faust.App, publisher: LogPublisher, settings: Settings, clock: Clock
    ) -> None:
        self._app = app
        self._publisher = publisher
        self._settings = settings
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self) -> None:
        """Let the app read them while it runs."""
        boxes = [box for box in self._settings.mailboxes if box.url]
        if not boxes:
            return

        @self._app.task
        async def read_mailboxes() -> None:
            try:
                while not self._app.should_stop:
                    await self._tend(boxes)
                    await self._app.sleep(_LOOK_SECONDS)
            finally:
                await self._stop([*self._tasks])

    async def _tend(self, boxes: list[Mailbox]) -> None:
        """Start what this worker owns and does not read yet; stop what it no longer owns."""
        owned = {box.url: box for box in boxes if owns(self._app, box.url)}
        await self._stop([url for url in self._tasks if url not in owned])
        for url, box in owned.items():
            if url not in self._tasks:
                self._tasks[url] = asyncio.create_task(self._read(box), name=f"mailbox {url}")

    async def _stop(self, urls: list[str]) -> None:
        for task in (stopping := [self._tasks.pop(url) for url in urls]):
            task.cancel()
        for task in stopping:
            with suppress(asyncio.CancelledError):
                await task

    async def _read(self, box: Mailbox) -> None:
        """Read a mailbox for as long as it is ours, whatever happens to it."""
        while True:
            try:
                await self._follow(box)
            except HeadwaterError as error:
                log.warning("mailbox can't be read", mailbox=box.address, why=str(error))
            except Exception:  # a bug that one mailbox meets must not stop the others
                log.exception("mailbox met an unforeseen error", mailbox=box.address)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow(self, box: Mailbox) -> None:
        password = await asyncio.to_thread(password_of, self._settings, box)
        source = ImapSource(box.url, password, observer=box.address, follow=True)
        with (
            warehouse(self._settings) as connections,
            running(self._settings, source, self._publisher, connections, self._clock) as (_, them),
        ):
            await them.follow(at_once=False)
