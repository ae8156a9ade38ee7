"""A real Dovecot on loopback, with mailboxes of its own in a folder that goes away."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from imapclient import IMAPClient

from ingest.source import Checkpoint, Glimpse, Withdrawn
from ingest.sources.imap import ImapSource
from local.ports import free_port
from tests.services import need
from tests.waiting import PATIENCE_SECONDS, wait_until

PASSWORD = "correct-horse"
CONNECTIONS = 6
"""How many a user may have at once."""

_CONF = """
base_dir = {run}/run
state_dir = {run}/run
log_path = {run}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
mail_max_userip_connections = {connections}
mail_location = maildir:{run}/mail/%u
namespace inbox {{
  inbox = yes
  mailbox Spam {{
    special_use = \\Junk
  }}
}}
{options}
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={run}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


_PLAIN: Final = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ UIDPLUS MOVE SPECIAL-USE UNSELECT"


class Mailboxes:
    """A user of a running server, and a client for filling their mailboxes."""

    def __init__(self, port: int, user: str = "") -> None:
        self.port = port
        self._user = user or f"kim{uuid4().hex[:8]}@ourco.example"
        self.url = self.url_at(port)

    def url_at(self, port: int) -> str:
        """The address of the same mailboxes at another port."""
        return f"imap://{self._user}@127.0.0.1:{port}"

    @contextmanager
    def session(self) -> Iterator[Any]:
        client = IMAPClient("127.0.0.1", self.port, ssl=False)
        client.login(self._user, PASSWORD)
        yield client
        client.logout()

    def append(self, *mails: bytes, mailbox: str = "INBOX") -> None:
        with self.session() as client:
            if not client.folder_exists(mailbox):
                client.create_folder(mailbox)
            for mail in mails:
                client.append(mailbox, mail)


@pytest.fixture(scope="session")
def dovecot_port() -> Iterator[int]:
    """The port of the session's server: every user has the one password, and empty mailboxes."""
    with _dovecot() as port:
        yield port


@pytest.fixture
def mailboxes(dovecot_port: int) -> Mailboxes:
    """Mailboxes of a user of the test's own."""
    return Mailboxes(dovecot_port)


@pytest.fixture(scope="session")
def plain_dovecot_port() -> Iterator[int]:
    """The port of a server that knows neither CONDSTORE nor IDLE."""
    with _dovecot(_PLAIN) as port:
        yield port


@pytest.fixture
def plain_mailboxes(plain_dovecot_port: int) -> Mailboxes:
    """Mailboxes of a user of the test's own, on a server that knows little."""
    return Mailboxes(plain_dovecot_port)


@contextmanager
def _dovecot(options: str = "") -> Iterator[int]:
    """Run a Dovecot while the body runs; skip where it is not installed."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    need(program, "dovecot is not on the PATH: apt-get install dovecot-imapd")
    assert program
    run = Path(tempfile.mkdtemp(prefix="dovecot"))
    uid = os.getuid() or 1000  # it refuses to read mail as root
    for folder in ("run", "mail", "home"):
        (run / folder).mkdir()
        os.chown(run / folder, uid, uid)
    run.chmod(0o755)
    port = free_port()
    (run / "dovecot.conf").write_text(
        _CONF.format(
            run=run,
            uid=uid,
            port=port,
            password=PASSWORD,
            connections=CONNECTIONS,
            options=options,
        )
    )
    process = subprocess.Popen([program, "-F", "-c", run / "dovecot.conf"])
    try:
        wait_until(lambda: _listens(port) or _said(process, run / "dovecot.log"))
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(run, ignore_errors=True)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _said(process: subprocess.Popen[bytes], log: Path) -> None:
    """Fail with its last words where it has ended."""
    last_words = log.read_text() if log.exists() else "nothing"
    assert process.poll() is None, f"dovecot ended; it said: {last_words}"


def news(source: ImapSource, state: str = "") -> tuple[list[str], list[str], str]:
    """Read once: the names of what came and of what left, and the cursor."""
    items = list(source.read(state))
    states = [item.state for item in items if isinstance(item, Checkpoint)]
    came = [item.external_id for item in items if isinstance(item, Glimpse)]
    left = [item.external_id for item in items if isinstance(item, Withdrawn)]
    return came, left, states[-1] if states else state
