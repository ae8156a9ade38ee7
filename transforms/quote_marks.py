"""Where in a mail's text somebody else's words begin: attributions, header blocks, separators.

The signs are those of the common clients in some twenty languages; where the language is not
known, their shape decides: a date, an address, a colon at the end; key and value, line after line.
Each look is at a few lines of bounded length, so that a text costs no more than its size.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

MAX_LINE_CHARS: Final = 400
ATTRIBUTION_LINES: Final = 4
BLOCK_LINES: Final = 8

_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|schrieb|schreibt|a [ée]crit|escribi[óo]|escreveu|ha scritto|scrisse|"
    r"schreef|geschreven|napisa[łl]a?|napsala?|nap[íi]sala?|skrev|kirjoitti|a scris|[íi]rta|"
    r"yazd[ıi]|написала?|пишет|писала?|написав|έγραψε|đã viết)\b"
    r"|写道|写到|寫道|写了|のメール|書きました|님이 작성"
)  # for lower case: with IGNORECASE no branch is passed over by its first letter
_PIECES: Final = (
    "wrote", "writes", "schr", "a écrit", "a ecrit", "escribió", "escribio", "escreveu", "scritto",
    "scris", "napisa", "napsal", "napísal", "skrev", "kirjoitti", "írta", "irta", "yazd", "писа",
    "пишет", "έγραψε", "viết", "写", "寫道", "のメール", "書きました", "님이 작성",
)  # fmt: skip
"""One of these is in whatever `_WROTE` finds, and is found faster."""
_OPENING: Final = re.compile(
    r"(?:-{2,} *)?(?:On|Am|Le|El|Il|Op|Em|Den|Dne|Dňa|Dnia|W dniu|Vào|Στις|Pe|A|På|En|In|Il giorno"
    r"|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|lun|mar|mer|jeu|ven|sam|dim|Пн|Вт|Ср|Чт"
    r"|Пт|Сб|Вс|man|tir|ons|tor|fre|lør|søn|在|于|於|\d)",
)
_DRAWN: Final = frozenset(">-_=*")
_ADDRESS: Final = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_DATE: Final = re.compile(
    r"\d{1,2}[:.h]\d{2}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\b(?:19|20)\d\d\b|\d年|\d월"
    r"|\d{1,2}\.? \w{3}|\w{3}\.? \d{1,2}\b"
)
_DATED_ADDRESS: Final = re.compile(r"[<(\[]?[^\s<>@]{1,64}@[^\s<>@]{1,255}[>)\]]?\s*[:：]$")
_RULE: Final = re.compile(r"\s*(?:[-_=*—]\s?){3,}\s*")
_TITLED_RULE: Final = re.compile(r"\s*>?\s*[-_=*]{2,}\s*(\D{4,50}?)\s*[-_=*]{2,}\s*")
_TITLED_CHARS: Final = 8  # of the shortest that it matches
_ORIGINAL: Final = re.compile(
    r"original message|urspr[üu]ngliche nachricht|originalnachricht|message d.origine"
    r"|message original|mensaje original|messaggio originale|oorspronkelijk bericht"
    r"|oprindelig (?:besked|meddelelse)|opprinnelig melding|ursprungligt meddelande"
    r"|originalmeddelande|wiadomo[śs][ćc] oryginalna|oryginalna wiadomo|mensagem original"
    r"|исходное сообщение|оригинальное сообщение|原始邮件|原始郵件|元のメッセージ|원본 메시지"
    r"|p[ůu]vodn[íi] (?:zpr[áa]va|spr[áa]va)|alkuper[äa]inen viesti|forwarded message"
    r"|forwarded by|weitergeleitete nachricht|message transf[ée]r[ée]|mensaje reenviado"
    r"|messaggio inoltrato|doorgestuurd bericht|videresendt|vidarebefordrat|przes[łl]ana wiadomo"
    r"|mensagem encaminhada|пересылаемое сообщение|转发的?邮件|轉寄郵件|転送",
    re.IGNORECASE,
)
_BEGINS: Final = re.compile(
    r"\s*(?:begin forwarded message|anfang der weitergeleiteten nachricht|d[ée]but du message "
    r"(?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])|inicio del mensaje reenviado|"
    r"inizio messaggio inoltrato)\s*:",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"[ \t*>]{0,8}([^\W\d][^:：\d\n*]{0,24}?)\s?\*?\s?[:：]\*?(.*)", re.DOTALL)
_KEYS: Final = {
    "from": "from von de da van od från fra lähettäjä от від 发件人 寄件者 差出人 보낸사람"
    " kimden feladó expéditeur remitente mittente afzender odesílatel",
    "date": "sent date gesendet datum envoyé envoye enviado fecha"
    " inviato data verzonden wysłano wysłane skickat dato"
    " sendt lähetetty отправлено дата 发送时间 发送日期 日期 寄件日期 送信日時 日時"
    " 보낸날짜 gönderme tarihi küldve dátum odesláno päivämäärä received enviada",
    "to": "to an à a para aan do till til vastaanottaja кому 收件人 收件者 宛先 받는사람"
    " kime címzett destinataire komu",
    "copy": "cc copie cópia kopie kopia kopi копия 抄送 副本",
    "subject": "subject betreff objet asunto oggetto onderwerp temat ämne emne aihe тема 主题 主題"
    " 件名 제목 konu tárgy assunto sujet předmět re",
}
_PHRASES: Final = {
    "date": ("envoyé le", "date d'envoi", "enviado el", "inviata il", "verzonden op", "message du",
             "data wysłania", "enviada em", "보낸 날짜"),
    "from": ("보낸 사람",),
    "to": ("받는 사람",),
    "copy": ("copie à",),
}  # fmt: skip
_KIND: Final = {word: kind for kind, known in _KEYS.items() for word in known.split()} | {
    phrase: kind for kind, phrases in _PHRASES.items() for phrase in phrases
}


def suspects(lines: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the lines that may tell of somebody else's words; no other line does.

    Most lines are ruled out by what costs least: they have no colon, no drawn mark in front, and
    nobody *wrote*.
    """
    lowered = "\n".join(lines).lower()
    said = [word for word in _PIECES if word in lowered]
    for number, line in enumerate(lines):
        if (
            line.lstrip()[:1] in _DRAWN
            or ":" in line
            or "：" in line
            or (said and any(word in line.lower() for word in said))
        ):
            yield number


