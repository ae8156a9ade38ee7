from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from contracts.errors import Fatal, Retryable
from dashboard import blocks, queries

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


def freshness(age: timedelta, live: int = 3, brought_in: int = 0) -> str:
    seen = {
        "looked_at": NOW,
        "newest_at": NOW - age,
        "live": live,
        "brought_in": brought_in,
        "p50_seconds": 0.2,
        "p99_seconds": 1.4,
    }
    return blocks.freshness(seen, ZONE)


def heard(**changes: object) -> pd.DataFrame:
    row = {
        "activity_id": "0b4c2f54-7a0e-4d0a-9d7e-2f5d1c6f8a31",
        "channel": "email",
        "direction": "inbound",
        "event_time": NOW - timedelta(minutes=1),
        "ingested_at": NOW - timedelta(minutes=1),
        "subject": "Hello",
        "duration_seconds": 0,
        "theirs": ["anna@buyer.example"],
        "ours": ["kim@ours.example"],
        "account_id": "A-1",
        "account_name": "Buyer",
        "opportunity_id": "",
        "opportunity_name": "",
        "match_rule": "contact",
        "match_reason": "anna@buyer.example is an address of Anna, Buyer",
    }
    return pd.DataFrame([row | changes])


def test_the_age_of_the_data_is_told_with_its_delays_and_time_zone():
    text = freshness(timedelta(seconds=3))
    assert "Live" in text
    assert "<b>3 s ago</b>" in text
    assert "half within <b>200 ms</b>, 99 of 100 within <b>1.4 s</b> (3 activities live" in text
    assert "13:00:00" in text
    assert "Europe/Berlin" in text


def test_old_data_is_not_called_live():
    text = freshness(timedelta(hours=3), live=0)
    assert "Live" not in text
    assert "Quiet" in text
    assert "3 h ago" in text
    assert "nothing live in the last hour</span>" in text
    assert "headwater status" in text


def test_what_was_brought_in_is_told_beside_what_came_live():
    text = freshness(timedelta(seconds=3), brought_in=20_142)
    assert "(3 activities live in the last hour, beside 20,142 brought in)" in text
    text = freshness(timedelta(seconds=3), live=0, brought_in=1)
    assert "nothing live in the last hour, beside 1 brought in" in text


def test_an_outage_says_since_when_and_shows_no_stack():
    error = Retryable("reading: the warehouse does not answer (Connection refused)")
    text = blocks.outage(error, NOW, NOW - timedelta(seconds=40), ZONE)
    assert "The warehouse does not answer" in text
    assert "last answer 40 s ago, at 12:59:20" in text
    assert "Connection refused" in text
    assert "Traceback" not in text


def test_a_lasting_fault_is_not_told_as_an_outage():
    text = blocks.outage(Fatal("Run `headwater migrate`"), NOW, None, ZONE)
    assert "can't be read" in text
    assert "headwater migrate" in text


def test_what_was_heard_can_t_write_html():
    script = "<script>alert(1)</script>"
    text = blocks.feed(
        heard(
            subject=script,
            theirs=[f"{script}@x.example"],
            account_name=script,
            opportunity_name=script,
            match_reason=script,
        ),
        NOW,
        ZONE,
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 5
    waiting = pd.DataFrame(
        [
            {
                "reason": script,
                "waiting": 1,
                "oldest_at": NOW,
                "sources": script,
                "newest_detail": "x",
            }
        ]
    )
    assert "<script" not in blocks.dead_letters(waiting, NOW)


def test_an_activity_says_who_wrote_to_whom():
    inbound, outbound = heard(), heard(direction="outbound")
    assert "anna@buyer.example → kim@ours.example" in blocks.feed(inbound, NOW, ZONE)
    assert "kim@ours.example → anna@buyer.example" in blocks.feed(outbound, NOW, ZONE)


def test_an_activity_without_an_account_says_so_and_why():
    open_still = heard(account_id="", account_name="", match_rule="none", match_reason="Nobody")
    text = blocks.feed(open_still, NOW, ZONE)
    assert "no account" in text
    assert "Nobody" in text


def test_an_activity_that_waits_for_its_match_is_not_said_to_have_no_account():
    waits = heard(account_id="", account_name="", match_rule="", match_reason="")
    text = blocks.feed(waits, NOW, ZONE)
    assert "no account" not in text
    assert "Not matched yet" in text


def test_the_sql_on_show_quotes_its_values():
    sql = queries.spelled_out(
        queries.SCORE, {"account_id": "O'Brien\\", "as_of": "x", "weights": "v1"}
    )
    assert "account_id = 'O\\'Brien\\\\'" in sql
    assert not sql.startswith(" ")
