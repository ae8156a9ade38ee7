"""Strangers' bytes never break the decoder, and copies of a mail stay one activity."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.header import Header
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.activity import Activity
from contracts.company import Company
from contracts.errors import Rejected
from transforms.calls import decode_call
from transforms.crm import decode_crm
from transforms.mail import decode_mail
from transforms.quote_marks import attribution, block, is_quoted, separator, suspects

COMPANY = Company(own_domains=("ourco.example",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAIL = (
    b'From: =?utf-8?q?Kim?= <kim@ourco.example>\nTo: a@b.example, "C, D" <c@d.example>\n'
    b"Subject: =?iso-8859-1?B?4fHo?= offer\nDate: Mon, 2 Nov 2026 10:00:00 +0100\n"
    b"Message-ID: <abc123@ourco.example>\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/alternative; boundary="b;1"\n\n--b;1\n'
    b"Content-Type: text/plain; charset=utf-7\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n"
    b"--b;1\nContent-Type: text/html\n\n<p>Hello</p>\n--b;1--\n"
)
SECONDS = 5  # of this process; each takes well under one


def outcome(mail: bytes) -> Activity | str:
    try:
        return decode_mail(mail, HEARD_AT, COMPANY)
    except Rejected as rejected:
        return rejected.reason


@given(st.binary(max_size=2_000))
def test_any_bytes_are_an_activity_or_rejected(mail):
    assert isinstance(outcome(mail), Activity | str)


@given(
    st.lists(
        st.tuples(st.integers(0, len(MAIL)), st.integers(0, 40), st.binary(max_size=20)), max_size=8
    )
)
@example([(len(MAIL) - 60, 40, b"")])
def test_a_damaged_mail_is_an_activity_or_rejected(edits):
    mail = MAIL
    for at, drop, insert in edits:
        mail = mail[:at] + insert + mail[at + drop :]
    decoded = outcome(mail)
    if isinstance(decoded, Activity):
        decoded.body.encode()
        decoded.subject.encode()
        assert decoded.participants


@given(st.binary(max_size=500))
@example(b'{"provider":"p\xbf","call_id":"1"}')
@example(b'{"entity":"acco\x8dunt","record":{}}')
def test_any_call_or_record_is_decoded_or_rejected(payload):
    with suppress(Rejected):
        decode_call(payload, HEARD_AT, COMPANY)
    with suppress(Rejected):
        decode_crm(payload, "csv", HEARD_AT)


words = st.text(
    st.characters(whitelist_categories=("L", "N"), max_codepoint=0x24F), min_size=1, max_size=30
)
headers = st.fixed_dictionaries(
    {
        "From": st.just("Kim <kim@ourco.example>"),
        "To": st.permutations(["a@b.example", "c@d.example", "E@F.example"]),
        "Subject": st.lists(words, min_size=1, max_size=12).map(" ".join),
        "Date": st.integers(-12, 12),
    }
)


@given(headers, st.randoms(use_true_random=False))
def test_reordered_refolded_and_recoded_headers_are_the_same_activity(fields, random):
    plain = copy_of(fields, order=sorted(fields), zone=0, fold=False)
    order = random.sample(sorted(fields), len(fields))
    dressed = copy_of(fields, order, fields["Date"], fold=True)
    first, again = (decode_mail(mail, HEARD_AT, COMPANY) for mail in (plain, dressed))
    assert again.activity_id == first.activity_id


def copy_of(fields, order, zone, *, fold):
    moment = datetime(2026, 11, 2, 12, tzinfo=UTC) + timedelta(hours=zone)
    subject = fields["Subject"]
    value = {
        "From": fields["From"],
        "To": ",\n\t".join(fields["To"])
        if fold
        else ", ".join(sorted(map(str.lower, fields["To"]))),
        "Subject": Header(subject, "utf-8", 40, "Subject").encode() if fold else subject,
        "Date": f"{moment:%d %b %Y %H:%M:%S} {zone:+03d}00",
    }
    lines = [f"{name.upper() if fold else name}: {value[name]}" for name in order]
    return "\n".join([*lines, "Message-ID: <abc123@ourco.example>", "", "Hello"]).encode()


FROM = b"From: a@b.example\n"
HOSTILE = {
    "nested parts": FROM + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(10_000)
    ),
    "40 open boundaries, many lines": FROM + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(40)
    ) + b"Content-Type: text/plain\n\n" + b"x\n" * 100_000,
    "a long header": FROM + b"Subject: " + b"x" * 4_000_000,
    "a header of encoded words": FROM + b"Subject: " + b"=?a?q?" * 50_000,
    "many headers": FROM + b"X: y\n" * 200_000,
    "many recipients": FROM + b"".join(b"To: a%d@b.example\n" % i for i in range(50_000)),
    "one long recipient list": FROM + b"To: " + b"a@b.example," * 100_000,
    "a recipient of nothing but a": FROM + b"To: " + b"a" * 200_000 + b"@",
    "open brackets": b"From: " + b"(<" * 100_000 + b"a@b.example",
    "quotes": b"From: " + b'"\\' * 100_000 + b"a@b.example",
    "a content type of quotes": FROM + b'Content-Type: text/plain; a="' + b';"' * 100_000 + b"\n\n",
    "blank lines": FROM + b"\n" + b"\n" * 1_000_000,
    "quotes of nothing": FROM + b"\n" + b">\n" * 200_000,
    "On, without end": FROM + b"\n" + b"On " * 300_000,
    "tags without end": FROM + b"Content-Type: text/html\n\n" + b"<" * 500_000,
    "comments without end": FROM + b"Content-Type: text/html\n\n" + b"<!--" * 200_000,
    "scripts without end": FROM + b"Content-Type: text/html\n\n" + b"<script>" * 100_000,
    "quotes in quotes": FROM + b"Content-Type: text/html\n\n" + b"<blockquote>a" * 40_000,
    "many parts": FROM + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "a slow charset": FROM + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 100_000,
    "a slow word": FROM + b"Subject: =?punycode?q?" + b"a-" * 1_900 + b"?=\n\n",
    "base64 of one character": FROM + b"Content-Transfer-Encoding: base64\n\n" + b"A" * 999_999,
    "an endless domain": b"From: a@" + b"a." * 100_000 + b"\n\n",
    "references": FROM + b"References: " + b"<" * 300_000 + b"\n\n",
    "dates": FROM + b"Date: " + b"1 " * 100_000 + b"\nReceived: ;" + b";" * 100_000 + b"\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_decoded_in_bounded_time(name):
    began = process_time()
    decoded = outcome(HOSTILE[name])
    assert process_time() - began < SECONDS
    assert isinstance(decoded, Activity) or decoded == "no_participants"


_TELLING = (
    "> yes", "From: Kim <kim@acme.example>", "Sent: 2 Nov 2026", "To: jo", "---", "--------",
    "-----Original Message-----", "Begin forwarded message:", "\uff1a", "* a point", "Thanks, Kim",
    "On 2 Nov 2026, kim@acme.example", "", " ", "\t>", "_" * 40, "2026-11-02 10:00",
    *(f"On 2 Nov 2026 Kim {verb}" for verb in (
        "wrote", "WRITES", "schrieb", "schreibt", "a écrit", "a ecrit", "escribió", "escribio",
        "escreveu", "ha scritto", "scrisse", "schreef", "geschreven", "napisał", "napisala",
        "napsal", "napsala", "napísal", "skrev", "kirjoitti", "a scris", "írta", "irta",
        "yazd\u0131", "YAZDI", "написал", "НАПИСАЛА", "пишет", "писал", "писала", "написав",
        "έγραψε", "ΈΓΡΑΨΕ", "đã viết", "写道", "写到", "寫道", "写了", "のメール", "書きました",
        "님이 작성",
    )),
)  # fmt: skip


@given(st.lists(st.sampled_from(_TELLING) | st.text(max_size=30), max_size=12))
@example([f"{line} " for line in _TELLING])
def test_no_line_tells_of_a_quote_but_a_suspect(lines):
    unsuspected = set(range(len(lines))) - set(suspects(lines))
    assert not any(is_quoted(lines[n]) for n in unsuspected)
    assert not any(block(lines, n) or separator(lines, n) for n in unsuspected)
    assert all(attribution(lines, n) is None for n in unsuspected)
