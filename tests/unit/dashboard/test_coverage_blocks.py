from datetime import UTC, datetime, timedelta

import pandas as pd

from dashboard import coverage_blocks

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def mailboxes(*rows):
    return pd.DataFrame(rows, columns=["observer", "state", "missing"])


def test_a_share_stands_with_what_it_is_a_share_of():
    found = pd.DataFrame(
        {
            "name": ["Acme & <b>"], "active_buyers": [3], "unknown_buyers": [1],
            "activities": [40], "unknown_activities": [10],
        }
    )  # fmt: skip
    text = coverage_blocks.gap(found, "Account")
    assert "33% <small>1 of 3</small>" in text
    assert "25% <small>10 of 40</small>" in text
    assert "Acme &amp; &lt;b&gt;" in text


def test_an_account_without_an_active_buyer_has_no_share():
    found = pd.DataFrame(
        {
            "name": ["Acme"], "active_buyers": [0], "unknown_buyers": [0],
            "activities": [4], "unknown_activities": [0],
        }
    )  # fmt: skip
    assert "none active" in coverage_blocks.gap(found, "Account")


def test_a_rule_is_told_in_words_and_its_counts_can_be_read():
    found = pd.DataFrame(
        {"rule": ["thread", "<new>"], "activities": [10_647, 1], "certain": [10_006, 0],
         "with_deal": [5_818, 0]}
    )  # fmt: skip
    text = coverage_blocks.decisions(found)
    assert "A reply, as its thread</td><td>10,647</td><td>10,006</td><td>5,818" in text
    assert "&lt;new&gt;" in text


def test_what_is_missing_or_can_not_be_read_is_an_alarm_and_nothing_else_is():
    well = ("kim@ours.example", "reading", 0)
    assert coverage_blocks.alarm(mailboxes(well)) == ""
    text = coverage_blocks.alarm(mailboxes(well, ("a@x.example", "reading", 2), ("", "waiting", 0)))
    assert "2 mails of 1 mailbox did not arrive here; a source can&#x27;t be read" in text
    assert "1 mail of 1 mailbox" in coverage_blocks.alarm(mailboxes(("a@x.example", "reading", 1)))


def test_an_alarm_of_many_mailboxes_names_a_few_and_counts_the_rest():
    text = coverage_blocks.alarm(mailboxes(*((f"rep{n}", "waiting", 0) for n in range(51))))
    assert "rep0, rep1, rep2, 48 more can&#x27;t be read" in text
    assert "rep3" not in text


def test_the_age_of_mail_and_crm_is_told_and_so_is_that_there_is_none():
    seen = {"newest_at": NOW - timedelta(seconds=5), "crm_at": pd.NaT}
    text = coverage_blocks.ages(seen, NOW)
    assert "stored 5 s ago" in text
    assert "contacts heard never" in text
