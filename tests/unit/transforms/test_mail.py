"""What a mail says, and that every copy of it says the same."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts.activity import Direction, Role, TimeQuality
from contracts.company import Company
from contracts.errors import Rejected
from transforms.mail import decode_mail

COMPANY = Company(own_domains=("ourco.example",))
HEARD_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

SENT = b"""\
From: Kim Roe <kim@ourco.example>
To: =?utf-8?q?J=C3=BCrgen_M?= <Jurgen@ACME.example>, "Doe, Jo" <jo@acme.example>
Cc: pat@ourco.example
Bcc: 1234@dropbox.crm.example
Subject: Pricing for the =?utf-8?b?w5xiZXJsYW5k?= rollout
Date: Mon, 02 Nov 2026 10:00:00 +0100
Message-ID: <abc123@mail.ourco.example>
References: <root@acme.example> <second@ourco.example>
Content-Type: text/plain; charset=utf-8

Hello J\xc3\xbcrgen,

the offer stands until Friday.

On Mon, 2 Nov 2026 at 09:00, Jurgen wrote:
> What does it cost?
"""

RECEIVED = b"""\
Return-Path: <kim@ourco.example>
Received: from a by b; Mon, 02 Nov 2026 09:00:07 +0000
X-Spam-Status: No
MESSAGE-ID:   <ABC123@mail.ourco.example>
References: <root@acme.example>
 <second@ourco.example>
Date: 2 Nov 2026 10:00:00 +0100
To: "=?iso-8859-1?Q?J=FCrgen_M?=" <jurgen@acme.example>,
\t"Doe, Jo" <jo@acme.example>
Cc: <pat@ourco.example>
From: "Kim Roe" <kim@ourco.example>
Subject: Pricing for the
 =?iso-8859-1?Q?=DCberland?= rollout
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Hello J=FCrgen,

the offer stands until Friday.

