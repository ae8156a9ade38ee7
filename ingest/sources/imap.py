"""IMAP: the folders of an account, from where the last run ended."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from contracts.wire import EventKind
from ingest import imap_cursor
from ingest.imap_cursor import Folder
from ingest.imap_session import Session, parsed
from ingest.lighten import MAX_HEADER_BYTES, MAX_WHOLE_BYTES, Lightener
from ingest.source import Checkpoint, Found, Glimpse, Heard, Withdrawn

_FOLLOW_SECONDS: Final = 15.0
_BATCH_MAILS: Final = 50
_BATCH_COUNTED: Final = 2_000
_WINDOW_BYTES: Final = 262_144
_HEADER: Final = f"BODY.PEEK[HEADER]<0.{MAX_HEADER_BYTES}>"


class ImapSource:
    """Reads mail without marking it as read, in bounded memory; headers first.

    All folders are read but junk, trash and drafts, or those that are named. The cursor holds, for
    each folder, its UIDVALIDITY and the UIDs read. A folder whose state did not change costs one
    STATUS; one whose UIDVALIDITY changed is read again from its beginning. Of a mail that is gone
    from its folder, or marked as deleted, a withdrawal is told. The inbox's news come by IDLE,
    where the server has it.

    Args:
        url: `imap[s]://USER@HOST[:PORT]`; a `@` in the user is fine. Without TLS the password is
            only sent to this machine, or after STARTTLS.
        password: of the user.
        mailboxes: names of folders; all if empty.
        observer: whose mailbox it is, where the user's name does not say.
        follow: keep asking for new mail, over a connection that stays open.

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
        observer: str = "",
        follow: bool = False,
    ) -> None:
        address = parsed(url)
        self._session = Session(address, password)
        self._mailboxes = mailboxes
        self._observer = observer or address.user
        self.name = f"imap:{address.host}/{address.user}"
        self.follow_seconds = _FOLLOW_SECONDS if follow else None

    def read(self, state: str) -> Iterator[Found]:
        """Yield the headers that came since, folder by folder in the order of their UIDs.

        Raises:
            UserError: if the server can't be reached, refuses the password, or has no such folder.
            Retryable: if the connection broke, or the server wants to be asked later.
        """
        folders = imap_cursor.parse(state)
        try:
            self._session.deselect()
            listed = self._session.folders()
            if not self._mailboxes:
                yield from self._vanished(folders, listed)
            for name in self._mailboxes or listed:
                yield from self._folder(name, folders)
        finally:
            if self.follow_seconds is None:
                self._session.close()

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Heard]:
        """Yield the mails that are still where they were; raises as `read` does."""
        wanted: dict[tuple[str, int], list[int]] = defaultdict(list)
        for external_id in external_ids:
            name, validity, uid = external_id.rsplit("/", 2)
            wanted[name, int(validity)].append(int(uid))
        listed = set(self._session.folders()) if wanted else set()
        for (name, epoch), uids in wanted.items():
            if name in listed and self._session.select(name) == epoch:
                for start in range(0, len(uids), _BATCH_MAILS):
                    yield from self._mails(name, epoch, uids[start : start + _BATCH_MAILS])

    def count(self, since: datetime, until: datetime) -> Mapping[str, Counter[date]]:
        """Return how many mails the folders took in by day, by the server's INTERNALDATE."""
        held: Counter[date] = Counter()
        for name in self._mailboxes or self._session.folders():
            self._session.select(name)
            first = (since - timedelta(days=1)).date()  # the server's days are its own
            uids = sorted(self._session.search(["SINCE", first, "UNDELETED"]))
            for start in range(0, len(uids), _BATCH_COUNTED):
                batch = self._session.fetch(uids[start : start + _BATCH_COUNTED], ["INTERNALDATE"])
                moments = (_held_at(parts) for parts in batch.values())
                held.update(at.date() for at in moments if at and since <= at < until)
        return {self._observer: held}

    def wait(self, seconds: float) -> bool:
        """Wait for news of the inbox; raises as `read` does."""
        return self._session.wait(seconds)

    def close(self) -> None:
        """Leave the connection."""
        self._session.close()

    def _folder(self, name: str, folders: dict[str, Folder]) -> Iterator[Found]:
        status = self._session.status(name)
        folder = folders.get(name, Folder())
        if folder.status == status:
            return
        if folder.validity != status.validity:
            yield from self._withdrawn(name, folder, folder.known())
            folder = Folder(validity=status.validity)
        folders[name] = folder
        yield from self._changes(name, folder, folders)
        folder.status = status
        yield Checkpoint(imap_cursor.tell(folders))

    def _changes(self, name: str, folder: Folder, folders: dict[str, Folder]) -> Iterator[Found]:
        """Yield what left a folder and the headers of what came; note both in the cursor."""
        validity = self._session.select(name)
        present, known = self._session.search(["UNDELETED"]), folder.known()
        yield from self._withdrawn(name, folder, known - present)
        known &= present
        new = sorted(present - known)
        for start in range(0, len(new), _BATCH_MAILS):
            batch = new[start : start + _BATCH_MAILS]
            self._session.select(name)  # what is fetched in between may have selected another
            yield from self._headers(name, validity, batch)
            known.update(batch)
            folder.know(known)
            yield Checkpoint(imap_cursor.tell(folders))
        folder.know(known)

    def _vanished(self, folders: dict[str, Folder], listed: list[str]) -> Iterator[Withdrawn]:
        """Yield what was in folders that are gone, or are not read any more."""
        for name in [name for name in folders if name not in listed]:
            folder = folders.pop(name)
            yield from self._withdrawn(name, folder, folder.known())

    def _withdrawn(self, name: str, folder: Folder, uids: set[int]) -> Iterator[Withdrawn]:
        for uid in sorted(uids):
            yield Withdrawn(f"{name}/{folder.validity}/{uid}", self._observer)

    def _headers(self, name: str, validity: int, uids: list[int]) -> Iterator[Glimpse]:
        for uid, parts in sorted(self._session.fetch(uids, [_HEADER, "INTERNALDATE"]).items()):
            external_id = f"{name}/{validity}/{uid}"
            header = parts.get(b"BODY[HEADER]<0>") or b""
            yield Glimpse(external_id, self._observer, header, _held_at(parts))

    def _mails(self, name: str, validity: int, uids: list[int]) -> Iterator[Heard]:
        """Yield the mails that are still there; large ones come in pieces and are lightened."""
        about = self._session.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        small = [uid for uid, parts in about.items() if parts[b"RFC822.SIZE"] <= MAX_WHOLE_BYTES]
        whole = self._session.fetch(small, ["BODY.PEEK[]"])
        for uid, parts in about.items():
            mail = whole[uid].get(b"BODY[]") if uid in whole else self._light(uid)
            if mail is not None:
                external_id = f"{name}/{validity}/{uid}"
                yield Heard(external_id, self._observer, mail, _held_at(parts))

    def _light(self, uid: int) -> bytes:
        mail = Lightener()
        offset, piece = 0, b"more"
        while piece:
            fetched = self._session.fetch([uid], [f"BODY.PEEK[]<{offset}.{_WINDOW_BYTES}>"])
            piece = fetched.get(uid, {}).get(b"BODY[]<%d>" % offset) or b""
            mail.feed(piece)
            offset += len(piece)
        return mail.mail()


def _held_at(parts: Mapping[bytes, Any]) -> datetime | None:
    """Return when the server took a mail in; aware. None if it is no time that there can be."""
    at = parts.get(b"INTERNALDATE")
    try:
        return at.astimezone(UTC) if isinstance(at, datetime) else None
    except OverflowError:  # the first or the last day of all
        return None
