"""MIME structure beside what another parser's authors wrote down: mime4j's test messages.

Each `NAME.msg` has its expected structure beside it as `NAME.xml`: headers by part, parts in
parts. `python -m bench.mail_structure` compares content types, nesting and header names, for our
parser and for the standard library's, and writes `bench/results/mail_structure.json`.
"""

import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.corpora import DATA
from bench.figures import measured, record
from transforms import mime

COMMAND = "python -m bench.mail_structure"
Shape = tuple[str, tuple[str, ...], tuple["Shape", ...]]
"""Content type, header names in lower case and order, and the parts."""


def main() -> None:
    pairs = [*_pairs(DATA / "mail_nasty" / "mime4j")]
    whole, types = _agreement(pairs, _ours)
    stdlib_whole, stdlib_types = _agreement(pairs, _stdlib)
    figures = [
        measured("mime4j: messages with a structure", len(pairs), "mails", COMMAND),
        measured("mime4j: types, nesting and headers agree", whole, "share", COMMAND),
        measured("mime4j: types and nesting agree", types, "share", COMMAND),
        measured("mime4j: all agree, standard library", stdlib_whole, "share", COMMAND),
        measured("mime4j: types and nesting, standard library", stdlib_types, "share", COMMAND),
    ]
    for figure in figures:
        print(f"{figure.metric}: {figure.value:g}")
    if "-v" in sys.argv:
        _tell_differences(pairs)
    print(record("mail_structure", figures))


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each message with its expected structure."""
    for message in sorted(folder.rglob("*.msg")):
        for suffix in (".xml", "_decoded.xml"):
            expected = message.with_name(message.stem + suffix)
            if expected.exists():
                yield message, expected
                break


def _agreement(pairs: list[tuple[Path, Path]], read: object) -> tuple[float, float]:
    """Return the shares of messages that agree wholly, and in types and nesting."""
    assert callable(read)
    shapes = [(read(mail.read_bytes()), _expected(xml)) for mail, xml in pairs]
    whole = sum(found == wanted for found, wanted in shapes)
    types = sum(_types(found) == _types(wanted) for found, wanted in shapes)
    return whole / len(pairs), types / len(pairs)


def _types(shape: Shape) -> object:
    kind, _, parts = shape
    return kind, tuple(map(_types, parts))


def _expected(path: Path) -> Shape:
    return _node(ET.fromstring(path.read_text("utf-8", "replace")), "text/plain")


def _node(node: ET.Element, default: str) -> Shape:
    """Read a <message> or <body-part>: its header, and what its body is."""
    fields = [field.text.strip() for field in node.iterfind("header/field") if field.text]
    head = mime.Part(("\n".join(fields) + "\n\n").encode(), 0, len("\n".join(fields).encode()))
    kind = head.content_type if "Content-Type" in head else default
    inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    parts = [_node(part, inner) for part in node.iterfind("multipart/body-part")]
    parts += [_node(mail, "text/plain") for mail in node.iterfind("message")]
    return kind, tuple(field.partition(":")[0].strip().lower() for field in fields), tuple(parts)


def _ours(data: bytes) -> Shape:
    return _shape(mime.parse(data))


def _shape(part: mime.Part) -> Shape:
    inner = mime.enclosed(part)
    parts = [*map(_shape, part.parts)] + ([_shape(inner)] if inner else [])
    return part.content_type, part.names, tuple(parts)


def _stdlib(data: bytes) -> Shape:
    return _stdlib_shape(message_from_bytes(data))


def _stdlib_shape(message: Message) -> Shape:
    payload = message.get_payload()
    parts = [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []
    names = tuple(str(name).lower() for name in message)
    return message.get_content_type(), names, tuple(map(_stdlib_shape, parts))


def _tell_differences(pairs: list[tuple[Path, Path]]) -> None:
    for mail, xml in pairs:
        found, wanted = _ours(mail.read_bytes()), _expected(xml)
        if found != wanted:
            print(mail.name, "\n  found ", found, "\n  wanted", wanted)


if __name__ == "__main__":
    main()
