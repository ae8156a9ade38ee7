"""Telephone numbers in running text: with and without separators, with and without a prefix."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import phonenumbers

SEPARATORS: Final = r"[\s().\-/]*"
"""What may stand between the digits of one number."""
MIN_NATIONAL_DIGITS: Final = 8
"""A shorter number is told by its prefix alone."""

_RUN: Final = re.compile(rf"\+?\d(?:{SEPARATORS}\d)*")
_GROUP: Final = re.compile(r"\d+")
_DIGITS: Final = range(7, 16)  # of a number in E.164
_WITH_ZEROS: Final = 17


def replace_numbers(text: str, region: str, instead_of: Callable[[str], str]) -> str:
    """Return a text in which numbers give way to something else.

    Whatever neighbouring groups of digits can spell is tried, the longest first, a bounded number
    of times a group.

    Args:
        text: any.
        region: ISO 3166 country of numbers without a prefix.
        instead_of: returns what takes the place of a number in E.164; empty to leave it.
    """
    code = phonenumbers.country_code_for_region(region)
    return _RUN.sub(lambda run: _replaced(run.group(), code, instead_of), text)


def _replaced(run: str, code: int, instead_of: Callable[[str], str]) -> str:
    groups = [found.span() for found in _GROUP.finditer(run)]
    told, at, first = [], 0, 0
    while first < len(groups):
        is_prefixed = first == 0 and run[0] == "+"
        near = [run[begins:ends] for begins, ends in groups[first : first + _WITH_ZEROS]]
        count, instead = _number(near, code, instead_of, is_prefixed=is_prefixed)
        if instead:
            told += [run[at : groups[first][0] - is_prefixed], instead]
            at = groups[first + count - 1][1]
        first += count
    return "".join([*told, run[at:]])


def _number(
    groups: Sequence[str], code: int, instead_of: Callable[[str], str], *, is_prefixed: bool
) -> tuple[int, str]:
    """Return how many groups spell a number, and what takes its place; empty where none do."""
    for count in range(len(groups), 0, -1):
        digits = "".join(groups[:count])
        if _DIGITS[0] <= len(digits) <= _WITH_ZEROS:
            for number in _readings(digits, code, is_prefixed=is_prefixed):
                if instead := instead_of(number):
                    return count, instead
    return 1, ""


def _readings(digits: str, code: int, *, is_prefixed: bool) -> Iterator[str]:
    """Yield the numbers that digits may be, in E.164."""
    international = digits.removeprefix("00") if not is_prefixed else digits
    if len(international) in _DIGITS:
        yield f"+{international}"
    if not is_prefixed:
        for national in {digits, digits.removeprefix("0")}:
            if len(national) >= MIN_NATIONAL_DIGITS and len(f"{code}{national}") in _DIGITS:
                yield f"+{code}{national}"
