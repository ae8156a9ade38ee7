"""Large mail becomes light before it enters the log, in bounded memory."""

import tracemalloc
from itertools import chain, islice, repeat
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lighten import MAX_DEPTH, MAX_LIGHT_BYTES, MAX_WHOLE_BYTES, Lightener
from transforms import mime

HEAD = (
    b'From: a@b.example\r\nSubject: big\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\n'
    b"preamble\r\n--o\r\nContent-Type: multipart/alternative;\r\n boundary=i\r\n\r\n"
    b"--i\r\nContent-Type: text/plain\r\n\r\nwritten\r\n"
    b"--i\r\nContent-Type: text/html\r\n\r\n<p>written</p>\r\n--i--\r\n"
    b"--o\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\n"
)
TAIL = b"\r\n--o\r\nContent-Type: text/plain\r\n\r\nfooter\r\n--o--\r\n"
LINE = b"QUJD" * 19 + b"\r\n"


PIECE = 65_536


def light(*pieces):
    lightener = Lightener()
    for piece in pieces:
        lightener.feed(piece)
    return lightener.mail()


def cut(mail, size=PIECE):
    return (mail[at : at + size] for at in range(0, len(mail), size))


def test_a_small_mail_stays_as_it_is_byte_for_byte():
    mail = HEAD + LINE * 10 + TAIL
    assert light(mail[:100], mail[100:]) == mail


@pytest.mark.parametrize("size", [1, 7, 1_000, 65_536])
def test_attachments_go_and_texts_and_headers_stay_however_the_mail_is_cut(size):
    mail = HEAD + LINE * 4_000 + TAIL
    lighter = light(*cut(mail, size))
    assert len(lighter) < 1_500
    assert b"QUJD" not in lighter
    assert b"footer" in lighter
    assert b"X-Headwater-Lightened-From-Bytes: %d\n" % len(mail) in lighter
    parsed = mime.parse(lighter)
    assert mime.text(parsed).strip() == "written"
    assert mime.words(parsed, "From") == "a@b.example"


def test_a_large_attachment_needs_little_memory():
    tracemalloc.start()
    try:
        lightener = Lightener()
        for piece in chain([HEAD], repeat(LINE * 800, 800), [TAIL]):
            lightener.feed(piece)
        lighter = lightener.mail()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(lighter) < 1_500
    assert peak < 4 * MAX_LIGHT_BYTES


@pytest.mark.parametrize(
    "mail",
    [
        b"From: a@b.example\nSubject: " + b"x" * 5_000_000,
        b"From: a@b.example\n" + b"X: y\n" * 300_000,
        b"From: a@b.example\n\n" + b"x" * 5_000_000,
        b"From: a@b.example\n\n" + b"line\n" * 300_000,
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\n\nx\n" * 600_000,
    ],
)
def test_whatever_is_large_is_bounded_and_keeps_its_sender(mail):
    lighter = light(*cut(mail))
    assert MAX_WHOLE_BYTES // 4 < len(lighter) + 200_000 < MAX_LIGHT_BYTES + 400_000
    assert mime.words(mime.parse(lighter), "From") == "a@b.example"


FRAGMENTS = [
    b"--o\n", b"--o--\r\n", b"--i\r", b"--other\n", b"\n", b"\r\n", b"\r", b" \t\r\n", b"-",
    b"x: y\n", b"Content-Type: application/pdf\n", b"Content-Type: text/plain\r\n",
    b"folded:\n  on\n", b"Content-Type: multipart/mixed; boundary=i\n", b"z" * 20_000, LINE * 500,
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(b"".join))
def test_what_is_skipped_at_once_is_what_is_dropped_line_by_line(tail):
    mail = HEAD + LINE * 4_000 + b"\n" + tail
    assert light(*cut(mail)) == light(*cut(mail, 997))


def nested(count):
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
        for number in range(count)
    )
    return b"From: a@b.example\n" + b"".join(parts) + b"--other\n" * count


def test_parts_one_inside_the_other_cost_no_more_each_the_more_they_are():
    seconds = []
    for count in (10_000, 100_000):
        mail, began = nested(count), process_time()
        lighter = light(*cut(mail))
        seconds.append(process_time() - began)
        assert len(lighter) < MAX_LIGHT_BYTES
    assert seconds[1] < 10 * seconds[0] * 3


def test_parts_deeper_than_decoding_looks_are_dropped_and_those_above_them_stay():
    mail = nested(40) + LINE * 4_000 + b"--b%d\n\nabove\n--b%d\n" % (MAX_DEPTH - 1, MAX_DEPTH)
    lighter = light(*cut(mail))
    assert b"above" in lighter
    assert b"QUJD" not in lighter


@pytest.mark.parametrize("line", [b"x" * PIECE, b"X: y\n" * (PIECE // 5)])
def test_a_header_without_end_is_refused_in_bounded_memory(line):
    lightener = Lightener()
    lightener.feed(b"From: a@b.example\nSubject: ")
    tracemalloc.start()
    try:
        for piece in islice(repeat(line), 1_000):
            lightener.feed(piece)
        lighter = lightener.mail()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_LIGHT_BYTES
    assert mime.words(mime.parse(lighter), "From") == "a@b.example"
