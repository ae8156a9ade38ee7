"""What a signature says of the one who signs: name, title, company, telephone numbers."""

import re
from collections.abc import Sequence
from typing import Final

from contracts.activity import Signature
from transforms.phones import e164
from transforms.sign_off import is_mobile

MAX_LINES: Final = 15
MAX_LINE_CHARS: Final = 120
MAX_PHONES: Final = 5

_PHONE: Final = re.compile(r"(?<![\w.@/])\+?\(?\d[\d\s()./\-\u2010\u2011\u00a0]{6,24}\d(?![\w@])")
_FAX: Final = re.compile(r"(?:fax|telefax|\bf)\s?[.:]?\s*$", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"\b(?:c[efitomrsp]o|evp|svp|v\.?p\.?|vice[ -]president|president|"
    r"director|manager|head of|lead(?:er)?|"
    r"chief|officer|partner|founder|co-?founder|owner|engineer|developer|architect|consultant|analyst|"
    r"executive|specialist|coordinator|administrator|assistant|associate|advisor|adviser|buyer|"
    r"purchas\w+|procurement|counsel|attorney|accountant|controller|scientist|professor|designer|"
    r"secretary|representative|sales|marketing|geschäftsführ\w*|leiter\w*|"
    r"leitung|vorstand|inhaber\w*|"
    r"einkauf\w*|vertrieb\w*|referent\w*|directeur|directrice|responsable|chef de|"
    r"gérante?|président\w*|"
    r"ingénieur\w*|acheteu[rs]e?|gerente|director[a]|jefe|jefa|"
    r"direttore|direttrice|responsabile|titolare|"
    r"amministrator\w*|directie|hoofd|verkoop|inkoper|dyrektor|kierownik|prezes|chef|ansvarig|leder|"
    r"direktør|sjef|diretor\w*|директор|менеджер|руководитель|начальник)\b|经理|总监|部長|課長|社長",
    re.IGNORECASE,
)
_COMPANY: Final = re.compile(
    r"\b(?:inc|corp|corporation|ltd|limited|llc|llp|plc|gmbh|"
    r"ag|kg|ohg|se|s\.?a\.?s?|sarl|s\.?r\.?l|"
    r"s\.?p\.?a|b\.?v|n\.?v|oy|ab|a/s|aps|as|sp\. z o\.o|pty|co\.|kk|"
    r"holding|group|gruppe|company)\b\.?",
    re.IGNORECASE,
)
_PARTS: Final = re.compile(r"\s*(?:[|•·*]|,|\bat\b|\bbei\b|\bchez\b| [-–—] )\s*")


def read_signature(text: str, address: str, name: str, region: str) -> Signature | None:
    """Return what a signature tells of its author; None where it tells no title, company or number.

    Args:
        text: the signature's lines.
        address: the author's; a line that spells its domain is the company.
        name: the author's, as the mail states it.
        region: in which a number without a country's prefix is read (ISO 3166).
    """
    lines = [*_lines(text)]
    title, rest = _title(lines)
    read = Signature(
        name=name or next((line for line in lines if _is_name(line)), ""),
        title=title,
        company=_company(lines, rest, address),
        phones=_phones(lines, region),
        text="\n".join(lines),
    )
    return read if read.title or read.company or read.phones else None


def _lines(text: str) -> list[str]:
    """Return the first lines that say something, without what a telephone adds."""
    stripped = (line.strip(" \t-_*|>=").strip() for line in text.split("\n"))
    told = [line[:MAX_LINE_CHARS] for line in stripped if line and not is_mobile(line)]
    return told[:MAX_LINES]


def _title(lines: Sequence[str]) -> tuple[str, str]:
    """Return the title, and what stands beside it on its line: perhaps the company."""
    for line in lines:
        if len(line) > 80 or "@" in line or not _TITLE.search(line):  # noqa: PLR2004
            continue
        pieces = [piece for piece in _PARTS.split(line) if piece]
        at = next((n for n, piece in enumerate(pieces) if _TITLE.search(piece)), None)
        if at is not None and not _COMPANY.search(pieces[at]):
            beside = next((p for p in pieces[at + 1 :] if not _TITLE.search(p)), "")
            return pieces[at], beside if not _PHONE.search(beside) else ""
    return "", ""


def _company(lines: Sequence[str], beside: str, address: str) -> str:
    """Return the line with a legal form, or that spells the address's domain, or the title's."""
    stem = re.sub(r"\W", "", address.rpartition("@")[2].split(".")[0].lower())
    for line in lines:
        letters = re.sub(r"\W", "", line.lower())
        is_site = "@" in line or "www" in letters or "http" in letters
        if not is_site and len(line) <= 60 and (_COMPANY.search(line) or _spells(letters, stem)):  # noqa: PLR2004
            return next((p for p in _PARTS.split(line) if _COMPANY.search(p)), beside or line)
    return beside


def _spells(letters: str, stem: str) -> bool:
    return len(stem) > 3 and letters.startswith(stem) and len(letters) <= 2 * len(stem) + 8  # noqa: PLR2004


def _phones(lines: Sequence[str], region: str) -> tuple[str, ...]:
    """Return the numbers in E.164, each once; a fax's is left out."""
    found: dict[str, None] = {}
    for line in lines:
        for match in _PHONE.finditer(line):
            if not _FAX.search(line[: match.start()]) and (number := e164(match.group(), region)):
                found[number] = None
    return tuple(found)[:MAX_PHONES]


def _is_name(line: str) -> bool:
    words = line.split()
    return 2 <= len(words) <= 4 and all(w[0].isupper() and w.isalpha() for w in words)  # noqa: PLR2004
