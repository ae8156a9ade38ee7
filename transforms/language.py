"""The language of a text, among those that business mail is likely to be in."""

from array import array
from functools import cache
from string import ascii_letters
from typing import Final, NamedTuple

MIN_LETTERS: Final = 20
MAX_CHARS: Final = 240
MIN_PROBABILITY: Final = 0.8

LIKELY: Final = (
    "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hu", "it", "ja", "ko", "nl", "no",
    "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh",
)  # fmt: skip
_NO_LETTERS: Final = bytes({*range(128)} - {*ascii_letters.encode()})


class Language(NamedTuple):
    """An ISO 639-1 code, empty where it cannot be told, and how sure it is."""

    code: str = ""
    probability: float = 0.0


def language(text: str) -> Language:
    """Return a text's language; unknown below MIN_LETTERS letters and MIN_PROBABILITY.

    The model is read at the first call: some 100 MB, half a second.
    """
    text = text[:MAX_CHARS]
    if text.isascii() and len(text.encode().translate(None, _NO_LETTERS)) < MIN_LETTERS:
        return Language()
    code, probability = _identify(text)
    return Language(code, probability) if probability >= MIN_PROBABILITY else Language()


def _identify(text: str) -> tuple[str, float]:
    code, probability = _identifier().classify(text)
    return str(code), round(float(probability), 4)


@cache
def _identifier():  # type: ignore[no-untyped-def] # noqa: ANN202 an untyped library's
    import numpy as np  # noqa: PLC0415 the library's own, and as slow to come
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 half a second

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LIKELY)
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc)  # it is read by rows
    # Both are read at every byte, anywhere: lists of numbers would miss the processor's caches.
    identifier._rowbase = array("I", identifier._rowbase)  # noqa: SLF001 it has no other name
    identifier.tk_output = array("i", identifier.tk_output)
    return identifier
