"""Answers that a calendar or an absent person's mailbox gives, and until when it says so."""

import re
from datetime import date, timedelta
from typing import Final

MAX_CHARS: Final = 1_500
MAX_DAYS: Final = 400

_SUBJECT: Final = re.compile(
    r"\W*(?:out[ -]of[ -](?:the )?office|automatic reply|auto(?:matic)?[ -]?(?:reply|response)|"
    r"autoreply|on vacation|away from|abwesenheit|abwesend|automatische antwort|ooo\b|"
    r"r[ée]ponse automatique|absence|absent|respuesta autom[áa]tica|fuera de (?:la )?oficina|"
    r"risposta automatica|fuori (?:ufficio|sede)|automatisch antwoord|afwezig|"
    r"automatyczna odpowied|autosvar|frånvaro|fravær|resposta autom[áa]tica|ausente|automaattinen|"
    r"автоответ|автоматический ответ|нет на месте|自动回复|自動回覆|自動返信|자동)",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(
    r"out of (?:the )?office|on (?:annual |parental |sick |maternity )?(?:leave|vacation|holiday)|"
    r"away (?:from|until)|(?:limited|no) access to (?:my )?e-?mail|"
    r"(?:will|shall) (?:be back|return)|nicht im (?:büro|haus)|abwesend|außer haus|im urlaub|"
    r"elternzeit|"
    r"wieder (?:erreichbar|da|im büro)|absent|en congé|"
    r"de retour|fuera de la oficina|de vacaciones|fuori ufficio|in ferie|"
    r"assente|afwezig|met vakantie|niet aanwezig|nieobecn|urlop|semester|ferie\b|tillbaka|tilbake|"
    r"ausente|férias|в отпуске|отсутств|不在|休假|休暇|휴가|부재",
    re.IGNORECASE,
)
_UNTIL: Final = re.compile(
    r"\b(?:until|till?|through|back|return(?:ing)?|bis|ab|zurück|jusqu|retour|hasta|regres\w+|vuelv\w+|"
    r"fino|rientr\w+|torn\w+|tot|terug|do|wrac\w+|wróc\w+|tills?|til|"
    r"tillbaka|tilbake|até|volt\w+|до)\b"
    r"([^\n]{0,60})",
    re.IGNORECASE,
)
_ISO: Final = re.compile(r"\b(20\d\d)-(\d{1,2})-(\d{1,2})\b")
_NUMERIC: Final = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})(?:[./-](\d{4}|\d{2})\b|\.?)")
_NAMED: Final = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th|\.|er|º)?(?: of| de)? "
    r"([^\W\d_]{3,10})\.?,?(?: de)?(?: (20\d\d))?",
    re.IGNORECASE,
)
_NAMED_FIRST: Final = re.compile(
    r"\b([^\W\d_]{3,10})\.? (\d{1,2})(?:st|nd|rd|th)?\b,?(?: (20\d\d))?", re.IGNORECASE
)
_MONTHS: Final = (
    "jan ene gen sty янв", "feb fév fev lut фев", "mar mär mrt maa мар", "apr avr abr kwi апр",
    "may mai mag maj mei май мая", "jun juin giu cze июн", "jul juil lug lip июл",
    "aug aoû aou ago sie авг", "sep set wrz сен", "oct okt out ott paź окт", "nov lis ноя",
    "dec dez déc dic gru des дек",
)  # fmt: skip
_WEEKDAYS: Final = (
    "mon montag lun lunes maandag måndag mandag пон", "tue dienstag mar martes dinsdag tisdag вто",
    "wed mittwoch mer mié mie woensdag onsdag сре",
    "thu donnerstag jeu jue gio donderdag torsdag чет",
    "fri freitag ven vie vrijdag fredag пят",
)  # fmt: skip


def says_so(subject: str) -> bool:
    """Tell whether a subject begins as an absent person's automatic answer does."""
    return bool(_SUBJECT.match(subject))


def is_absence(subject: str, text: str) -> bool:
    """Tell whether an automatic answer speaks of an absence."""
    return bool(_ABSENT.search(subject[:200]) or _ABSENT.search(text[:MAX_CHARS]))


def stated_end(text: str, sent_on: date) -> date | None:
    """Return the day that a text names as the last of an absence or the first after it.

    A date without a year is the next one after the mail; `06/07` is read day first, unless the
    second number is above 12. None where no day of the next MAX_DAYS is named.
    """
    for found in _UNTIL.finditer(text[:MAX_CHARS]):
        day = _day(found.group(1), sent_on)
        if day and timedelta(0) <= day - sent_on <= timedelta(days=MAX_DAYS):
            return day
    return None


def _day(words: str, after: date) -> date | None:
    if found := _ISO.search(words):
        return _made(found.group(1), int(found.group(2)), int(found.group(3)), after)
    if found := _NUMERIC.search(words):
        first, second = int(found.group(1)), int(found.group(3))
        day, month = (second, first) if second > 12 else (first, second)  # noqa: PLR2004
        return _made(found.group(4), month, day, after)
    for pattern, day_at, month_at in ((_NAMED, 1, 2), (_NAMED_FIRST, 2, 1)):
        for found in pattern.finditer(words):
            if month := _number(found.group(month_at), _MONTHS):
                return _made(found.group(3), month, int(found.group(day_at)), after)
    return _next_weekday(words, after)


def _made(year: str | None, month: int, day: int, after: date) -> date | None:
    """Return a date; without a year, the next such day; None for a day that does not exist."""
    number = (int(year) + (2000 if len(year) == 2 else 0)) if year else after.year  # noqa: PLR2004
    try:
        stated = date(number, month, day)
        return stated if year or stated >= after else date(number + 1, month, day)
    except ValueError:
        return None


def _next_weekday(words: str, after: date) -> date | None:
    for word in words.lower().split():
        if number := _number(word, _WEEKDAYS):
            return after + timedelta(days=(number - 1 - after.weekday() - 1) % 7 + 1)
    return None


def _number(word: str, names: tuple[str, ...]) -> int:
    """Return which of the names a word begins with, counted from 1; 0 for none."""
    lowered = word.lower().strip(".,;:")
    for number, known in enumerate(names, 1):
        if any(lowered.startswith(name) for name in known.split()):
            return number
    return 0
