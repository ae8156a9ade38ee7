"""What the sender wrote, apart from what they quoted and how they signed.

A text is read line by line, once: quoted lines go wherever they stand, so that answers between
them stay; what follows a quoted mail's headers goes to the end. Then the signature is taken off.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from transforms.quote_marks import attribution, block, is_quoted, is_rule, separator, suspects
from transforms.sign_off import sign_off

MAX_CHARS: Final = 100_000

_BLANK_RUN: Final = re.compile(r"\n{3,}")
_WRAPPED_FROM: Final = 60  # a quoted line as long as this may have been wrapped by a relay


class Reply(NamedTuple):
    """A mail's text, taken apart.

    Attributes:
        written: the author's own words, quotes and signature left out.
        signature: the lines of the signature; empty where there is none.
        is_reply: whether somebody else's words stand below or between them.
    """

    written: str
    signature: str
    is_reply: bool


def written(text: str, name: str = "") -> str:
    """Return what the author wrote; empty if nothing else than quotes is there."""
    return separate(text, name).written


def separate(text: str, name: str = "") -> Reply:
    """Take a text apart, of which the first MAX_CHARS are looked at.

    Args:
        text: as a reader sees it.
        name: the author's, as the mail states it: a last paragraph that begins with it signs.
    """
    lines = [line.rstrip() for line in text[:MAX_CHARS].replace("\xa0", " ").split("\n")]
    runs, is_reply = _own_runs(lines)
    signature: list[str] = []
    for number in range(len(runs) - 1, -1, -1):
        runs[number], signed = sign_off(runs[number], name, may_be_all=number > 0)
        signature = signed or signature
        if any(line.strip() for line in runs[number]):
            break
    own = "\n".join("\n".join(run) for run in runs)
    return Reply(_tidy(own), "\n".join(signature).strip(), is_reply)


def _tidy(text: str) -> str:
    return _BLANK_RUN.sub("\n\n", text).strip("\n")


def _own_runs(lines: Sequence[str]) -> tuple[list[list[str]], bool]:
    """Return the author's lines, a run for each stretch between quotes; and whether they reply."""
    runs: list[list[str]] = [[]]
    at, is_reply = 0, False
    for begins, ends in _foreign(lines):
        runs[-1].extend(lines[at:begins])
        runs.append([])
        at, is_reply = ends, True
    runs[-1].extend(lines[at:])
    return runs, is_reply


def _foreign(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the stretches that are not the author's, in order."""
    free = 0
    for at in suspects(lines):
        begins, ends = _stretch(lines, at) if at >= free else (None, free)
        if begins is not None:
            yield max(begins, free), ends
            free = ends


def _stretch(lines: Sequence[str], at: int) -> tuple[int | None, int]:
    """Return the stretch that a line tells of: where it begins and ends; None if it tells none."""
    line = lines[at]
    if not line:
        return None, at
    if is_quoted(line):
        return at, _after_quotes(lines, at)
    if block(lines, at) or separator(lines, at):
        return _before_rules(lines, at), len(lines)
    start = attribution(lines, at)
    if start is None:
        return None, at
    following = next((n for n in range(at + 1, len(lines)) if lines[n].strip()), len(lines))
    if following < len(lines) and is_quoted(lines[following]):
        return start, _after_quotes(lines, following)
    return start, len(lines)


def _after_quotes(lines: Sequence[str], at: int) -> int:
    """Return where the quoted lines end, with the ends of those that a relay has wrapped."""
    while at < len(lines):
        if is_quoted(lines[at]) or _is_wrapped_rest(lines, at):
            at += 1
        else:
            break
    return at


def _is_wrapped_rest(lines: Sequence[str], at: int) -> bool:
    is_between = at + 1 < len(lines) and is_quoted(lines[at + 1])
    return is_between and len(lines[at - 1]) >= _WRAPPED_FROM and lines[at][:1].islower()


def _before_rules(lines: Sequence[str], at: int) -> int:
    """Return where the rules above a quoted mail's headers begin: they are not the author's."""
    begins = at
    for number in range(at - 1, max(-1, at - 5), -1):
        if is_rule(lines[number]):
            begins = number
        elif lines[number].strip():
            break
    return begins
