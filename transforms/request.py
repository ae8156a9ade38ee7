"""Whether a mail asks for something: a sentence at a time, by weights learnt from labelled mail.

The weights are for English. In other languages a question mark decides, and no probability is
given. `models.request` learns them, `bench.request` tries them and writes `request_weights.json`.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import exp, fsum
from typing import Final, NamedTuple

VERSION: Final = "request-2"
RULE_VERSION: Final = "question-mark-1"
THRESHOLD: Final = 0.5
MAX_CHARS: Final = 4_000
MAX_SENTENCES: Final = 40
MAX_SENTENCE_CHARS: Final = 300

_SENTENCE: Final = re.compile(r"[^.!?\n？。！]{2,}+[.!?？。！]*")
_WRAP: Final = re.compile(r"\n(?<=[^\n.!?:]\n)(?=[^\n])")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[?!]")

_Feature = str | tuple[str, str]
"""A word, or a pair of them: tuples cost less to make than the names they are stored under."""


class Request(NamedTuple):
    """What was found, and its evidence.

    Attributes:
        probability: that its likeliest sentence is a request; None where only the rule spoke.
        sentence: that sentence, at most MAX_SENTENCE_CHARS of it.
        version: of the weights or the rule that decided; empty where there was no sentence.
    """

    is_request: bool = False
    probability: float | None = None
    sentence: str = ""
    version: str = ""


def request(text: str, language: str) -> Request:
    """Tell whether a text asks for something, by its likeliest sentence.

    Args:
        text: what the author wrote; the first MAX_CHARS count.
        language: ISO 639-1; empty, where it is not known, is read as English.
    """
    found = [*_sentences(text[:MAX_CHARS])]
    if not found:
        return Request()
    if language not in {"", "en"}:
        asked = next((each for each in found if each.rstrip()[-1] in "?？;؟"), "")
        return Request(bool(asked), None, asked[:MAX_SENTENCE_CHARS], RULE_VERSION)
    likeliest, sentence = max((probability(each), each) for each in found)
    return Request(
        likeliest >= THRESHOLD, round(likeliest, 4), sentence[:MAX_SENTENCE_CHARS], VERSION
    )


def probability(sentence: str) -> float:
    """Return the probability that a sentence is a request."""
    weights = _weights()
    told = weights.keys() & _features(sentence)
    total = weights[""] + fsum(map(weights.__getitem__, told))  # in any order, the same
    return 1 / (1 + exp(-max(-30.0, min(30.0, total))))


def features(sentence: str) -> list[str]:
    """Return a sentence's words, pairs of words and how it begins; a number is `0`."""
    return [each if isinstance(each, str) else " ".join(each) for each in _features(sentence)]


def _features(sentence: str) -> list[_Feature]:
    words = ["0" if word[0].isdigit() else word for word in _WORD.findall(sentence.lower())]
    if not words:
        return []
    opening = f"^{words[0]}"
    return [*words, *pairwise(words), opening, *((opening, second) for second in words[1:2])]


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences that are more than a word; lines that a client wrapped are one."""
    joined = _WRAP.sub(" ", text)
    for number, found in enumerate(_SENTENCE.finditer(joined)):
        if number == MAX_SENTENCES:
            return
        if " " in (sentence := found.group().strip()):
            yield sentence


@cache
def _weights() -> dict[_Feature, float]:
    data = files("transforms").joinpath("request_weights.json").read_bytes()
    return {_feature(name): float(each) for name, each in json.loads(data)["weights"].items()}


def _feature(name: str) -> _Feature:
    first, space, second = name.partition(" ")
    return (first, second) if space else first
