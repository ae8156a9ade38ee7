"""A live day goes on from the company's conversations, the same each time it is played."""

import json
import mailbox
from collections import Counter
from datetime import timedelta
from itertools import islice

import pytest

from contracts.rows import ActivityRow
from contracts.wire import Event
from ingest.sources.maildir import MaildirSource
from settings import load
from simulator.fixture import LiveCall, LiveMail, deliver_mail, live_events
from transforms.rows import to_rows

pytestmark = pytest.mark.xdist_group("fixture_company")  # so that it is written once


def day(written, count, seed=1, **kwargs):
    return list(islice(live_events(written.folder, written.now, seed, **kwargs), count))


def ids(events):
    return [e.message_id if isinstance(e, LiveMail) else e.call_id for e in events]


def test_the_same_day_is_played_the_same(written):
    assert day(written, 200) == day(written, 200)


def test_no_id_comes_up_twice_not_even_on_another_day(written):
    history = [entry["message_id"] for entry in written.truth["mails"]]
    seen = Counter(ids(day(written, 2_000)) + ids(day(written, 500, seed=2)) + history)
    repeated = {each for each, times in seen.items() if times > 1}
    assert repeated == {"scan-to-mail.0001@pacificcold.example"}


def test_every_event_becomes_an_activity_dated_at_its_moment(written):
    company = load(written.folder).company
    channels = set()
    for number, event in enumerate(day(written, 300, every=timedelta(seconds=2))):
        at = written.now + number * timedelta(seconds=2)
        is_mail = isinstance(event, LiveMail)
        heard = Event(
            kind="mail" if is_mail else "call",
            source="live",
            external_id=str(number),
            observer="",
            ingest_run="test",
            received_at=at,
            payload=event.raw if is_mail else json.dumps(event.payload).encode(),
        )
        _, activity = to_rows(heard, company)
        assert isinstance(activity, ActivityRow)
        assert at - timedelta(minutes=21) < activity.event_time <= at
        assert not is_mail or activity.event_time == at.replace(microsecond=0)
        channels.add((activity.channel, activity.direction))
    assert len(channels) == 4


def test_the_fifth_mail_comes_from_an_account_that_had_been_silent(written):
    event = day(written, 5)[4]
    assert b"@mesaverdecement.example" in event.raw.partition(b"\nTo: ")[0]


def test_calls_come_as_the_webhook_wants_them(written):
    calls = [event.payload for event in day(written, 100) if isinstance(event, LiveCall)]
    assert len(calls) > 10
    assert {"provider", "call_id", "started_at", "from", "to", "outcome"} <= set(calls[0])


def test_a_delivered_mail_is_whole_and_new_and_read_by_a_follower(written, tmp_path):
    mail = next(event for event in day(written, 20) if isinstance(event, LiveMail))
    for part in ("cur", "new", "tmp"):
        (tmp_path / mail.user / part).mkdir(parents=True)
    assert deliver_mail(tmp_path, mail).read_bytes() == mail.raw
    assert not list((tmp_path / mail.user / "tmp").iterdir())
    assert len(mailbox.Maildir(tmp_path / mail.user, create=False)) == 1
    heard, _ = MaildirSource(tmp_path, follow=True).read("")
    assert (heard.observer, heard.payload) == (mail.user, mail.raw)
