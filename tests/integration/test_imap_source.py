"""IMAP against a real server."""

import tracemalloc

import pytest
from pydantic import SecretStr

from contracts.errors import UserError
from ingest.lighten import MAX_LIGHT_BYTES
from ingest.source import Checkpoint, Glimpse
from ingest.sources.imap import ImapSource
from tests.dovecot import PASSWORD

pytestmark = pytest.mark.dovecot


def mail(number, body="Hello"):
    return f"From: jo@acme.example\r\nSubject: {number}\r\n\r\n{body}\r\n".encode()


def read(account, state="", **options):
    """Return the mails that a new run reads, headers first, then bodies; and the cursor."""
    source = ImapSource(account.url, SecretStr(PASSWORD), **options)
    items = list(source.read(state))
    states = [item.state for item in items if isinstance(item, Checkpoint)]
    glimpsed = [item.external_id for item in items if isinstance(item, Glimpse)]
    heard = list(source.fetch(glimpsed))
    source.close()
    return heard, states[-1] if states else state


def test_all_mailboxes_are_read_but_junk_trash_and_drafts(mailboxes):
    mailboxes.append(mail(1))
    mailboxes.append(mail(2), mailbox="Käufer & Co")
    with mailboxes.session() as client:
        client.create_folder("Empty")
    mailboxes.append(mail(3), mailbox="Spam")
    heard, _ = read(mailboxes)
    assert [item.external_id.split("/")[0] for item in heard] == ["INBOX", "Käufer & Co"]
    assert heard[0].payload == mail(1)


def test_reading_marks_nothing_as_read(mailboxes):
    mailboxes.append(mail(1))
    read(mailboxes)
    with mailboxes.session() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search("UNSEEN") == [1]


def test_a_mailbox_with_a_new_uidvalidity_is_read_again(mailboxes):
    mailboxes.append(mail(1), mail(2), mailbox="Deals")
    _, state = read(mailboxes)
    with mailboxes.session() as client:
        client.delete_folder("Deals")
    mailboxes.append(mail(3), mailbox="Deals")
    heard, _ = read(mailboxes, state)
    assert [item.payload for item in heard] == [mail(3)]


def test_more_mail_than_a_batch_is_read_with_cursors_on_the_way(mailboxes):
    mailboxes.append(*(mail(number) for number in range(70)))
    items = list(ImapSource(mailboxes.url, SecretStr(PASSWORD)).read(""))
    at, cursor = next((at, item) for at, item in enumerate(items) if isinstance(item, Checkpoint))
    rest, _ = read(mailboxes, cursor.state)
    assert at == 50
    assert [item.payload for item in rest] == [mail(number) for number in range(50, 70)]


def test_a_mail_that_is_deleted_is_passed_over(mailboxes):
    mailboxes.append(mail(1), mail(2), mail(3))
    with mailboxes.session() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    assert [item.payload for item in read(mailboxes)[0]] == [mail(1), mail(3)]


def test_a_large_attachment_comes_in_pieces_and_is_left_out(mailboxes):
    attachment = "QUJD" * 19 + "\r\n"
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nwritten\r\n"
        "--b\r\nContent-Type: application/pdf\r\n\r\n" + attachment * 200_000 + "--b--\r\n"
    )
    head = "From: jo@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    mailboxes.append((head + body).encode())
    tracemalloc.start()
    try:
        (heard,), _ = read(mailboxes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert b"written" in heard.payload
    assert b"QUJD" not in heard.payload
    assert peak < 4 * MAX_LIGHT_BYTES


def test_a_wrong_password_a_missing_mailbox_and_a_wrong_port_are_told_apart(mailboxes):
    wrong = ImapSource(mailboxes.url, SecretStr("wrong"))
    with pytest.raises(UserError, match="refused the password of kim") as error:
        list(wrong.read(""))
    assert "wrong" not in str(error.value)
    with pytest.raises(UserError, match="Nowhere"):
        read(mailboxes, mailboxes=("Nowhere",))
    with pytest.raises(UserError, match="no IMAP server can be reached"):
        list(ImapSource("imaps://kim@127.0.0.1:1", SecretStr("x")).read(""))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "kim@host",
        "http://kim@host",
        "imap://host",
        "imap://kim:secret@host",
        "imap://kim@host:x",
    ],
)
def test_what_is_no_address_is_refused_without_telling_the_password(url):
    with pytest.raises(UserError, match="imaps://USER@HOST") as error:
        ImapSource(url, SecretStr("x"))
    assert "secret" not in str(error.value)


def test_a_user_may_hold_an_at_sign():
    for url in (
        "imaps://kim@ourco.example@mail.example",
        "imaps://kim%40ourco.example@mail.example",
    ):
        assert ImapSource(url, SecretStr("x")).name == "imap:mail.example/kim@ourco.example"
