"""HTML mail as plain text. Linear in its input, for any input; nothing is fetched or run."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

MAX_HTML_CHARS: Final = 1_000_000
MAX_DEPTH: Final = 5

_TOKEN: Final = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)[^<>]*>|<[^<>]*>|[^<]+|<")
_COMMENT_END: Final = re.compile("-->")
_HIDDEN_END: Final = {
    name: re.compile(rf"</{name}[^<>]*>?", re.IGNORECASE)
    for name in ("script", "style", "head", "title")
}
_BREAKING: Final = {
    "address", "article", "aside", "br", "center", "dd", "div", "dl", "dt", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr",
    "ul",
}  # fmt: skip
_SPACING: Final = {"", "td", "th"}


def html_to_text(html: str) -> str:
    """Return the text that a reader sees, a line per block; quotes get `>` before each line."""
    lines: list[str] = []
    line: list[str] = []
    depth = 0
    for tag, piece in _visible(html[:MAX_HTML_CHARS]):
        if tag in _BREAKING or tag == "blockquote":
            lines.append(_line(line, depth))
            line.clear()
        elif tag in _SPACING:
            line.append(" " if tag else unescape(piece))
        if tag == "blockquote":
            depth = max(0, depth + (-1 if piece.startswith("</") else 1))
    lines.append(_line(line, depth))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _visible(html: str) -> Iterator[tuple[str, str]]:
    """Yield tags and text, without comments and what a browser does not show.

    Each comes after its tag's name, `!` for a declaration, and nothing for text.
    """
    at = 0
    while found := _TOKEN.match(html, at):
        piece, at = found.group(), found.end()
        tag = (found.group(1) or ("!" if piece.startswith(("<!", "<?")) else "")).lower()
        if piece.startswith("<!--"):
            at = _after(_COMMENT_END, html, found.start() + 4)
        elif tag in _HIDDEN_END and not piece.startswith("</"):
            at = _after(_HIDDEN_END[tag], html, at)
        else:
            yield tag, piece


def _after(end: re.Pattern[str], html: str, at: int) -> int:
    """Return where the text goes on after `end`; its length where `end` never comes."""
    found = end.search(html, at)
    return found.end() if found else len(html)


def _line(pieces: list[str], depth: int) -> str:
    text = " ".join("".join(pieces).split())
    return f"{'> ' * min(depth, MAX_DEPTH)}{text}" if text else ""