On Mon, 2 Nov 2026 at 09:00, Jurgen wrote:
> What does it cost?
"""


def decode(mail: bytes, received_at: datetime = HEARD_AT, company: Company = COMPANY):
    return decode_mail(mail, received_at, company)


def mail(*headers: str, body: str = "Hello") -> bytes:
    return "\n".join([*headers, "", body]).encode()


def test_the_sent_copy_and_the_received_copy_are_one_activity():
    assert decode(SENT) == decode(RECEIVED, HEARD_AT + timedelta(hours=3))


def test_a_mail_tells_who_what_and_when():
    activity = decode(SENT)
    assert activity.direction is Direction.OUTBOUND
    assert activity.event_time == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert activity.subject == "Pricing for the Überland rollout"
    assert activity.thread_id == "root@acme.example"
    assert activity.outside == ("jurgen@acme.example", "jo@acme.example")
    assert [person.name for person in activity.participants][:3] == [
        "Kim Roe",
        "Jürgen M",
        "Doe, Jo",
    ]
    assert activity.body == "Hello Jürgen,\n\nthe offer stands until Friday."


def test_a_gateways_banner_and_a_lists_footer_do_not_make_a_second_activity():
    dressed = RECEIVED.replace(b"Subject: ", b"Subject: [EXTERNAL] [sales] ") + b"\n--\nlist footer"
    assert decode(dressed).activity_id == decode(SENT).activity_id


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"jo@acme", b"jim@acme"),
        (b"Pricing", b"Contract"),
        (b"10:00:00", b"10:00:01"),
        (b"From: Kim Roe <kim@", b"From: Kim Roe <tim@"),
    ],
)
def test_a_reused_message_id_does_not_swallow_another_mail(old, new):
    assert decode(SENT.replace(old, new)).activity_id != decode(SENT).activity_id


def test_mails_without_an_id_are_told_apart_by_their_text():
    def without_id(body):
        return mail("From: a@b.example", "To: c@ourco.example", "Subject: x", body=body)

    assert decode(without_id("one")).activity_id != decode(without_id("two")).activity_id
    assert decode(without_id("one")).activity_id == decode(without_id("  ONE\n")).activity_id


def test_blind_recipients_count_only_where_nobody_else_outside_takes_part():
    assert Role.BCC not in {p.role for p in decode(SENT).participants}
    alone = mail(
        "From: kim@ourco.example", "To: kim@ourco.example", "Bcc: a@b.example, c@d.example"
    )
    assert decode(alone).outside == ("a@b.example", "c@d.example")


@pytest.mark.parametrize(
    ("headers", "quality", "event_time"),
    [
        (["Date: Mon, 31 Dec 1979 16:00:00 -0800"], TimeQuality.STATED, "1980-01-01T00:00:00"),
        (["Date: Tue, 24 Nov 2026 11:59:00 +0000"], TimeQuality.STATED, "2026-11-24T11:59:00"),
        (
            ["Date: 1 Jan 2036 00:00:00 +0000", "Received: x; 3 Nov 2026 10:00:00 +0000"],
            TimeQuality.RELAYED,
            "2026-11-03T10:00:00",
        ),
        (["Date: Fri, 1 Jan 102 00:00:00 +0000"], TimeQuality.HEARD, "1970-01-01T00:00:00"),
        (["Date: yesterday"], TimeQuality.HEARD, "1970-01-01T00:00:00"),
        ([], TimeQuality.HEARD, "1970-01-01T00:00:00"),
    ],
)
def test_an_impossible_date_gives_way_to_the_relays_and_then_to_nothing(
    headers, quality, event_time
):
    activity = decode(mail("From: a@b.example", *headers))
    assert activity.time_quality is quality
    assert activity.event_time == datetime.fromisoformat(event_time).replace(tzinfo=UTC)
    heard = quality is TimeQuality.HEARD
    assert activity.knowable_at == (HEARD_AT if heard else activity.event_time)


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: News <news.shop.example>",
        "List-Unsubscribe: <mailto:u@shop.example>",
        "Return-Path: <>",
        "Content-Type: text/calendar; method=REPLY",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        "X-Autoreply: yes",
    ],
)
def test_what_a_machine_sent_is_automatic(header):
    assert decode(mail("From: a@b.example", "To: kim@ourco.example", header)).is_automatic


@pytest.mark.parametrize(
    "sender", ["MAILER-DAEMON", "no-reply", "noreply+7", "do_not_reply", "bounces"]
)
def test_a_robots_address_makes_a_mail_automatic(sender):
    assert decode(mail(f"From: {sender}@b.example")).is_automatic


@pytest.mark.parametrize(
    "headers",
    [
        ["Auto-Submitted: no"],
        ["Precedence: normal"],
        ["List-Id: <sales.ourco.example>", "Precedence: list", "List-Unsubscribe: <mailto:x@y.z>"],
    ],
)
def test_a_buyers_mail_is_not_automatic_even_through_a_group_of_ours(headers):
    assert not decode(mail("From: norah.reply@b.example", *headers)).is_automatic


def test_direction_is_unknown_until_the_settings_say_what_is_ours():
    assert decode(SENT, company=Company()).direction is Direction.UNKNOWN


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("From: =?utf-8?q?Kim_=3Ckim=40acme.example=3E?=", "kim@acme.example"),
        ("From: kim@M\u00fcnchen.example (Kim)", "kim@xn--mnchen-3ya.example"),
        ("From: <mailto:kim@acme.example>", "kim@acme.example"),
        ("From: 'kim@acme.example'", "kim@acme.example"),
        ("Sender: kim@acme.example", "kim@acme.example"),
        ("Return-Path: <Kim+tag@acme.example>", "kim+tag@acme.example"),
        ('From: "unclosed <kim@acme.example>', "kim@acme.example"),
        ("From: Kim <\u200bk\0im@acme.example\ufeff>", "kim@acme.example"),
    ],
)
def test_a_sender_is_found_however_it_is_written(header, address):
    assert decode(mail(header)).participants[0].address == address


def test_names_with_commas_and_groups_are_read():
    activity = decode(
        mail(
            "From: =?utf-8?q?Roe,_Kim?= <kim@acme.example>",
            "To: team: a@b.example, <c@d.example>; e@f.example, undisclosed-recipients:;",
        )
    )
    assert activity.participants[0].name == "Roe, Kim"
    assert activity.outside == ("kim@acme.example", "a@b.example", "c@d.example", "e@f.example")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"", "empty"), (b" \r\n\n", "empty"), (b"Subject: x\n\nhello", "no_participants")],
)
def test_what_tells_of_nobody_is_rejected(raw, reason):
    with pytest.raises(Rejected) as rejected:
        decode(raw)
    assert rejected.value.reason == reason


def test_html_is_read_where_there_is_no_plain_text():
    html = (
        "<html><head><style>p{}</style></head><body><p>Dear Kim,</p><p>see you &amp; bye</p>"
        "<blockquote>On Monday you said<br>this</blockquote></body></html>"
    )
    activity = decode(mail("From: a@b.example", "Content-Type: text/html", body=html))
    assert activity.body == "Dear Kim,\n\nsee you & bye"


def test_an_attachment_is_never_the_text():
    body = (
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nsecret\n"
        "--b\nContent-Type: text/plain\n\nshown\n--b--\n"
    )
    activity = decode(
        mail("From: a@b.example", "Content-Type: multipart/mixed; boundary=b", body=body)
    )
    assert activity.body == "shown"


def test_a_reply_below_the_quote_is_what_was_written():
    body = "On Mon, 2 Nov 2026 at 09:00, Kim wrote:\n> Can you come?\n> Kim\n\nYes, at ten."
    assert decode(mail("From: a@b.example", body=body)).body == "Yes, at ten."


def test_a_list_of_points_is_not_a_signature():
    body = "We need:\n\n- a price\n- a date\n"
    assert decode(mail("From: a@b.example", body=body)).body == body.strip()


def test_long_lines_stay_whole():
    body = "word " * 200
    assert decode(mail("From: a@b.example", body=body)).body == body.strip()


def test_an_id_does_not_depend_on_when_or_by_whom_it_was_heard():
    later = decode(SENT, HEARD_AT + timedelta(days=400))
    assert later == replace(decode(SENT))


def test_a_reply_belongs_to_the_mail_whose_id_it_names_whatever_cannot_be_seen_in_it():
    written = "<first\0.of.all@acme.example>"
    first = decode(mail("From: kim@acme.example", f"Message-ID: {written}"))
    reply = decode(mail("From: jo@acme.example", f"References: {written}"))
    assert reply.thread_id == first.thread_id == "first.of.all@acme.example"
