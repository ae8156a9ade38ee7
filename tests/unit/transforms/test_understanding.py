"""What is read out of a mail, and how sure it is."""

from datetime import date
from time import process_time

import pytest

from contracts.company import Company
from tests.unit.transforms.test_mail import decode, mail
from transforms.language import language
from transforms.out_of_office import stated_end
from transforms.reply import separate, written
from transforms.request import request
from transforms.thread import bare_subject

SENT_ON = date(2026, 11, 2)
OWN = "Yes, at ten."
QUOTED = "Can you come?"


def understood(*headers: str, body: str = "Hello"):
    return decode(mail("From: a@b.example", *headers, body=body)).understood


@pytest.mark.parametrize(
    "header",
    [
        "On Mon, Nov 2, 2026 at 9:00 AM Kim Roe <\nkim@acme.example> wrote:",
        "Am Mo., 2. Nov. 2026 um 09:00 Uhr schrieb Kim <kim@acme.example>:",
        "Le lun. 2 nov. 2026 à 09:00, Kim <kim@acme.example>\na écrit :",
        "El lun, 2 nov 2026 a las 9:00, Kim (<kim@acme.example>) escribió:",
        "Il giorno lun 2 nov 2026 alle ore 09:00 Kim <kim@acme.example> ha scritto:",
        "Op ma 2 nov 2026 om 09:00 schreef Kim <kim@acme.example>:",
        "pon., 2 lis 2026 o 09:00 Kim <kim@acme.example> napisał(a):",
        "Em seg., 2 de nov. de 2026 às 09:00, Kim <kim@acme.example> escreveu:",
        "Den mån 2 nov. 2026 kl 09:00 skrev Kim <kim@acme.example>:",
        "Kim <kim@acme.example> kirjoitti 2.11.2026 klo 9.00:",
        "пн, 2 нояб. 2026 в 09:00, Kim <kim@acme.example>:",
        "2026年11月2日(月) 9:00 Kim <kim@acme.example>:",
        "-----Ursprüngliche Nachricht-----\nVon: Kim\nGesendet: Montag, 2. November 2026 09:00",
        "________________________________\nFrom: Kim <kim@acme.example>\nSent: Monday\nTo: Jo",
        "Od: Kim <kim@acme.example>\nData: 2.11.2026\nDo: Jo\nTemat: Cena",
        "发件人: Kim <kim@acme.example>\n发送时间: 2026年11月2日\n收件人: Jo",
    ],
)
def test_what_stands_below_another_mails_headers_is_not_the_authors(header):
    assert written(f"{OWN}\n\n{header}\n\n{QUOTED}") == OWN


def test_answers_between_quotes_stay():
    text = "On 2 Nov 2026, Kim wrote:\n> One?\n\nFirst.\n\n> Two?\n\nSecond.\n\n--\nJo"
    reply = separate(text)
    assert (reply.written, reply.signature, reply.is_reply) == ("First.\n\nSecond.", "--\nJo", True)


@pytest.mark.parametrize(
    "sign_off",
    [
        "-- \nKim Roe\nAcme",
        "Best regards,\nKim",
        "Mit freundlichen Grüßen\nKim Roe",
        "Cordialement,\n\nKim Roe",
        "Thanks,\nKim",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Kim Roe\nHead of Sales",
    ],
)
def test_a_signature_is_told_from_the_text(sign_off):
    assert written(f"The offer stands.\n\n{sign_off}", "Kim Roe") == "The offer stands."


@pytest.mark.parametrize(
    "text",
    [
        "On the other hand, it is late.\n\nOn average, it is not.",
        "We compared:\n\n----\n\nOne is the price of it all.\nAnother is the term of it.",
        "It was sent from my desk, which is easier.",
        "Thanks",
        "As for the dates:\n\n2026-01-15 14:30\n15.01.2026 14:30",
    ],
)
def test_what_only_looks_like_a_quote_or_a_signature_stays(text):
    assert written(text) == text


@pytest.mark.parametrize(
    "unit", [">\n", "On 1 wrote:\n", "From: a\n", "-\n", "Thanks,\n", "a@", "<", "- A\n\n", ": "]
)
def test_a_reply_is_separated_in_time_that_grows_with_its_size_alone(unit):
    began = process_time()
    written(unit * (100_000 // len(unit)))
    assert process_time() - began < 3


REPORT = (
    "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\n"
    "Final-Recipient: rfc822; Gone@Acme.example\nAction: {action}\nStatus: 5.1.1\n\n--x--\n"
)
REPORTED = "Content-Type: multipart/report; report-type=delivery-status; boundary=x"


def test_a_bounce_names_the_address_that_was_not_reached():
    found = understood(REPORTED, body=REPORT.format(action="failed"))
    assert (found.mail_kind, found.bounced_address) == ("bounce", ("gone@acme.example",))
    assert found.kind_evidence == "delivery-status: failed 5.1.1"


def test_a_delay_is_no_bounce():
    found = understood(REPORTED, body=REPORT.format(action="delayed"))
    assert (found.mail_kind, found.bounced_address) == ("robot", ())


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        (["Subject: Out of Office: Offer"], "out_of_office"),
        (["Subject: Abwesenheitsnotiz: Angebot"], "out_of_office"),
        (["Auto-Submitted: auto-replied", "Subject: We got your mail"], "auto_reply"),
        (["List-Id: <news.shop.example>"], "bulk"),
        (["Content-Type: text/calendar; method=REQUEST"], "calendar"),
        (["Subject: Re: out of office plans"], "personal"),
    ],
)
def test_a_mail_is_of_the_kind_that_its_evidence_says(headers, kind):
    assert understood(*headers).mail_kind == kind


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I am back on 12 November 2026.", date(2026, 11, 12)),
        ("Out until November 12th, then in.", date(2026, 11, 12)),
        ("Ich bin bis 12.11. nicht im Büro", date(2026, 11, 12)),
        ("absent jusqu'au 12 novembre 2026", date(2026, 11, 12)),
        ("back 2027-01-04", date(2027, 1, 4)),
        ("I return on Monday", date(2026, 11, 9)),
        ("back on 31 February 2027", None),
        ("until further notice", None),
    ],
)
def test_the_end_of_an_absence_is_read_as_it_is_stated(text, day):
    assert stated_end(text, SENT_ON) == day


def test_a_language_is_told_where_there_is_enough_text():
    assert (
        language("Wir haben das Angebot erhalten und melden uns in den nächsten Tagen.").code
        == "de"
    )
    assert language("Thank you for the offer, we will come back to you next week.").code == "en"
    assert language("ok").code == ""


def test_a_request_is_found_with_the_sentence_that_asks():
    found = request("We met on Monday. Could you send me the contract by Friday? It is late.", "en")
    assert found.is_request
    assert found.sentence == "Could you send me the contract by Friday?"
    assert not request("We met on Monday and it went well.", "en").is_request
    assert request("Können Sie mir das Angebot senden? Danke.", "de").probability is None


def test_a_subject_is_known_under_its_marks():
    assert bare_subject("RE: AW: [sales] Fwd: The  Offer") == ("the offer", True)
    assert bare_subject("Fwd: The Offer") == ("the offer", False)
    assert bare_subject("Reality check") == ("reality check", False)


def test_the_clock_is_the_authors_or_else_the_companys():
    company = Company(own_domains=("ourco.example",), time_zone="Europe/Berlin")

    def offset(stated):
        raw = mail("From: a@b.example", f"Date: Mon, 2 Nov 2026 10:00:00 {stated}")
        return decode(raw, company=company).understood.utc_offset_minutes

    assert (offset("-0800"), offset("-0000")) == (-480, 60)
