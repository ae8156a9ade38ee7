"""IMAP: the mailboxes of an account, from where the last run ended."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from pydantic import SecretStr

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.lighten import MAX_WHOLE_BYTES, Lightener
from ingest.source import Checkpoint, Heard

_TIMEOUT_SECONDS: Final = 60
_FOLLOW_SECONDS: Final = 15.0
_BATCH_MAILS: Final = 50
_WINDOW_BYTES: Final = 262_144
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
_LEFT_OUT: Final = {b"\\Noselect", b"\\NonExistent", b"\\Junk", b"\\Trash", b"\\Drafts"}


class _Address(NamedTuple):
    host: str
    port: int
    user: str
    has_tls: bool


class ImapSource:
    """Reads mail without marking it as read, in bounded memory.

    All mailboxes are read but junk, trash and drafts, or those that are named. The cursor holds,
    for each mailbox, its UIDVALIDITY and the last UID read; a mailbox whose UIDVALIDITY changed is
    read again from its beginning.

    Args:
        url: `imap[s]://USER@HOST[:PORT]`; a `@` in the user is fine. Without TLS the password is
            only sent to this machine, or after STARTTLS.
        password: of the user.
        mailboxes: names; all if empty.
        follow: keep asking for new mail.

    Raises:
        UserError: if the url is not such a url.
    """

    kind: EventKind = "mail"
    resumes = True

    def __init__(
        self,
        url: str,
        password: SecretStr,
        mailboxes: tuple[str, ...] = (),
        *,
        follow: bool = False,
    ) -> None:
        self._address = _parsed(url)
        self._password = password
        self._mailboxes = mailboxes
        self.name = f"imap:{self._address.host}/{self._address.user}"
        self.follow_seconds = _FOLLOW_SECONDS if follow else None

    def read(self, state: str) -> Iterator[Heard | Checkpoint]:
        """Yield the mails that came since, mailbox by mailbox in the order of their UIDs.

        Raises:
            UserError: if the server can't be reached, refuses the password, or has no such mailbox.
        """
        cursor: dict[str, list[int]] = json.loads(state or "{}")
        with _told_clearly(self._address), self._session() as client:
            for mailbox in self._mailboxes or _selectable(client):
                yield from self._mailbox(client, mailbox, cursor)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        address = self._address
        client = IMAPClient(
            address.host, address.port, ssl=address.has_tls, timeout=_TIMEOUT_SECONDS
        )
        try:
            _secure(client, address)
            client.login(address.user, self._password.get_secret_value())
            yield client
        finally:
            client.shutdown()

    def _mailbox(
        self,
        client: Any,
        mailbox: str,
        cursor: dict[str, list[int]],
    ) -> Iterator[Heard | Checkpoint]:
        validity = int(client.select_folder(mailbox, readonly=True)[b"UIDVALIDITY"])
        kept_validity, kept_uid = cursor.get(mailbox, (0, 0))
        last = kept_uid if kept_validity == validity else 0
        # `n:*` always names the newest mail, even where its UID is below n
        uids = sorted(uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last)
        for start in range(0, len(uids), _BATCH_MAILS):
            batch = uids[start : start + _BATCH_MAILS]
            for uid, mail in _fetched(client, batch):
                yield Heard(f"{mailbox}/{validity}/{uid}", self._address.user, mail)
            cursor[mailbox] = [validity, batch[-1]]
            yield Checkpoint(json.dumps(cursor))


def _parsed(url: str) -> _Address:
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
    return _Address(host, port or (993 if has_tls else 143), unquote(user), has_tls)


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:@/]*):[^@]*@", r"\1:...@", url)


def _secure(client: Any, address: _Address) -> None:
    """Encrypt the connection, unless it stays on this machine."""
    if address.has_tls or address.host in _LOOPBACK:
        return
    if not client.has_capability("STARTTLS"):
        raise UserError(
            f"{address.host} offers no encryption on port {address.port}, and the password would "
            "be sent in the clear: use imaps://"
        )
    client.starttls(ssl.create_default_context())


@contextmanager
def _told_clearly(address: _Address) -> Iterator[None]:
    place = f"{address.host}:{address.port}"
    try:
        yield
    except LoginError as error:
        raise UserError(
            f"{place} refused the password of {address.user}: {error}. Providers with two-factor "
            "sign-in want an app password"
        ) from error
    except IMAPClientError as error:
        raise UserError(f"{place} (user {address.user}): {error}") from error
    except OSError as error:
        raise UserError(
            f"no IMAP server can be reached at {place}: {error}. Check host, port, and imap:// or "
            "imaps://"
        ) from error


def _selectable(client: Any) -> list[str]:
    """Return the mailboxes that hold what people said, the inbox first."""
    names = [name for flags, _, name in client.list_folders() if _LEFT_OUT.isdisjoint(flags)]
    return sorted(names, key=lambda name: (name.upper() != "INBOX", name))


def _fetched(client: Any, uids: list[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the mails that are still there; large ones come in pieces and are lightened."""
    sizes = client.fetch(uids, ["RFC822.SIZE"])
    small = [uid for uid in uids if uid in sizes and sizes[uid][b"RFC822.SIZE"] <= MAX_WHOLE_BYTES]
    whole = client.fetch(small, ["BODY.PEEK[]"]) if small else {}
    for uid in uids:
        if uid in whole and (mail := whole[uid].get(b"BODY[]")) is not None:
            yield uid, mail
        elif uid in sizes:
            yield uid, _light(client, uid)


def _light(client: Any, uid: int) -> bytes:
    mail = Lightener()
    offset, piece = 0, b"more"
    while piece:
        fetched = client.fetch([uid], [f"BODY.PEEK[]<{offset}.{_WINDOW_BYTES}>"])
        piece = fetched.get(uid, {}).get(b"BODY[]<%d>" % offset) or b""
        mail.feed(piece)
        offset += len(piece)
    return mail.mail()