def is_quoted(line: str) -> bool:
    """Tell whether a line carries the mark of a quote."""
    return line.lstrip(" \t")[:1] == ">"


def is_rule(line: str) -> bool:
    """Tell whether a line is drawn across: dashes, underscores, equals signs and nothing else."""
    return bool(_RULE.fullmatch(line[:MAX_LINE_CHARS]))


def attribution(lines: Sequence[str], end: int) -> int | None:
    """Return where an attribution (`On … wrote:`) that ends on a line begins; None if none does.

    Some clients wrap it over up to ATTRIBUTION_LINES lines.
    """
    last = lines[end].rstrip(" \t-*")[-MAX_LINE_CHARS:]
    if not last.endswith((":", "：")) and not _WROTE.search(last[-30:].lower()):
        return None
    joined, loose = "", None
    for start in range(end, max(-1, end - ATTRIBUTION_LINES), -1):
        line = lines[start].strip()[:MAX_LINE_CHARS]
        if not line or is_quoted(line):
            break
        joined = f"{line} {joined}"
        if _attributes(joined.rstrip(" -*")):
            if _OPENING.match(line.lstrip("*")):
                return start
            loose = start if loose is None and _is_loose(joined) else loose
    return loose


def _attributes(text: str) -> bool:
    """Tell whether a text says who wrote, and when or from which address."""
    if _WROTE.search(text.lower()):
        return bool(_DATE.search(text) or _ADDRESS.search(text))
    return bool(_DATED_ADDRESS.search(text) and _DATE.search(text))


def _is_loose(text: str) -> bool:
    """Tell whether it attributes even where no known word opens it."""
    return bool(_ADDRESS.search(text)) and len(text) < MAX_LINE_CHARS


def block(lines: Sequence[str], start: int) -> bool:
    """Tell whether a quoted mail's headers (`From: … Sent: … To: …`) begin on a line."""
    first = _kind(lines[start])
    if first is None:
        return False
    kinds, has_address, has_year = set(), False, False
    keyed = 0
    for line in lines[start : start + BLOCK_LINES]:
        kind = _kind(line)
        if kind is None and (keyed == 0 or not line.strip()):
            break
        keyed += kind is not None
        kinds.add(kind)
        has_address = has_address or "@" in line[:MAX_LINE_CHARS]
        has_year = has_year or bool(re.search(r"\b(?:19|20)\d\d\b", line[:MAX_LINE_CHARS]))
    known = kinds & set(_KEYS)
    if first in {"from", "date"} and len(known) >= 2:  # noqa: PLR2004 who and when, or to whom
        return "from" in known or len(known) > 2  # noqa: PLR2004
    return first == "other" and keyed > 2 and has_address and has_year  # noqa: PLR2004


def separator(lines: Sequence[str], at: int) -> bool:
    """Tell whether a line says that another mail follows (`-----Original Message-----`)."""
    line = lines[at][:MAX_LINE_CHARS]
    if not line.strip("-_=*"):  # no title, about which the pattern would think long
        return len(line) >= _TITLED_CHARS and _is_followed_by_block(lines, at)
    if line.lstrip()[:1] in _DRAWN and (found := _TITLED_RULE.fullmatch(line)):
        return bool(_ORIGINAL.search(found.group(1))) or _is_followed_by_block(lines, at)
    return ":" in line and bool(_BEGINS.match(line))


def _is_followed_by_block(lines: Sequence[str], at: int) -> bool:
    following = [n for n in range(at + 1, min(at + 4, len(lines))) if lines[n].strip()]
    return bool(following) and block(lines, following[0])


def _kind(line: str) -> str | None:
    """Return which header a line names; `other` for a key that is not known, None for no key."""
    has_colon = ":" in line or "：" in line
    found = _KEY.match(line[:MAX_LINE_CHARS]) if has_colon else None
    if not found:
        return None
    key = found.group(1).strip(" *").lower()
    return _KIND.get(key, "other" if len(key.split()) <= 2 else None)  # noqa: PLR2004
