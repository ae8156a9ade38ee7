"""How a writer signs: the delimiter, the closing, the name and what stands below it."""

import re
from collections.abc import Sequence
from typing import Final

MAX_LINES: Final = 40  # counted from the end: a signature stands nowhere else
MAX_SIGNED: Final = 30
_LONG_LINE: Final = 90

_DRAWN: Final = frozenset("-–—_=*~")
_DELIMITER: Final = re.compile(r"\s{0,3}(?:--|-- |—|–|__)\s*")
_RULE: Final = re.compile(r"\s{0,3}[-_=—–*]{3,}\s*")
_DASHED_NAME: Final = re.compile(r"\s{0,3}[-–—~]\s?[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}")
# For lower case, as the next two: with IGNORECASE no branch is passed over by its first letter.
_REGARDS: Final = re.compile(
    r"\s*(?:with |many |my )?(?:(?:best|kind|kindest|warm|warmest|good|friendly|personal)\b"
    r".{0,12})?(?:regards|wishes|rgds)\b|(?:yours|very truly|cordially|sincerely|respectfully)\b"
    r"|mit (?:freundlich|besten|herzlich|lieb)\w* gr[üu](?:ß|ss)|(?:freundliche|beste|liebe|viele|"
    r"schöne|herzliche) gr[üu](?:ß|ss)e?|mfg\b|hochachtungsvoll|(?:bien |très )?cordialement|"
    r"bien à (?:vous|toi)|(?:sincères |meilleures )?salutations|(?:un )?(?:cordial(?:es)?|atentos?|"
    r"muchos) saludos?|(?:un )?saludos?|atentamente|cordiali saluti|(?:cari|distinti|tanti) saluti|"
    r"met (?:vriendelijke|hartelijke) groet|(?:vriendelijke|hartelijke) groet|pozdrawiam|"
    r"z poważaniem|"
    r"med (?:vänlig|venlig|vennlig|hjärtlig)\w* (?:hälsning|hilsen)|(?:venlig|vennlig) hilsen|"
    r"mvh\b|ystävällisin terveisin|atenciosamente|(?:com os )?melhores cumprimentos|abraços|"
    r"с уважением|с наилучшими|此致|敬具|よろしくお願い"
)
_THANKS: Final = re.compile(
    r"\s*(?:(?:many |best )?thanks|thank you|thx|cheers|best|all the best|ciao|br|danke|"
    r"vielen dank|lg|merci|gracias|"
    r"grazie|dank|bedankt|obrigad[oa]|tack|takk?|dzięki|спасибо|kiitos)"
    r"(?: (?:again|so much|very much|a lot|in advance|im voraus|d'avance|beaucoup))*"
    r"(?: (?:and|und|et) .{1,25})?[^\w?:@]*"
)
_MOBILE: Final = re.compile(
    r"\s*(?:sent (?:from|via|with|on|using)\b|get outlook (?:for|per)\b|"
    r"envoy[ée] (?:de(?:puis)?|à partir)\b|"
    r"von mein\w+ .{1,30} gesendet|gesendet (?:von|mit)\b|enviado (?:desde|do|a partir|de)\b|"
    r"inviato (?:da|dal)\b|verzonden (?:vanaf|met|via)\b|verstuurd vanaf\b|wysłan[eo] z\b|"
    r"skickat från\b|sendt fra\b|lähetetty\b|отправлено (?:с|из)\b|发自|發自|.{1,20}から送信|"
    r"obtenez outlook|outlook (?:für|pour)|télécharger outlook|holen sie sich outlook)(.*)",
    re.DOTALL,
)
_CONTACT: Final = re.compile(
    r"[^\s@]{1,64}@[^\s@]{2,255}|https?://|\bwww\.|\+?\(?\d[\d\s()./-]{6,}\d"
    r"|^\s*(?:tel|phone|mobile?|cell|fax|office|direct|skype|web|mail|e-mail|t|m|f|p)\b\s?[.:]",
    re.IGNORECASE,
)
_NOTICE: Final = re.compile(
    r"confidential|intended (?:recipient|solely)|vertraulich|confidentiel|riservat|privileged|"
    r"disclaimer|unsubscribe|virus|environment|mailing list|amtsgericht|handelsregister|"
    r"registered (?:in|office)|receiving this|view it on",
    re.IGNORECASE,
)


def sign_off(
    lines: Sequence[str], name: str = "", *, may_be_all: bool = False
) -> tuple[list[str], list[str]]:
    """Return an author's lines without the signature, and the signature's lines.

    What is written below a signature (a postscript) stays with the author's. A text is not all
    signature unless `may_be_all`.
    """
    told = [number for number, line in enumerate(lines) if line and not line.isspace()]
    end = told[-1] + 1 if told else 0
    own = frozenset(word.strip(",.\"'()").lower() for word in name.split()) - {""}
    text_end = next((n + 1 for n in reversed(told) if _is_text(lines[n])), 0)
    for at in told:
        if at < end - MAX_LINES or len(lines[at]) > _LONG_LINE:
            continue
        stop = _signed_until(lines, at, end, own if at >= text_end else None)
        if stop > at and (may_be_all or at > told[0] or _stands_alone(lines[at])):
            return [*lines[:at], *lines[stop:]], list(lines[at:stop])
    return list(lines), []


