"""Strangers' bytes as text: charsets that lie, transfer encodings cut off, encoded words.

Nothing here raises, and everything is linear in its input.
"""

import base64
import binascii
import codecs
import quopri
import re
from functools import lru_cache
from typing import Final

_ENCODED_WORD: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(\?=)[ \t\r\n]+(=\?)")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\ufeff\ud800-\udfff]")
_ASCII_CONTROL: Final = bytes({*range(32), 127} - {9, 10, 13})
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_BEYOND_CHANCE_BYTES: Final = 8
_SLOW_CODECS: Final = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}
_WIDER: Final = {
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
}
"""What a charset's name is used for, where that is more than the name says (WHATWG Encoding)."""


def clean(value: str) -> str:
    """Return text that any database and page takes: no control characters, no lone surrogates."""
    if value.isascii():
        return value.encode("ascii").translate(None, _ASCII_CONTROL).decode("ascii")
    return _CONTROL.sub("", value)


def decode_words(value: str) -> str:
    """Decode RFC 2047 words, also inside quotes and where the charset is wrong, and clean up."""
    if "=?" in value:
        value = _ENCODED_WORD.sub(_decoded_word, _BETWEEN_WORDS.sub(r"\1\2", value))
    return " ".join(clean(value).split())


def decode(raw: bytes, charset: str) -> str:
    """Return text in the charset it claims, or in the one it is in where the claim is wrong."""
    if raw.isascii() and charset in {"utf-8", "us-ascii"}:
        return raw.decode("ascii")
    name = _codec(charset)
    if name != "utf-8" and (lie := _utf8_despite(raw)):
        return lie
    try:
        return raw.decode(name, "strict" if name in {"utf-8", "ascii"} else "replace")
    except (LookupError, ValueError):
        return guess(raw)


def _utf8_despite(raw: bytes) -> str:
    """Return the text of bytes that are UTF-8 beyond chance, whatever they claim; else nothing."""
    try:
        text = "" if raw.isascii() else raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if len(raw) - len(text) > _BEYOND_CHANCE_BYTES else ""


def guess(raw: bytes) -> str:
    """Read bytes as UTF-8 where more of them are than are not, else as Windows-1252."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    foreign = sum(not character.isascii() for character in text)
    return text if foreign > 2 * broken else raw.decode("cp1252", "replace")


def transferred(raw: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; one that is unknown leaves the bytes as they are."""
    if encoding == "base64":
        return unbase64(raw)
    if encoding == "quoted-printable":
        return quopri.decodestring(raw)
    return _uudecoded(raw) if encoding in {"uuencode", "x-uuencode", "uue", "x-uue"} else raw


def unbase64(raw: bytes) -> bytes:
    """Decode what can be decoded of base64 that may be cut off or dirty."""
    stripped = raw.strip()
    try:
        return _unbase64(raw) if b"=" in stripped[:-2] else binascii.a2b_base64(stripped)
    except binascii.Error:
        return _unbase64(raw)


def _unbase64(raw: bytes) -> bytes:
    """Decode base64 with what does not belong to it, padding too, left out."""
    kept = _NOT_BASE64.sub(b"", raw)
    tail = kept[len(kept) // 4 * 4 :]
    padded = tail + b"=" * (4 - len(tail)) if len(tail) > 1 else b""
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4] + padded)
    except binascii.Error:
        return b""


def _uudecoded(raw: bytes) -> bytes:
    """Decode the lines after `begin`; a line that is not uuencoded adds nothing."""
    lines = iter(raw.splitlines())
    for line in lines:
        if line.startswith(b"begin "):
            break
    decoded = []
    for line in lines:
        if line.strip() in {b"end", b"`"}:
            break
        decoded.append(_uuline(line))
    return b"".join(decoded)


def _uuline(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""


def _decoded_word(found: re.Match[str]) -> str:
    charset, encoding, payload = found.groups()
    raw = payload.encode("utf-8", "replace")
    decoded = unbase64(raw) if encoding in "bB" else quopri.decodestring(raw, header=True)
    return decode(decoded, charset.partition("*")[0])  # RFC 2231 adds a language after `*`


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    """Return the codec to read a charset with; UTF-8, which falls back, where it is unknown."""
    try:
        name = codecs.lookup(charset[:60]).name
        "".encode(name)
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
    return "utf-8" if name in _SLOW_CODECS else _WIDER.get(name, name)
