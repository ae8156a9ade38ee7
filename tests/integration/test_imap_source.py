"""IMAP against a real server."""

import tracemalloc
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from contracts.errors import Retryable, UserError
from ingest.lighten import MAX_LIGHT_BYTES
from ingest.source import Checkpoint, Glimpse
from ingest.sources.imap import ImapSource
from tests.dovecot import CONNECTIONS, PASSWORD, news
from tests.waiting import PATIENCE_SECONDS, wait_until

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
    assert "b'" not in str(error.value)
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


@pytest.fixture
def source(mailboxes):
    source = ImapSource(mailboxes.url, SecretStr(PASSWORD), follow=True)
    yield source
    source.close()


def test_a_header_comes_without_its_body(mailboxes, source):
    mailboxes.append(mail(1, "the body"))
    (glimpse,) = [item for item in source.read("") if isinstance(item, Glimpse)]
    assert b"jo@acme.example" in glimpse.payload
    assert b"the body" not in glimpse.payload
    assert glimpse.held_at.tzinfo is not None


def test_a_mail_that_moves_leaves_one_folder_and_comes_in_another(mailboxes, source):
    mailboxes.append(mail(1), mail(2))
    mailboxes.append(mail(3), mailbox="Deals")
    came, left, state = news(source)
    assert (len(came), left) == (3, [])
    with mailboxes.session() as client:
        client.select_folder("INBOX")
        client.move([1], "Deals")
    came_then, left, state = news(source, state)
    assert left == [came[0]]
    assert [name.split("/")[0] for name in came_then] == ["Deals"]
    assert news(source, state)[:2] == ([], [])


def test_a_mail_that_is_marked_as_deleted_and_a_folder_that_goes_are_noted(mailboxes, source):
    mailboxes.append(mail(1), mail(2))
    mailboxes.append(mail(3), mailbox="Deals")
    came, _, state = news(source)
    with mailboxes.session() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.unselect_folder()
        client.delete_folder("Deals")
    _, left, state = news(source, state)
    assert sorted(left) == sorted(came[1:])
    assert news(source, state) == ([], [], state)


def test_what_is_read_under_a_new_uidvalidity_takes_the_place_of_what_was(mailboxes, source):
    mailboxes.append(mail(1), mailbox="Deals")
    before, _, state = news(source)
    with mailboxes.session() as client:
        client.delete_folder("Deals")
    mailboxes.append(mail(1), mailbox="Deals")
    came, left, _ = news(source, state)
    assert left == before
    assert len(came) == 1
    assert came != before


def test_the_inbox_tells_its_news_and_silence_is_no_news(mailboxes, source):
    _, _, state = news(source)
    assert not source.wait(0.2)
    mailboxes.append(mail(1))
    assert source.wait(PATIENCE_SECONDS)
    assert len(news(source, state)[0]) == 1


def test_counting_asks_for_no_mail_and_leaves_out_what_is_deleted(mailboxes, source):
    day = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    with mailboxes.session() as client:
        for hours in (0, 1, 48):
            client.append("INBOX", mail(hours), msg_time=day + timedelta(hours=hours))
        client.select_folder("INBOX")
        client.delete_messages([3])
    held = source.count(day - timedelta(days=1), day + timedelta(days=5))
    (counted,) = held.values()
    assert counted == {day.date(): 1, day.date() + timedelta(days=1): 1}
    assert (
        source.count(day + timedelta(hours=1), day + timedelta(hours=2)).popitem()[1].total() == 1
    )


def test_a_connection_that_breaks_is_asked_again_from_the_cursor(mailboxes, source):
    mailboxes.append(*(mail(number) for number in range(60)))
    items = source.read("")
    first = [next(items) for _ in range(51)]
    source._session._client.socket().shutdown(2)
    with pytest.raises(Retryable, match="connection broke"):
        list(items)
    assert len(news(source, first[-1].state)[0]) == 10


def test_a_server_that_has_too_many_connections_is_asked_later(mailboxes, source):
    with ExitStack() as busy:
        for _ in range(CONNECTIONS):
            busy.enter_context(mailboxes.session())
        with pytest.raises(Retryable, match="asked later"):
            news(source)
    came, *_ = wait_until(lambda: unless_busy(source))
    assert came == []


def unless_busy(source):
    """The news; none while the server still counts connections that have ended."""
    try:
        return news(source)
    except Retryable:
        return None
