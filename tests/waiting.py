"""Waiting for what must come about, with one limit that a busy machine keeps as well."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

import httpx

PATIENCE_SECONDS: Final = 120
"""How long anything may take. Whoever waits goes on as soon as it has come about."""

Seen = TypeVar("Seen")


def wait_until(look: Callable[[], Seen], wanted: object = bool) -> Seen:
    """Look again and again until what is seen is as wanted, and return it; tell what was seen last.

    Args:
        wanted: what must be seen, or a function that tells whether what is seen will do.
    """
    deadline = monotonic() + PATIENCE_SECONDS
    while not _will_do(seen := look(), wanted):
        assert monotonic() < deadline, f"not within {PATIENCE_SECONDS} s; last seen: {seen!r}"
        sleep(0.05)
    return seen


def answers(url: str) -> bool:
    """Whether a page answers with success."""
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False


def _will_do(seen: object, wanted: object) -> bool:
    return bool(wanted(seen) if callable(wanted) else seen == wanted)
