"""What a deal is called, and which of these names stand in a mail."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Name = tuple[str, ...]
"""The words of a name, folded: `("spare", "parts")`."""

_WORD: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = re.compile(r"\s[-\u2013\u2014]+\s|[|/:;,()\[\]]")
_FEWEST_LETTERS: Final = 3
_FEWEST_DIGITS: Final = 4
_YEAR: Final = re.compile(r"(19|20)\d\d")


def words(text: str) -> list[str]:
    """Return the words of a text, without case or accents."""
    folded = text.casefold()
    if folded.isascii():
        return _WORD.findall(folded)
    plain = unicodedata.normalize("NFKD", folded)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


_SAYS_NOTHING: Final = frozenset(
    words(
        # a name's small words, what any deal may be, and when it is due
        "a an and at by de der des die du el et for from für in la le los mit of on or the to und "
        "with y add annual business contract customer deal existing expansion extension first new "
        "offer open opportunity order pilot project proposal purchase quote renewal rfp sale sales "
        "trial upgrade upsell year q1 q2 q3 q4 h1 h2 fy jan feb mar apr may jun jul aug sep oct "
        "nov dec"
    )
)


def said_in_name(name: str, taken: frozenset[str]) -> Iterator[Name]:
    """Yield what a deal's name says beyond whose deal it is: `Acme - Line 3 renewal` is `line 3`.

    Args:
        name: of the deal.
        taken: words of the account's name and of our own.
    """
    for part in _BETWEEN.split(name):
        run: list[str] = []
        for word in [*words(part), ""]:
            if word and word not in taken and word not in _SAYS_NOTHING:
                run.append(word)
                continue
            if _tells(run):
                yield tuple(run)
            run = []


def _tells(run: list[str]) -> bool:
    """Tell whether words can be told from chance: letters enough, or a number that is no year."""
    return any(
        len(word) >= (_FEWEST_DIGITS if word.isdecimal() else _FEWEST_LETTERS)
        and not _YEAR.fullmatch(word)
        for word in run
    )


class Names:
    """Names by their first word, to be found in texts."""

    def __init__(self, names: Iterable[Name]) -> None:
        by_first: dict[str, set[Name]] = defaultdict(set)
        for name in names:
            if name:
                by_first[name[0]].add(name)
        self._by_first: Mapping[str, set[Name]] = by_first

    def found_in(self, text: str) -> frozenset[Name]:
        """Return the names whose words stand in a text, one after the other."""
        said = words(text) if self._by_first else []
        return frozenset(
            name
            for place, word in enumerate(said)
            for name in self._by_first.get(word, ())
            if tuple(said[place : place + len(name)]) == name
        )
