"""What must not be kept, and the one word that says why."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import lru_cache

from contracts.activity import Activity, Direction
from contracts.company import Company
from transforms.address import belongs, domain_of


def reason_to_exclude(activity: Activity, company: Company) -> str:
    """Return why an activity is not kept: a word that names nobody; empty if it is kept."""
    if activity.direction is Direction.INTERNAL:
        return "internal"
    for address in (person.address for person in activity.participants):
        if any(pattern.match(address) for pattern in _patterns(company.excluded_addresses)):
            return "address"
        if _is_excluded_domain(domain_of(address), company):
            return "domain"
    if not _lower(company.excluded_labels).isdisjoint(activity.labels):
        return "label"
    if words := _word_pattern(company.excluded_subject_words):
        return "subject_word" if words.search(activity.subject) else ""
    return ""


def _is_excluded_domain(domain: str, company: Company) -> bool:
    """Tell whether a domain, or one above it, is excluded; `*` is a wildcard."""
    return belongs(domain, company.excluded_domains) or any(
        pattern.match(domain) for pattern in _patterns(company.excluded_domains)
    )


@lru_cache(maxsize=16)
def _lower(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(label.strip().lower() for label in labels)


@lru_cache(maxsize=16)
def _patterns(globs: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(translate(_lowered(glob))) for glob in globs)


def _lowered(glob: str) -> str:
    """Return the glob with `*` as its only wildcard: an address may hold brackets and `?`."""
    return re.sub(r"([\[?])", r"[\1]", glob.strip().lower())


@lru_cache(maxsize=16)
def _word_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds one of the words or phrases as a whole, any case and spacing."""
    phrases = [*_phrases(words)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE) if phrases else None


def _phrases(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if parts := word.split():
            yield r"\s+".join(map(re.escape, parts))
