"""A connection to an IMAP server: opened at need, encrypted, and clear about what goes wrong."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from time import monotonic, sleep
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError
from pydantic import SecretStr

from contracts.errors import Retryable, UserError

_TIMEOUT_SECONDS: Final = 60
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
_LEFT_OUT: Final = {b"\\Noselect", b"\\NonExistent", b"\\Junk", b"\\Trash", b"\\Drafts"}
_NEWS: Final = {b"EXISTS", b"EXPUNGE", b"VANISHED"}

# What SEARCH finds comes in one line: imaplib takes 1 MB, some 100,000 mails.
imaplib._MAXLINE = 64_000_000  # type: ignore[attr-defined]  # noqa: SLF001 it has no other name

# RFC 5530, RFC 9208, and what Google and Microsoft say instead of a code
_NOT_NOW: Final = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|OVERQUOTA|THROTTLED|SERVERBUG|CONTACTADMIN)\]"
    r"|too many|throttl|try again|temporar|rate limit|bandwidth|connection limit",
    re.IGNORECASE,
)

_BYTES_REPR: Final = re.compile(r"""\bb(['"])(.*)\1""")
"""IMAPClient tells what a server said as Python writes bytes."""


class Address(NamedTuple):
    """Where a server is, and whose mailboxes are read."""

    host: str
    port: int
    user: str
    has_tls: bool


class Status(NamedTuple):
    """What tells whether a folder changed; a server without CONDSTORE has no modseq (0)."""

    validity: int
    next_uid: int
    messages: int
    modseq: int


def parsed(url: str) -> Address:
    """Read `imap[s]://USER@HOST[:PORT]`; raises UserError if it is none, or holds a password."""
    try:
        parts = urlsplit(url)
        user, _, _ = parts.netloc.rpartition("@")
        host, port = parts.hostname, parts.port
    except ValueError:
        user, host, port, parts = "", None, None, urlsplit("")
    if parts.scheme not in {"imap", "imaps"} or not user or not host or ":" in user:
        raise UserError(
            f"{_without_password(url)!r} is not an address: write imaps://USER@HOST or "
            "imap://USER@HOST:PORT, and give the password in HEADWATER_IMAP_PASSWORD"
        )
    has_tls = parts.scheme == "imaps"
    return Address(host, port or (993 if has_tls else 143), unquote(user), has_tls)


class Session:
    """Asks a server; what it answers is not interpreted further. Used by one thread at a time.

    Every method raises:
        UserError: the server can't be reached at all, refuses the password or the command.
        Retryable: the connection broke, or the server wants to be asked later. The next call
            connects again.
    """

    def __init__(self, address: Address, password: SecretStr) -> None:
        self.address = address
        self._password = password
        self._client: Any = None
        self._selected: tuple[str, int] | None = None
        self._idles = False

    def folders(self) -> list[str]:
        """Return the folders that hold what people said, the inbox first."""
        with self._asked() as client:
            listed = client.list_folders()
        names = [name for flags, _, name in listed if _LEFT_OUT.isdisjoint(flags)]
        return sorted(names, key=lambda name: (name.upper() != "INBOX", name))

    def status(self, folder: str) -> Status:
        """Return a folder's state without selecting it."""
        with self._asked() as client:
            asked = ["UIDVALIDITY", "UIDNEXT", "MESSAGES"]
            asked += ["HIGHESTMODSEQ"] if client.has_capability("CONDSTORE") else []
            told = client.folder_status(folder, asked)
        keys = (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ")
        return Status(*(int(told.get(key) or 0) for key in keys))

    def select(self, folder: str) -> int:
        """Select a folder, read-only, and return its UIDVALIDITY."""
        with self._asked() as client:
            if self._selected is None or self._selected[0] != folder:
                self._selected = None
                validity = int(client.select_folder(folder, readonly=True)[b"UIDVALIDITY"])
                self._selected = folder, validity
            return self._selected[1]

    def deselect(self) -> None:
        """Leave the selected folder: of one that is open, a server tells what it was when opened.

        It was opened read-only, so that nothing is removed. If it is gone by now, the server may
        close the connection: the next call opens another.
        """
        if self._selected is not None:
            with suppress(Retryable), self._asked() as client:
                client.close_folder()
            self._selected = None

    def search(self, criteria: list[object]) -> set[int]:
        """Return the UIDs in the selected folder that fit."""
        with self._asked() as client:
            client.noop()  # so that the server tells what left since the folder was selected
            return set(map(int, client.search(criteria)))

    def fetch(self, uids: list[int], parts: list[str]) -> dict[int, dict[bytes, Any]]:
        """Return parts of messages that are still in the selected folder."""
        if not uids:
            return {}
        with self._asked() as client:
            return dict(client.fetch(uids, parts))

    def wait(self, seconds: float) -> bool:
        """Wait for news of the inbox; where the server can't tell any, only wait."""
        with self._reached():
            can_tell = self._connected().has_capability("IDLE")
        if not can_tell:
            sleep(seconds)
            return False
        if not self._idles:
            self.select("INBOX")
            with self._reached():
                self._client.idle()
            self._idles = True
        return self._news(seconds)

    def close(self) -> None:
        """Leave; the next call connects again. Any thread may: one that waits is woken."""
        client, self._client = self._client, None
        self._selected, self._idles = None, False
        if client is not None:
            with suppress(Exception):  # it may be broken, and it is left anyway
                client.socket().shutdown(SHUT_RDWR)
            with suppress(Exception):
                client.shutdown()

    def _news(self, seconds: float) -> bool:
        before = monotonic()
        with self._reached():
            told = self._client.idle_check(timeout=seconds)
            if not told and monotonic() - before < seconds / 2:
                raise IMAPClientAbortError("it was closed while waiting for mail")
        return any(len(line) > 1 and line[1] in _NEWS for line in told)

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        with self._reached():
            client = self._connected()
            if self._idles:
                client.idle_done()
                self._idles = False
            yield client

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._opened()
        return self._client

    def _opened(self) -> Any:
        address = self.address
        try:
            client = IMAPClient(
                address.host, address.port, ssl=address.has_tls, timeout=_TIMEOUT_SECONDS
            )
        except OSError as error:
            raise UserError(
                f"no IMAP server can be reached at {address.host}:{address.port}: {error}. Check "
                "host, port, and imap:// or imaps://"
            ) from error
        client.normalise_times = False  # times keep the zone in which the server told them
        try:
            _secure(client, address)
            client.login(address.user, self._password.get_secret_value())
        except BaseException:
            client.shutdown()
            raise
        return client

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Say what went wrong in words that a person can act on, and leave a broken connection."""
        place = f"{self.address.host}:{self.address.port} (user {self.address.user})"
        try:
            yield
        except (OSError, IMAPClientAbortError) as error:
            self.close()
            raise Retryable(f"{place}: the connection broke: {error}") from error
        except IMAPClientError as error:
            self.close()
            said = _BYTES_REPR.sub(r"\2", str(error))
            if _NOT_NOW.search(said):
                raise Retryable(f"{place} wants to be asked later: {said}") from error
            if isinstance(error, LoginError):
                raise UserError(
                    f"{place} refused the password of {self.address.user}: {said}. Providers with "
                    "two-factor sign-in want an app password"
                ) from error
            raise UserError(f"{place}: {said}") from error


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:@/]*):[^@]*@", r"\1:...@", url)


def _secure(client: Any, address: Address) -> None:
    """Encrypt the connection, unless it stays on this machine."""
    if address.has_tls or address.host in _LOOPBACK:
        return
    if not client.has_capability("STARTTLS"):
        raise UserError(
            f"{address.host} offers no encryption on port {address.port}, and the password would "
            "be sent in the clear: use imaps://"
        )
    client.starttls(ssl.create_default_context())
