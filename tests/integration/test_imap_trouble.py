"""IMAP where the server knows little, or the connection does not do as it should: a real Dovecot,
and between it and us a proxy that spoils its answers."""

from time import monotonic

import pytest
from pydantic import SecretStr

from contracts.errors import Retryable
from ingest import imap_session
from ingest.source import Checkpoint, Glimpse, Heard
from ingest.sources.imap import ImapSource
from tests.dovecot import PASSWORD, news
from tests.imap_proxy import cut, proxied, refused, shut_down, silent

pytestmark = pytest.mark.dovecot

MAILS = 120


def mail(number, body="Hello"):
    return f"From: jo@acme.example\r\nSubject: {number}\r\n\r\n{body} {number}\r\n".encode()


@pytest.fixture
def follow():
    """Opens sources that keep their connection, and closes them."""
    opened = []

    def open_at(url):
        opened.append(ImapSource(url, SecretStr(PASSWORD), follow=True))
        return opened[-1]

    yield open_at
    for source in opened:
        source.close()


def test_a_server_without_condstore_and_idle_is_read_as_well(plain_mailboxes, follow):
    plain_mailboxes.append(mail(1), mail(2))
    plain_mailboxes.append(mail(3), mailbox="Deals")
    source = follow(plain_mailboxes.url)
    came, _, state = news(source)
    assert len(came) == 3
    assert source._session.status("INBOX").modseq == 0
    assert news(source, state) == ([], [], state)
    with plain_mailboxes.session() as client:
        assert not {b"CONDSTORE", b"IDLE"} & set(client.capabilities())
        client.select_folder("INBOX")
        client.move([1], "Deals")
        client.append("INBOX", mail(4))  # as many as before
    came_then, left, state = news(source, state)
    assert left == came[:1]
    assert sorted(name.split("/")[0] for name in came_then) == ["Deals", "INBOX"]
    assert news(source, state) == ([], [], state)


def test_without_condstore_a_mark_of_deletion_is_noted_when_the_folder_changes(
    plain_mailboxes, follow
):
    plain_mailboxes.append(mail(1), mail(2))
    source = follow(plain_mailboxes.url)
    came, _, state = news(source)
    with plain_mailboxes.session() as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        assert news(source, state)[1] == []
        client.expunge()
    assert news(source, state)[1] == came[:1]


def test_without_idle_waiting_takes_its_time_and_the_next_pass_has_the_news(
    plain_mailboxes, follow
):
    source = follow(plain_mailboxes.url)
    _, _, state = news(source)
    plain_mailboxes.append(mail(1))
    began = monotonic()
    assert not source.wait(0.3)
    assert monotonic() - began >= 0.3
    assert len(news(source, state)[0]) == 1


NOT_NOW = [
    refused("[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"),
    refused("[LIMIT] Too many requests"),
    refused("[THROTTLED] slow down"),
    refused("[UNAVAILABLE] Temporary authentication failure"),
    refused("Request is throttled. Suggested Backoff Time: 300 seconds"),
    refused("[INUSE] Timeout while waiting for lock"),
    shut_down,
    cut,
]


@pytest.mark.parametrize("command", [b"BODY.PEEK[HEADER]", b"BODY.PEEK[]"])
def test_whatever_breaks_in_the_middle_nothing_is_lost_and_nothing_comes_from_elsewhere(
    mailboxes, follow, command
):
    mailboxes.append(*(mail(number) for number in range(MAILS)))
    with proxied(mailboxes.port) as proxy:
        proxy.command, proxy.spoils = command, list(NOT_NOW)
        heads, bodies, failed = read_with_patience(follow(mailboxes.url_at(proxy.port)))
        assert proxy.spoiled == failed == len(NOT_NOW)
    assert sorted(bodies.values()) == sorted(mail(number) for number in range(MAILS))
    assert all(bodies[name].startswith(head) for name, head in heads.items())


def read_with_patience(source):
    """What is read when each trouble is followed by reading on; each thing under its one name."""
    heads, bodies, state, failed = {}, {}, "", 0
    while True:
        try:
            since = {}
            for item in source.read(state):
                if isinstance(item, Glimpse):
                    since[item.external_id] = item.payload
                elif isinstance(item, Checkpoint):
                    wanted = [name for name in since if name not in bodies]
                    for heard in source.fetch(wanted):
                        assert isinstance(heard, Heard)
                        bodies[heard.external_id] = heard.payload
                    heads |= since
                    since, state = {}, item.state
        except Retryable:
            failed += 1
        else:
            return heads, bodies, failed


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(spoil, "asked later") for spoil in NOT_NOW[:6]]
    + [(shut_down, "broke"), (cut, "broke"), (silent, "broke: .*timed out")],
)
def test_each_trouble_is_told_as_one_that_passes(mailboxes, follow, monkeypatch, spoil, why):
    monkeypatch.setattr(imap_session, "_TIMEOUT_SECONDS", 1)
    mailboxes.append(*(mail(number) for number in range(5)))
    with proxied(mailboxes.port) as proxy:
        proxy.spoils = [spoil]
        source = follow(mailboxes.url_at(proxy.port))
        with pytest.raises(Retryable, match=why):
            news(source)
        assert len(news(source)[0]) == 5


def test_a_folder_with_more_mails_than_a_megabyte_of_names_is_searched(mailboxes, follow):
    mailboxes.append(mail(1))
    many = range(1_000_000_000, 1_000_200_000)

    def in_a_long_line(_, answer):
        return answer.replace(b"* SEARCH", b"* SEARCH " + " ".join(map(str, many)).encode()), True

    with proxied(mailboxes.port) as proxy:
        proxy.command, proxy.spoils = b"SEARCH", [in_a_long_line]
        session = follow(mailboxes.url_at(proxy.port))._session
        session.select("INBOX")
        assert session.search(["UNDELETED"]) == {1, *many}


def test_a_refusal_that_does_not_pass_is_told_as_one(mailboxes, follow):
    mailboxes.append(mail(1))
    with proxied(mailboxes.port) as proxy:
        proxy.spoils = [refused("[CANNOT] Invalid message number")]
        with pytest.raises(Exception, match="CANNOT") as error:
            news(follow(mailboxes.url_at(proxy.port)))
    assert not isinstance(error.value, Retryable)
