"""Replies and signatures told from the rest, beside two libraries on the same fixtures.

The fixtures are those that the reply parsers' own projects test with. ANSWERS names the lines that
the author wrote, as the project's tests say it, or where they are silent, as a reader sees it. An
answer is exactly right where the same lines are kept, blank ones and spaces at the ends aside.
Three are not ours, for their projects count a signature as the author's words (`-Abhishek Kona`, a
dash above `John Doe`, a company below `Sincerely,`), which is taken off here as any other is.
`python -m bench.replies` writes `bench/results/replies.json`; `-v` tells ours that are not right.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from email_reply_parser import EmailReplyParser
from mailparser_reply import EmailReplyParser as MailParserReply

from bench.corpora import DATA
from bench.figures import measured, record
from transforms import mime
from transforms.reply import written

COMMAND = "python -m bench.replies"
ALL = (1, 10_000)
LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl", "sv", "da"]

TOP_FIVE = (
    "email_11 email_12 email_13 email_14 email_15 email_18 email_22 email_24 email_26 email_7"
    " email_9 email_danish_dash_separator email_fr_multiline email_french_dash_separator"
    " email_german email_gmail_split_line_from email_ios_outlook email_msn"
    " email_tricky_10_special_chars_in_name email_tricky_15_original_message_variations"
    " email_tricky_5_mixed_languages"
)
FIRST = (
    "crisp-reply/email_19 crisp-reply/email_2_1 crisp-reply/email_4"
    " crisp-reply/email_unquoted_reply crisp-reply/email_custom_quote_header"
    " crisp-reply/email_customer_quote_header_2 crisp-reply/email_tricky_11_double_signature"
    " crisp-reply/email_tricky_16_unicode_signatures crisp-reply/sig_no_empty_line"
    " github-reply/email_1_4 github-reply/email_1_6 github-reply/email_1_7"
    " github-reply/email_2_3 github-reply/email_BlackBerry"
    " github-reply/email_multi_word_sent_from_my_mobile_device zapier-reply/correct_sig"
    " zapier-reply/email_1_6 zapier-reply/email_1_7 zapier-reply/email_2_1"
    " zapier-reply/email_2_3 zapier-reply/email_BlackBerry zapier-reply/email_gmail"
    " zapier-reply/email_iPhone zapier-reply/email_headers_no_delimiter"
)
WHOLE = (
    "crisp-reply/email_21 crisp-reply/email_emoji crisp-reply/email_not_a_signature"
    " crisp-reply/email_tricky_1_on_false_positive"
    " crisp-reply/email_tricky_13_timestamp_variations crisp-reply/email_tricky_3_code_block"
    " crisp-reply/email_tricky_4_from_in_body crisp-reply/email_tricky_7_multiple_dashes"
    " crisp-reply/email_tricky_8_sent_from_in_content"
    " github-reply/email_sig_delimiter_in_middle_of_line"
    " github-reply/email_sent_from_my_not_signature"
    " zapier-reply/email_sig_delimiter_in_middle_of_line"
    " zapier-reply/email_sent_from_my_not_signature"
)
HELLO = "android aol apple_mail apple_mail_2 comcast gmail outlook sparrow yahoo"
ANSWERS: dict[str, tuple[tuple[int, int], ...]] = {
    **{f"crisp-reply/{name}.txt": ((1, 5),) for name in TOP_FIVE.split()},
    **{f"{name}.txt": ((1, 1),) for name in FIRST.split()},
    **{f"{name}.txt": (ALL,) for name in WHOLE.split()},
    **{f"talon/standard_replies/{name}.eml": ((1, 1),) for name in HELLO.split()},
    "talon/standard_replies/thunderbird.eml": ((3, 3),),
    "talon/standard_replies/sparrow_reply_text": ((1, 1),),
    "talon/signature/emails/stripped/sparse_body": ((1, 3),),
    "talon/signature/emails/stripped/camel_case_body": (ALL,),
    "talon/signature/emails/stripped/short_url_body": ((1, 3),),
    "crisp-reply/email_2.txt": ((1, 1), (9, 34)),
    "crisp-reply/email_3.txt": ((1, 5),),
    "crisp-reply/email_tricky_18_inline_reply.txt": ((4, 4), (8, 8), (12, 12)),
    "crisp-reply/email_tricky_19_quote_without_header.txt": ((1, 1), (7, 7), (12, 12)),
    "crisp-reply/email_tricky_2_url_with_wrote.txt": ((1, 5),),
    "crisp-reply/email_tricky_20_html_entities.txt": ((1, 3),),
    "crisp-reply/email_zoho.txt": ((1, 2),),
    "github-reply/email_1_1.txt": ((1, 5),),
    "github-reply/email_1_2.txt": ((1, 1), (9, 34)),
    "github-reply/email_1_8.txt": ((13, 13), (19, 19)),
    "github-reply/email_one_is_not_on.txt": ((1, 5),),
    "zapier-reply/email_1_1.txt": ((1, 5),),
    "zapier-reply/email_1_3.txt": ((1, 3),),
    "zapier-reply/email_one_is_not_on.txt": ((1, 5),),
    "zapier-reply/greedy_on.txt": ((1, 6),),
    "zapier-reply/pathological.txt": ((1, 2),),
}


def main() -> None:
    cases = [*_cases()]
    parsers: dict[str, Callable[[str], str]] = {
        "ours": written,
        "mail-parser-reply": _mail_parser_reply,
        "email-reply-parser": EmailReplyParser.parse_reply,
    }
    figures = [measured("replies: fixtures", len(cases), "texts", COMMAND)]
    for name, parse in parsers.items():
        right = [path for path, text, wanted in cases if _lines(parse(text)) == wanted]
        share = len(right) / len(cases)
        figures.append(measured(f"replies: exactly right, {name}", share, "share", COMMAND))
        if name == "ours" and "-v" in sys.argv:
            print(sorted({path for path, _, _ in cases} - set(right)))
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g}")
    print(record("replies", figures))


def _cases() -> Iterator[tuple[str, str, list[str]]]:
    """Yield each fixture, its text, and the lines that its author wrote."""
    for path, ranges in ANSWERS.items():
        text = _text(DATA / "mail_nasty" / path)
        lines = text.split("\n")
        own = [line for first, last in ranges for line in lines[first - 1 : last]]
        yield path, text, _lines("\n".join(own))


def _text(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".eml":
        return mime.text(mime.parse(data)).strip("\n")
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _mail_parser_reply(text: str) -> str:
    return str(MailParserReply(languages=LANGUAGES).read(text=text).replies[0].body)


if __name__ == "__main__":
    main()
