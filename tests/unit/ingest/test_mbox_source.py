"""mbox files as they are found, whole and broken."""

import gzip
from datetime import UTC, datetime
from time import process_time

import pytest

from contracts.errors import UserError
from ingest.source import Checkpoint, Heard
from ingest.sources.mbox import MboxSource

FROM = b"From jo@acme.example Mon Nov  2 10:00:00 2026\n"


def mails(path, content):
    path.write_bytes(content)
    return [item.payload for item in MboxSource(path).read("") if isinstance(item, Heard)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.mbox"


def test_a_sentence_that_begins_with_from_is_text(path):
    body = FROM + b"Subject: a\n\nFrom here on it is easy.\n\nFrom now until 2027.\n"
    assert len(mails(path, body)) == 1


def test_a_quoted_from_line_is_unquoted(path):
    body = FROM + b"Subject: a\n\n>From me\n>>From you\n"
    assert mails(path, body) == [b"Subject: a\n\nFrom me\n>From you\n"]


@pytest.mark.parametrize(
    "line",
    [
        b"From - Mon Nov 02 10:00:00 2026\n",
        b"From 12@xxx Mon Nov 02 10:00:00 +0000 2026\r\n",
        b"From MAILER-DAEMON Mon Nov  2 10:00 2026\n",
        b"From jo at acme.example  Mon Nov  2 10:00:00 2026\n",
    ],
)
def test_the_separators_of_other_programs_are_known(path, line):
    assert len(mails(path, (line + b"Subject: a\n\nx\n\n") * 2)) == 2


@pytest.mark.parametrize(
    ("line", "held_at"),
    [
        (FROM, datetime(2026, 11, 2, 10, tzinfo=UTC)),
        (b"From 12@xxx Mon Nov 02 10:00:00 +0000 2026\r\n", datetime(2026, 11, 2, 10, tzinfo=UTC)),
        (b"From jo Mon Nov 31 10:00:00 2026\n", None),
        (b"From jo at 10:00, in 2026\n", None),
    ],
)
def test_a_mail_was_taken_in_when_its_separator_says(path, line, held_at):
    path.write_bytes(line + b"Subject: a\n\nx\n")
    (heard,) = (item for item in MboxSource(path).read("") if isinstance(item, Heard))
    assert heard.held_at == held_at


def test_bytes_above_the_first_mail_are_not_lost(path):
    assert mails(path, b"half a mail\n" + FROM + b"Subject: a\n\nx\n")[0] == b"half a mail\n"


def test_a_mail_that_breaks_off_is_kept(path):
    assert mails(path, FROM + b"Subject: a\n\nx\n\n" + FROM + b"Subj")[1] == b"Subj"


@pytest.mark.parametrize("length", [10, 65_530, 65_536, 131_072, 200_000])
def test_lines_of_any_length_are_not_cut_where_they_are_read(path, length):
    long = b"y" * length + b">From x From x 10:00 2026\n"
    body = b"Subject: a\n\n" + long + b">From me\n"
    assert mails(path, (FROM + body) * 2) == [body.replace(b"\n>From me", b"\nFrom me")] * 2


@pytest.mark.parametrize("line", [b"From " + b"1:11 " * 13_000, b"From " + b"10:00 2 " * 8_000])
def test_a_line_that_only_seems_to_begin_a_mail_costs_no_more_than_another(path, line):
    began = process_time()
    assert len(mails(path, FROM + b"Subject: a\n\n" + (line + b"\n") * 50)) == 1
    assert process_time() - began < 5


def test_an_empty_mail_is_told_and_blank_lines_are_not_a_mail(path):
    assert mails(path, b"\n\n" + FROM + FROM + b"Subject: a\n\nx\n") == [b"", b"Subject: a\n\nx\n"]
    assert mails(path, b"") == []


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(FROM + b"Subject: a\n\nx\n", mtime=0),
        b"Subject: a single mail\n\nx\n",
        b"\x00\x01\x02" * 1_000,
    ],
)
def test_what_is_no_mbox_is_refused_with_the_reason(path, content):
    with pytest.raises(UserError, match=r"x\.mbox is not an mbox"):
        mails(path, content)


def test_a_folder_is_refused_with_the_command_for_it(tmp_path):
    with pytest.raises(UserError, match="headwater ingest maildir"):
        list(MboxSource(tmp_path).read(""))


def test_a_file_that_was_replaced_is_read_from_its_beginning(path):
    path.write_bytes((FROM + b"Subject: a\n\nx\n") * 3)
    *_, last = MboxSource(path).read("")
    assert isinstance(last, Checkpoint)
    state = last.state
    assert len(mails_after(path, state)) == 0
    path.write_bytes((FROM + b"Subject: b\n\nx\n") * 2)
    assert len(mails_after(path, state)) == 2
    path.write_bytes(b"x" * 200 + b"\n" + FROM + b"Subject: b\n\nx\n")
    assert len(mails_after(path, "100")) == 2


def mails_after(path, state):
    return [item for item in MboxSource(path).read(state) if isinstance(item, Heard)]
