"""What the sender wrote, apart from what they quoted and how they signed."""

import re
from typing import Final

from mailparser_reply.parser import EmailMessage

MAX_CHARS: Final = 20_000
MAX_LINE_CHARS: Final = 200

_MARKERS: Final = {
    "de": ("schrieb", "Von:", "Grüße", "Gesendet"),
    "fr": ("a écrit", "De :", "De:", "Cordialement", "Envoyé"),
    "es": ("escribió", "De:", "Saludos", "Enviado"),
    "it": ("ha scritto", "Da:", "Cordiali saluti", "Inviato"),
    "nl": ("schreef", "Van:", "groet", "Verzonden"),
    "pl": ("napisał", "Od:", "Pozdrawiam", "Wysłan"),
    "sv": ("skrev", "Från:", "hälsningar", "Skickat"),
    "da": ("skrev", "Fra:", "hilsen", "Sendt"),
}
"""A language's expressions are tried where the text holds one of its words: each costs time."""

_QUOTED: Final = re.compile(r"^>.*$\n?", re.MULTILINE)
_BLANK_RUN: Final = re.compile(r"\n{3,}")
_CUT: Final = "\ue000\n"  # a private-use character: it marks the line ends that are ours


def written(text: str) -> str:
    """Return the newest reply without quoted text and signature; empty if nothing else is there.

    Only the first MAX_CHARS are looked at, cut into lines of MAX_LINE_CHARS where a line is long
    and without runs of blank lines: the library's expressions are quadratic in all three.
    """
    bounded = _bounded(text[:MAX_CHARS])
    if not bounded:
        return ""
    mail = EmailMessage(text=bounded, languages=_languages(bounded), keep_hyphen_lists=True)
    newest = mail.read().replies[0].body.replace(_CUT, "")
    return _BLANK_RUN.sub("\n\n", _QUOTED.sub("", newest)).strip()


def _bounded(text: str) -> str:
    lines = "\n".join(_cut(line.strip()) for line in text.replace("\ue000", "").split("\n"))
    return _BLANK_RUN.sub("\n\n", lines).strip()


def _cut(line: str) -> str:
    starts = range(0, max(len(line), 1), MAX_LINE_CHARS)
    return _CUT.join(line[at : at + MAX_LINE_CHARS] for at in starts)


def _languages(text: str) -> list[str]:
    spoken = [name for name, markers in _MARKERS.items() if any(m in text for m in markers)]
    return ["en", *spoken]
