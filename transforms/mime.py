"""RFC 5322 and MIME: from any bytes to headers, parts and text, in bounded time and memory.

The parser is our own. The standard library's walks a mail line by line and tries every open
boundary on each; this one finds boundaries with `bytes.find`, copies nothing, and reads no header
before it is asked to: a mail costs little more than its size, and a hostile one no more than that.
"""

import re
from collections.abc import Iterator
from typing import Final

from transforms.encodings import clean, decode, decode_words, guess, transferred
from transforms.html import html_to_text

MAX_MAIL_BYTES: Final = 4_000_000
MAX_HEAD_BYTES: Final = 128_000
MAX_HEADER_BYTES: Final = 64_000
MAX_WORDS_CHARS: Final = 4_000
MAX_TEXT_CHARS: Final = 100_000
MAX_CONTENT_CHARS: Final = 400_000
MAX_REPEATS: Final = 50
MAX_PARTS: Final = 500
MAX_DEPTH: Final = 20

_FOLDED: Final = rb"[ \t]++(?:\r?\n[ \t]++)?\S.*"  # obsolete folding has an empty line in it
_NAME: Final = rb"[!-9;-~]++[ \t]*+:"
_HEADER: Final = re.compile(rb"^([!-9;-~]++)[ \t]*+:(.*(?:\r?\n" + _FOLDED + rb")*)", re.MULTILINE)
_HEAD: Final = re.compile(rb"(?:(?:" + _NAME + rb".*|" + _FOLDED + rb")(?:\n|\Z))*+")
_JUNK: Final = re.compile(rb"[^\r\n].*+\n(?=" + _NAME + rb")")
_EMPTY_LINES: Final = re.compile(rb"(?:[ \t]*+\r?\n)*+")
_BLANK: Final = re.compile(rb"[ \t]*+(?:\r?\n|\Z)")
_DELIMITER_END: Final = re.compile(rb"(--)?(?:[ \t].*+)?\r?(?:\n|\Z)")
_FOLD: Final = re.compile(r"[\r\n]+[ \t]*")
_TYPE: Final = re.compile(r"\s*([\w!#$&.+^-]+)\s*/\s*([\w!#$&.+^-]+)")
_PARAMETER: Final = re.compile(
    r";\s*([\w-]+)(?:\*\d*\*?)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"?|([^\s;\"]++))"
)


class Part:
    """A mail or a part of one.

    Attributes:
        content_type: in lower case, such as `text/plain`; what the standard assumes where the
            header is absent or makes no sense.
        parts: the parts of a multipart, in order; of anything else none.
    """

    __slots__ = (
        "_body", "_end", "_fields", "_head_end", "_source", "_start", "_words", "content_type",
        "parts",
    )  # fmt: skip

    def __init__(self, source: bytes, start: int, end: int, default: str = "text/plain") -> None:
        self._source, self._start, self._end = source, start, end
        self._body = _body_start(source, start, end)
        self._head_end = min(self._body, start + MAX_HEAD_BYTES)
        self._fields: dict[str, list[bytes]] = {}
        for name, value in _HEADER.findall(source, start, self._head_end):
            self._fields.setdefault(name.decode("ascii").lower(), []).append(value)
        self._words: dict[str, str] = {}
        self.content_type = _content_type(self, default)
        self.parts: list[Part] = []

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers, in lower case, in order of appearance."""
        found = _HEADER.findall(self._source, self._start, self._head_end)
        return tuple(name.decode("ascii").lower() for name, _ in found)

    @property
    def source(self) -> bytes:
        """The whole of it, as it stands."""
        return self._source[self._start : self._end]

    @property
    def body(self) -> bytes:
        """What follows the headers, as it stands."""
        return self._source[self._body : self._end]

    @property
    def encoding(self) -> str:
        """The transfer encoding, in lower case."""
        value = words(self, "Content-Transfer-Encoding").lower()
        return value.partition(";")[0].strip(" \"'")

    def words_of(self, name: str) -> str:
        """Return `words` of a header whose name is in lower case; read once, asked for often."""
        if name not in self._fields:
            return ""
        if name not in self._words:
            value = _unfolded(self._fields[name][0])[:MAX_WORDS_CHARS]
            self._words[name] = decode_words(value)
        return self._words[name]

    def content(self) -> bytes:
        """Return the body with its transfer encoding undone."""
        return transferred(self.body, self.encoding)


def parse(data: bytes) -> Part:
    """Read a mail. Never raises; what is beyond the limits is left out."""
    data = _without_envelope(data[:MAX_MAIL_BYTES])
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    whole = Part(data, 0, len(data))
    waiting, left = [(whole, 0)], MAX_PARTS
    while waiting and left > 0:
        part, depth = waiting.pop()
        if depth < MAX_DEPTH and part.content_type.startswith("multipart/"):
            part.parts = _split(part, left)
            left -= len(part.parts)
            waiting.extend((inner, depth + 1) for inner in part.parts)
    return whole


def enclosed(part: Part) -> Part | None:
    """Return the mail that a message/rfc822 part holds, undone of its encoding; None for others."""
    kinds = {"message/rfc822", "message/global", "message/news"}
    return parse(part.content()) if part.content_type in kinds else None


def words(part: Part, name: str) -> str:
    """Return a header as a person reads it, on one line; empty where it is absent."""
    return part.words_of(name.lower())


def raw_all(part: Part, name: str) -> list[str]:
    """Return every header of a name, unfolded but with its encoded words as they stand."""
    values = part._fields.get(name.lower(), [])
    return [_unfolded(value) for value in values[:MAX_REPEATS]]


def parameter(part: Part, header: str, name: str) -> str:
    """Return a header's parameter, such as the charset of Content-Type; empty where it is absent.

    The pieces of a long parameter (RFC 2231) are put together.
    """
    value = next(iter(raw_all(part, header)), "")[:MAX_WORDS_CHARS]
    found = [
        re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for key, quoted, bare in _PARAMETER.findall(value)
        if key.lower() == name
    ]
    return "".join(found)


def text(message: Part) -> str:
    """Return the text that a person reads first: text/plain, or failing that text/html.

    Attachments are passed over. At most MAX_TEXT_CHARS are returned.
    """
    html = ""
    for part in leaves(message):
        kind = _text_type(part)
        if kind not in {"text/plain", "text/html"} or is_attachment(part):
            continue
        content = text_of(part)
        if kind == "text/plain" and content.strip():
            return content[:MAX_TEXT_CHARS]
        html = html or content
    return html_to_text(html)[:MAX_TEXT_CHARS] if html else ""


def text_of(part: Part) -> str:
    """Return a text part's text, whatever its transfer encoding and charset claim."""
    decoded = decode(part.content(), parameter(part, "Content-Type", "charset").lower() or "utf-8")
    return clean(decoded[:MAX_CONTENT_CHARS].replace("\r\n", "\n").replace("\r", "\n"))


def leaves(message: Part) -> Iterator[Part]:
    """Yield the parts that hold content, in order; a forwarded mail is one, its parts are not."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.parts:
            waiting.extend(reversed(part.parts))
        else:
            yield part


def content_types(message: Part) -> set[str]:
    """Return the types of the mail and its parts; a calendar's with its method."""
    return {_full_type(message), *map(_full_type, leaves(message))}


def is_attachment(part: Part) -> bool:
    """Tell whether a part asks to be kept beside the mail, and not shown in it."""
    return words(part, "Content-Disposition").lower().startswith("attachment")


def _without_envelope(data: bytes) -> bytes:
    """Drop what may stand above the first header: blank lines and an mbox's From_ line."""
    data = data[_EMPTY_LINES.match(data).end() :]  # type: ignore[union-attr] # it matches nothing, too
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def _body_start(source: bytes, start: int, end: int) -> int:
    """Return where the body begins: after the blank line, or at the first line that is no header.

    A line of junk between two headers ends nothing.
    """
    at = _HEAD.match(source, start, end).end()  # type: ignore[union-attr] # it matches nothing, too
    while at > start and (junk := _JUNK.match(source, at, end)):
        at = _HEAD.match(source, junk.end(), end).end()  # type: ignore[union-attr]
    blank = _BLANK.match(source, at, end)
    return blank.end() if blank else at


def _content_type(part: Part, default: str) -> str:
    if "content-type" not in part:
        return default
    found = _TYPE.match(words(part, "Content-Type"))
    return f"{found.group(1)}/{found.group(2)}".lower() if found else "text/plain"


def _split(part: Part, most: int) -> list[Part]:
    """Return the parts of a multipart; none where its boundary is missing or never comes.

    A boundary that ends in spaces is looked for with them, then without: some relays trim lines.
    """
    boundary = parameter(part, "Content-Type", "boundary").encode("utf-8", "surrogateescape")
    default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    for mark in dict.fromkeys((boundary, boundary.rstrip())) if boundary else ():
        if found := _between(part, b"--" + mark, default, most):
            return found
    return []


def _between(part: Part, mark: bytes, default: str, most: int) -> list[Part]:
    """Return what stands between the boundaries, up to the last or the end of the multipart."""
    starts: list[int] = []
    ends: list[int] = []
    for line, after, is_last in _delimiters(part, mark):
        ends.append(line)
        if is_last or len(starts) == most:
            break
        starts.append(after)
    inner = zip(starts, [*ends[1:], part._end], strict=False)  # noqa: SLF001
    return [Part(part._source, start, max(start, end), default) for start, end in inner]  # noqa: SLF001


def _delimiters(part: Part, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield where each line of the boundary begins, with the line break before it, and ends."""
    source, end = part._source, part._end  # noqa: SLF001
    first = part._body  # noqa: SLF001
    at = source.find(mark, first, end)
    while at >= 0:
        is_line = at == first or source[at - 1] == ord("\n")
        tail = _DELIMITER_END.match(source, at + len(mark), end) if is_line else None
        if tail:
            yield _line_end(source, first, at), tail.end(), tail.group(1) is not None
        at = source.find(mark, tail.end() if tail else at + len(mark), end)


def _line_end(source: bytes, first: int, at: int) -> int:
    """Return where the line before `at` ends: its line break belongs to the boundary."""
    before = at - 1 if at > first else at
    return before - 1 if before > first and source[before - 1] == ord("\r") else before


def _unfolded(value: bytes) -> str:
    """Return a header's value on one line, its 8-bit bytes read as UTF-8 or else Windows-1252."""
    text = guess(value[:MAX_HEADER_BYTES])
    return (_FOLD.sub(" ", text) if "\n" in text else text).strip()


def _text_type(part: Part) -> str:
    """Return the part's type; a multipart without its parts is the text that it looks like."""
    return "text/plain" if part.content_type.startswith("multipart/") else part.content_type


def _full_type(part: Part) -> str:
    if part.content_type != "text/calendar":
        return part.content_type
    method = clean(parameter(part, "Content-Type", "method").lower())
    return f"{part.content_type};method={method}" if method else part.content_type
