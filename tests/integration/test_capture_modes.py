"""What each mode leaves in the stored rows of one mail: not the body alone may be kept back."""

from datetime import UTC, datetime

import pytest

from contracts.capture import Capture
from contracts.clock import ManualClock
from contracts.company import Company
from contracts.crm_rows import AccountRow
from contracts.wire import Event
from ingest.fuller import FullerFirst
from ingest.gate import Gate
from settings import Settings
from transforms.rows import to_rows
from warehouse.connection import connect

pytestmark = pytest.mark.warehouse

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPANY = Company(own_domains=("ourco.example",))
SUBJECT = "kingfisher renewal"
MAIL = f"""From: Jo Lee <jo@acme.example>
To: kim@ourco.example
Subject: Re: {SUBJECT}
Thread-Topic: {SUBJECT}
Keywords: kingfisher
X-Note: kingfisher
Date: Mon, 23 Nov 2026 10:00:00 +0000
Message-ID: <m1@acme.example>
Content-Type: text/plain; charset=utf-8; name="kingfisher.txt"

Could you please send us the heron quote by Friday? We will be away until Monday.

Best regards,
Jo Lee
Head of heron procurement
Acme Inc
+1 415 555 0199
"""


@pytest.fixture
def stored(reader, writer, warehouse_url, tmp_path):
    """Capture the mail in a mode, as source and worker do; return all that raw tables hold."""
    writer.write(
        [AccountRow(account_id="a", name="Acme", domains=("acme.example",), source="csv",
                    knowable_at=NOW)]
    )  # fmt: skip

    def capture(mode, text=MAIL, keep="all"):
        policy = Capture(mode=mode, keep=keep)
        settings = Settings(home=tmp_path, company=COMPANY, capture=policy)
        gate = Gate(reader, settings, ManualClock(NOW))
        event = Event(
            kind="mail", source="eml:/x", external_id=mode, observer="kim@ourco.example",
            ingest_run="r", received_at=NOW, payload=text.replace("\n", "\r\n").encode(),
        )  # fmt: skip
        FullerFirst(reader, writer).write(to_rows(gate.passed(event), COMPANY))
        return activity(reader), everything(warehouse_url)

    return capture


def activity(reader):
    (row,) = reader.frame("SELECT * FROM raw.activity FINAL").to_dict("records")
    return row


def everything(url):
    client = connect(url)
    tables = client.execute(
        "SELECT name FROM system.tables WHERE database = 'raw' AND name != 'schema_version'"
    )
    return "".join(str(client.execute(f"SELECT * FROM raw.{name}")) for (name,) in tables)


def test_full_keeps_subject_request_and_signature(stored, reader):
    row, held = stored("full")
    assert (row["subject"], row["thread_subject"]) == (f"Re: {SUBJECT}", SUBJECT)
    assert "heron quote" in row["request_sentence"]
    assert row["is_request"]
    assert reader.value("SELECT count() FROM raw.signature") == 1
    assert "+14155550199" in held


def test_subject_keeps_nothing_that_was_read_out_of_the_body(stored, reader):
    row, held = stored("subject")
    assert (row["captured"], row["thread_subject"]) == ("subject", SUBJECT)
    assert (row["body"], row["request_sentence"], row["request_version"]) == ("", "", "")
    assert (row["is_request"], row["language"]) == (False, "")
    assert reader.value("SELECT count() FROM raw.signature") == 0
    assert not [word for word in ("heron", "555", "0199", ".txt") if word in held]


def test_metadata_keeps_no_word_of_subject_or_body_in_any_table(stored, reader):
    row, held = stored("metadata")
    assert row["captured"] == "metadata"
    assert (row["subject"], row["thread_subject"], row["request_sentence"]) == ("", "", "")
    assert not row["is_subject_reply"]
    assert reader.value("SELECT count() FROM raw.signature") == 0
    assert not [word for word in ("kingfisher", "heron", "555", "0199", "quote") if word in held]


def test_of_people_the_crm_does_not_know_nothing_more_is_kept_in_any_mode(stored):
    for mode in ("full", "subject", "metadata"):
        row, held = stored(mode, MAIL.replace("acme.example", "else.example"))
        assert (row["captured"], row["subject"], row["thread_subject"]) == ("metadata", "", "")
        assert "heron" not in held
