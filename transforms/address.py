"""Mail addresses: reading them from a header, normalising them, telling ours from theirs.

The list reader is our own and linear in its input: what the standard library's makes of a
malformed header changed between patch releases of Python, and an activity's id depends on it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from transforms.encodings import clean

MAX_ADDRESS_CHARS: Final = 320  # RFC 3696: 64 for the local part, "@", 255 for the domain

_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\",;:\\@]{1,256}@[^\s<>()\",;:\\@]{1,255}")
_ESCAPED: Final = re.compile(r"\\(.)")
_LEXEME: Final = re.compile(
    r"=\?[^?\s]*\?[bBqQ]\?[^?\s]*\?="  # an encoded word, whose commas separate nothing
    r'|"(?:[^"\\]|\\.)*"|\\.|[^"\\,;:<>()=]+|.',
    re.DOTALL,
)


class Mailbox(NamedTuple):
    """A name and a normalised address, as a header gives them; the name is not decoded yet."""

    name: str
    address: str


def mailboxes(header: str) -> Iterator[Mailbox]:
    """Yield the mailboxes of an address header in order; what has no address is left out.

    Group names are dropped, comments stand in for a missing name. Never raises.
    """
    for piece in _pieces(header):
        if mailbox := _mailbox(piece):
            yield mailbox


def normalise(address: str) -> str:
    """Return an address in the one form in which addresses are compared; empty if it is none.

    Lower case throughout, the domain in its ASCII form (IDNA 2003), quotes around it dropped, and
    what cannot be seen (a space of no width, a NUL). A plus tag stays: it is part of the address,
    and `untagged` takes it off for matching.
    """
    found = _ADDRESS.search(clean(address).strip().strip("'"))
    if not found or len(found.group()) > MAX_ADDRESS_CHARS:
        return ""
    local, _, domain = found.group().lower().rpartition("@")
    local = local.strip("'")
    return f"{local}@{ascii_domain(domain)}" if local else ""


def untagged(address: str) -> str:
    """Return the address without its plus tag: `kim+crm@acme.com` gives `kim@acme.com`."""
    local, _, domain = address.rpartition("@")
    stem = local.partition("+")[0]
    return f"{stem}@{domain}" if stem else address


def ascii_domain(domain: str) -> str:
    """Return a domain in lower case and ASCII; one that IDNA refuses is only lowered."""
    domain = domain.lower().strip().strip(".'")
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def domain_of(address: str) -> str:
    """Return what follows the last `@`; empty for a phone number."""
    return address.rpartition("@")[2] if "@" in address else ""


def belongs(domain: str, owners: tuple[str, ...]) -> bool:
    """Tell whether a domain is one of these, or below one of them."""
    return f".{domain}".endswith(_dotted(owners))


@lru_cache(maxsize=256)
def _dotted(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f".{domain.lower()}" for domain in domains)


def _pieces(header: str) -> Iterator[str]:
    """Split a header at the commas and semicolons that stand outside quotes, `<>` and `()`.

    After a bracket that is never closed, each address stands for itself.
    """
    piece: list[str] = []
    depth, in_angle = 0, False
    for lexeme in _LEXEME.findall(header):
        depth = max(0, depth + (lexeme == "(") - (lexeme == ")"))
        in_angle = (in_angle or lexeme == "<") and lexeme != ">"
        is_outside = depth == 0 and not in_angle
        if is_outside and lexeme in {",", ";", ":"}:
            if lexeme != ":":  # what stands before a colon is a group's name
                yield "".join(piece)
            piece.clear()
        else:
            piece.append(lexeme)
    rest = "".join(piece)
    yield from _ADDRESS.findall(rest) if depth or in_angle else [rest]


def _mailbox(piece: str) -> Mailbox | None:
    name, angle, rest = piece.rpartition("<")
    if angle and (address := normalise(rest.partition(">")[0])):
        return Mailbox(_unquoted(name), address)
    if address := normalise(piece):
        bare = _ADDRESS.sub("", piece.partition("(")[0])
        comment = piece.partition("(")[2].rpartition(")")[0]
        return Mailbox(_unquoted(bare.strip("<> ") or comment), address)
    return None


def _unquoted(name: str) -> str:
    bare = name.strip().strip('"')
    return (_ESCAPED.sub(r"\1", bare) if "\\" in bare else bare).strip()