def _signed_until(lines: Sequence[str], at: int, end: int, own: frozenset[str] | None) -> int:
    """Return where the signature that begins on a line ends; `at` where none begins.

    `own` are the author's names; None where text follows, above which no name or card signs.
    """
    line = lines[at]
    if is_mobile(line):
        return end
    is_drawn = line.lstrip()[:1] in _DRAWN
    if is_drawn and _DELIMITER.fullmatch(line):
        is_short = sum(bool(each.strip()) for each in lines[at:end]) <= MAX_SIGNED
        return end if is_short and not _is_prose_below(lines, at, end) else at
    if is_drawn and ((is_dashed := _is_dashed_name(lines, at)) or _RULE.fullmatch(line)):
        is_last = at + 1 == end and is_dashed
        return end if is_last or _all_signs(lines, at + 1, end) else at
    is_card = own is not None and (_names(lines, at, end, own) or _is_contacts(lines, at, end))
    return _block_end(lines, at, end) if is_card or _closes(lines, at, end) else at


def _stands_alone(line: str) -> bool:
    """Tell whether a line begins a signature even where nothing is written above it."""
    return bool(_DELIMITER.fullmatch(line)) or is_mobile(line)


def is_mobile(line: str) -> bool:
    """Tell whether a line is what a telephone's client adds below a mail."""
    found = _MOBILE.fullmatch(line.lstrip("-–—_* ")[:200].lower())
    if not found:
        return False
    rest = re.sub(r"<[^<>]*>|\(?https?://\S*", "", found.group(1)).strip()
    return len(rest.split()) <= 6 and not re.search(r"[,;:?]|\.$", rest)  # noqa: PLR2004


def _is_prose_below(lines: Sequence[str], at: int, end: int) -> bool:
    """Tell whether a delimiter divides a text rather than ending it: paragraphs of prose follow."""
    below = [line for line in lines[at + 1 : end] if line.strip()]
    prose = [line for line in below if _is_prose(line)]
    has_notice = any(_NOTICE.search(line) for line in below)
    return not has_notice and len(prose) > 2 and 2 * len(prose) > len(below)  # noqa: PLR2004


def _is_dashed_name(lines: Sequence[str], at: int) -> bool:
    """Tell whether a line is `- Kim`, set off from the text and no point of a list."""
    bare = lines[at].strip().lstrip("-–—~ ")
    if not _DASHED_NAME.fullmatch(lines[at]) or not bare[:1].isupper():
        return False
    around = [lines[n] for n in (at - 1, at + 1) if 0 <= n < len(lines)]
    is_apart = at == 0 or not lines[at - 1].strip()
    return is_apart and not any(line.lstrip()[:1] in {"-", "–", "—"} for line in around if line)


def _all_signs(lines: Sequence[str], at: int, end: int) -> bool:
    """Tell whether all lines below could be a signature's: short, few, no sentences."""
    below = [line for line in lines[at:end] if line.strip()]
    return 0 < len(below) <= MAX_SIGNED // 2 and not any(map(_is_text, below))


def _closes(lines: Sequence[str], at: int, end: int) -> bool:
    """Tell whether a line is a closing: `Best regards,` or, above a name, `Thanks,`."""
    line = lines[at][:_LONG_LINE].lower()
    if _REGARDS.match(line) and len(line.split()) <= 7 and not line.rstrip().endswith("?"):  # noqa: PLR2004
        return len(line.strip()) < 50 and _is_short_below(lines, at, end)  # noqa: PLR2004
    return bool(_THANKS.fullmatch(line)) and at + 1 < end and _is_name_below(lines, at, end)


def _is_short_below(lines: Sequence[str], at: int, end: int) -> bool:
    following = next((line for line in lines[at + 1 : end] if line.strip()), "")
    return not _is_prose(following)


def _is_name_below(lines: Sequence[str], at: int, end: int) -> bool:
    following = next((line.strip() for line in lines[at + 1 : end] if line.strip()), "")
    words = following.split()
    is_short = 0 < len(words) <= 5 and len(following) <= 50  # noqa: PLR2004
    return (is_short and following[:1].isupper() and following[-1:] not in "?!:") or (
        is_short and len(words) == 1 and following.isalpha()
    )


def _names(lines: Sequence[str], at: int, end: int, own: frozenset[str]) -> bool:
    """Tell whether a last paragraph begins with the author's name."""
    if not own or at == 0 or lines[at - 1].strip():
        return False
    words = lines[at].replace(",", " ").split()
    if not 0 < len(words) <= 6:  # noqa: PLR2004
        return False
    shared = sum(word.strip(".-").lower() in own for word in words)
    return 2 * shared >= len(words) and _all_signs(lines, at, end)


def _is_contacts(lines: Sequence[str], at: int, end: int) -> bool:
    """Tell whether a last paragraph is a card: short lines, two or more with a number or site."""
    if at == 0 or lines[at - 1].strip() or not _all_signs(lines, at, end):
        return False
    below = [line for line in lines[at:end] if line.strip()]
    telling = sum(bool(_CONTACT.search(line[:_LONG_LINE])) for line in below)
    return len(below) > 2 and telling >= 2 and 2 * telling >= len(below) - 2  # noqa: PLR2004


def _block_end(lines: Sequence[str], at: int, end: int) -> int:
    """Return where a signature ends: before the next paragraph of prose that is no notice."""
    stop = at + 1
    for number in range(at + 1, end):
        line = lines[number]
        if line.strip() and _is_text(line):
            is_notice = any(_NOTICE.search(each) for each in lines[number:end])
            return end if is_notice else stop
        if line.strip():
            stop = number + 1
    return end


def _is_text(line: str) -> bool:
    """Tell whether a line reads like a sentence, and not like a notice below a signature."""
    return _is_prose(line) and not _NOTICE.search(line)


def _is_prose(line: str) -> bool:
    """Tell whether a line reads like a sentence."""
    words = line.split()
    if len(words) > 12 or len(line) > _LONG_LINE:  # noqa: PLR2004
        return True
    return len(words) > 4 and line.rstrip()[-1:] in ".?!:;,"  # noqa: PLR2004
