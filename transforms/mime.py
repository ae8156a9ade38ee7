"""RFC 5322 and MIME: from any bytes to headers and text, in bounded time and memory.

The standard library's parser is used with its older policy: it never looks into a header before
it is asked to. The newer one raises on hostile headers and is quadratic in their length.
"""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from typing import Final

from typing_extensions import override

from transforms.html import html_to_text

MAX_MAIL_BYTES: Final = 4_000_000
MAX_HEAD_BYTES: Final = 128_000
MAX_HEADER_CHARS: Final = 64_000
MAX_WORDS_CHARS: Final = 4_000
MAX_TEXT_CHARS: Final = 100_000
MAX_CONTENT_CHARS: Final = 400_000
MAX_REPEATS: Final = 50
MAX_PARTS: Final = 200
MAX_SEPARATORS: Final = 2_000  # each may begin a part
MAX_BOUNDARIES: Final = 40  # the parser tries every open boundary on every line

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_ENCODED_WORD: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(\?=)[ \t\r\n]+(=\?)")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\ufeff\ud800-\udfff]")
_SLOW_CODECS: Final = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}


class _Bounded(Compat32):
    """Cuts each header, in every part, before anything reads it."""

    @override
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        is_content = name.lower().startswith("content-")
        return name, value[: MAX_WORDS_CHARS if is_content else MAX_HEADER_CHARS]

    @override
    def header_fetch_parse(self, name: str, value: str) -> str:
        """Hand out the header as it stands: `_unfolded` reads its 8-bit bytes."""
        return value


_parser: Final = BytesParser(policy=_Bounded())


def parse(data: bytes) -> Message:
    """Read a mail; one with parts beyond reason keeps its headers alone. Never raises."""
    data = _bounded(_without_envelope(data[:MAX_MAIL_BYTES]))
    if data.lower().count(b"boundary") > MAX_BOUNDARIES or data.count(b"\n--") > MAX_SEPARATORS:
        return _headers_alone(data)
    try:
        return _parser.parsebytes(data)
    except Exception:  # noqa: BLE001 strangers' bytes: whatever the parser trips over, the headers stay
        return _headers_alone(data)


def words(message: Message, name: str) -> str:
    """Return a header as a person reads it, on one line; empty where it is absent."""
    return decode_words(_raw(message, name)[:MAX_WORDS_CHARS])


def raw_all(message: Message, name: str) -> list[str]:
    """Return every header of a name, unfolded but with its encoded words as they stand."""
    return [_unfolded(value) for value in message.get_all(name, [])[:MAX_REPEATS]]


def decode_words(value: str) -> str:
    """Decode RFC 2047 words, also inside quotes and where the charset is wrong, and clean up."""
    joined = _BETWEEN_WORDS.sub(r"\1\2", value)
    return " ".join(clean(_ENCODED_WORD.sub(_decoded_word, joined)).split())


def text(message: Message) -> str:
    """Return the text that a person reads first: text/plain, or failing that text/html.

    Attachments are passed over. At most MAX_TEXT_CHARS are returned.
    """
    html = ""
    for part in _leaves(message):
        kind = _text_type(part)
        if _is_attachment(part) or kind not in {"text/plain", "text/html"}:
            continue
        content = _content(part)
        if kind == "text/plain" and content.strip():
            return content[:MAX_TEXT_CHARS]
        html = html or content
    return html_to_text(html)[:MAX_TEXT_CHARS]


def content_types(message: Message) -> set[str]:
    """Return the types of the mail and its parts; a calendar's with its method."""
    return {_full_type(message)} | {_full_type(part) for part in _leaves(message)}


def clean(value: str) -> str:
    """Return text that any database and page takes: no control characters, no lone surrogates."""
    return _CONTROL.sub("", value)


def _without_envelope(data: bytes) -> bytes:
    """Drop what may stand above the first header: blank lines and an mbox's From_ line."""
    data = data.lstrip(b"\r\n")
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def _bounded(data: bytes) -> bytes:
    """Cut the headers where they go on without end: each look at one costs a look at all."""
    blank = _BLANK_LINE.search(data)
    end = blank.start() if blank else len(data)
    return data if end <= MAX_HEAD_BYTES else data[:MAX_HEAD_BYTES] + data[end:]


def _headers_alone(data: bytes) -> Message:
    head = _BLANK_LINE.split(data, maxsplit=1)[0]
    return _parser.parsebytes(head, headersonly=True)


def _raw(message: Message, name: str) -> str:
    values = raw_all(message, name)
    return values[0] if values else ""


def _unfolded(value: object) -> str:
    """Return a header's value on one line, its 8-bit bytes read as UTF-8 or else Windows-1252."""
    raw = str(value).encode("utf-8", "surrogateescape")
    return re.sub(r"[\r\n]+[ \t]*", " ", _guess(raw)).strip()


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _decoded_word(found: re.Match[str]) -> str:
    charset, encoding, payload = found.groups()
    raw = payload.encode("utf-8", "replace")
    decoded = _base64(raw) if encoding in "bB" else quopri.decodestring(raw, header=True)
    return _decode(decoded, charset.partition("*")[0])  # RFC 2231 adds a language after `*`


def _base64(raw: bytes) -> bytes:
    """Decode what can be decoded of base64 that may be cut off or dirty."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4] + _padded(kept))
    except binascii.Error:
        return b""


def _padded(kept: bytes) -> bytes:
    tail = kept[len(kept) // 4 * 4 :]
    return tail + b"=" * (4 - len(tail)) if len(tail) > 1 else b""


def _decode(raw: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
        if name in _SLOW_CODECS:
            return _guess(raw)
        return raw.decode(name, "strict" if name == "ascii" else "replace")
    except (LookupError, ValueError):
        return _guess(raw)


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold content, in order; a forwarded mail's own parts are left out."""
    waiting, seen = [message], 0
    while waiting and seen < MAX_PARTS:
        part, seen = waiting.pop(), seen + 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(reversed(_parts(part)))
        elif not part.is_multipart():
            yield part


def _parts(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def _text_type(part: Message) -> str:
    """Return the part's type; a multipart without its boundary is the text that it looks like."""
    is_broken = part.get_content_maintype() == "multipart"
    return "text/plain" if is_broken else part.get_content_type()


def _is_attachment(part: Message) -> bool:
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    return disposition.startswith("attachment")


def _full_type(part: Message) -> str:
    method = re.search(r"method=\"?(\w+)", str(part.get("Content-Type", "")), re.IGNORECASE)
    kind = part.get_content_type()
    return f"{kind};method={method.group(1).lower()}" if method else kind


def _content(part: Message) -> str:
    """Return a text part's text, whatever its transfer encoding and charset claim."""
    try:
        raw = part.get_payload(decode=True)
        charset = part.get_content_charset("utf-8")
    except Exception:  # noqa: BLE001 a broken transfer encoding or parameter: read what stands there
        raw, charset = str(part.get_payload()).encode("utf-8", "surrogateescape"), "utf-8"
    decoded = _decode(raw if isinstance(raw, bytes) else b"", charset)
    return clean(decoded[:MAX_CONTENT_CHARS].replace("\r\n", "\n").replace("\r", "\n"))
