from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.mailboxes import table

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def page():
    import streamlit as st

    from dashboard import mailboxes

    mailboxes.show(st.session_state["captured"])


def captured(sound, *, missing=(), waiting=()):
    return pd.DataFrame(
        {
            "source": f"imap://mail.example/{name}",
            "observer": f"{name}@ours.example",
            "state": "waiting" if name in waiting else "reading",
            "detail": "",
            "last_at": NOW - timedelta(minutes=1),
            "held": 12,
            "counted_until": NOW - timedelta(minutes=20),
            "stored": 12 - (name in missing),
            "dead_lettered": 0,
            "missing": int(name in missing),
            "missing_days": [NOW.date()] if name in missing else [],
        }
        for name in (*missing, *waiting, *(f"rep{number}" for number in range(sound)))
    )


def shown(table):
    app = AppTest.from_function(page)
    app.session_state["captured"] = table
    app.run()
    assert not app.exception
    folded = app.expander[0] if app.expander else None
    return "".join(html.body for html in app.main.get("html")), folded


def test_a_mailbox_says_when_it_was_counted_and_one_that_was_not_says_so():
    both = captured(2)
    both.loc[1, ["observer", "counted_until"]] = ["", pd.NaT]
    counted, uncounted = table(both, NOW).split("</tr>")[1:3]
    assert "12<small>counted 20 min ago</small>" in counted
    assert "not counted yet" in uncounted


@pytest.mark.parametrize("sound", [0, 1, 5])
def test_few_mailboxes_stand_in_the_open(sound):
    text, folded = shown(captured(sound, missing=["kim"]))
    assert folded is None
    assert text.count("@ours.example</b>") == sound + 1


def test_of_many_those_that_lack_mail_or_can_not_be_read_stand_in_the_open():
    text, folded = shown(captured(40, missing=["kim"], waiting=["pat"]))
    assert folded.label == "40 mailboxes are read, and nothing is missing"
    inside = "".join(html.body for html in folded.get("html"))
    assert inside.count("@ours.example</b>") == 40
    assert "kim@ours.example" in text
    assert "pat@ours.example" in text
    assert "kim@ours.example" not in inside
    assert "pat@ours.example" not in inside
