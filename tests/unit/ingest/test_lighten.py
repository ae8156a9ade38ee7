"""Large mail becomes light before it enters the log, in bounded memory."""

import tracemalloc
from itertools import chain, repeat

import pytest

from ingest.lighten import MAX_LIGHT_BYTES, MAX_WHOLE_BYTES, Lightener
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


def light(*pieces):
    lightener = Lightener()
    for piece in pieces:
        lightener.feed(piece)
    return lightener.mail()


def test_a_small_mail_stays_as_it_is_byte_for_byte():
    mail = HEAD + LINE * 10 + TAIL
    assert light(mail[:100], mail[100:]) == mail


@pytest.mark.parametrize("size", [1, 7, 1_000, 65_536])
def test_attachments_go_and_texts_and_headers_stay_however_the_mail_is_cut(size):
    mail = HEAD + LINE * 4_000 + TAIL
    pieces = [mail[at : at + size] for at in range(0, len(mail), size)]
    lighter = light(*pieces)
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
    lighter = light(*(mail[at : at + 65_536] for at in range(0, len(mail), 65_536)))
    assert MAX_WHOLE_BYTES // 4 < len(lighter) + 200_000 < MAX_LIGHT_BYTES + 400_000
    assert mime.words(mime.parse(lighter), "From") == "a@b.example"
