"""A judgement that anybody can recompute: panel and question as text, and the comparison."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from io import StringIO
from typing import Any, Final

import msgspec
import pandas as pd

from contracts.errors import UserError
from models.answer import Question, answer
from models.design import checked
from models.incremental import CODE_VERSION, Judgement

_TEXT: Final = {"unit": str, "team": str, "region": str}


def panel_text(panel: pd.DataFrame, question: Question) -> str:
    """Return the panel as it is judged, as CSV: sorted, its own columns alone, floats whole.

    Raises:
        UserError: if the panel is malformed.
    """
    text: str = checked(panel, question.covariates).to_csv(index=False)
    return text


def panel_hash(text: str) -> str:
    """Return the SHA-256 of a panel's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def panel_of(text: str) -> pd.DataFrame:
    """Return the panel that a text tells, each float to its last digit.

    Raises:
        UserError: if it is no CSV.
    """
    try:
        return pd.read_csv(StringIO(text), dtype=_TEXT, keep_default_na=False)
    except ValueError as error:
        raise UserError(f"the panel can't be read: {error}") from error


def question_text(question: Question) -> str:
    """Return a question as JSON."""
    return msgspec.json.encode(question, order="deterministic").decode()


def question_of(text: str) -> Question:
    """Return the question that a JSON text tells.

    Raises:
        UserError: if it is not one.
    """
    try:
        return msgspec.json.decode(text, type=Question)
    except msgspec.DecodeError as error:
        raise UserError(f"the question can't be read: {error}") from error


def told_of(judgement: Judgement) -> dict[str, Any]:
    """Return all of a judgement, with the code that made it, for a JSON object."""
    told: dict[str, Any] = msgspec.to_builtins(asdict(judgement))
    return told | {"code_version": CODE_VERSION}


def recomputed(panel: str, question: str) -> dict[str, Any]:
    """Return what this code says to a panel and a question. Raises as `models.answer.answer`."""
    asked = question_of(question)
    return told_of(answer(panel_of(panel), asked))


def differences(kept: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not the same to the last digit, a line each."""
    for name in sorted(kept.keys() | again.keys()):
        was, now = kept.get(name), again.get(name)
        if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            yield from _between(name, enumerate(zip(was, now, strict=True)))
        elif was != now:
            yield f"{name}: it was {was!r}, it is {now!r}"


def _between(name: str, pairs: "enumerate[tuple[Any, Any]]") -> Iterator[str]:
    for place, (was, now) in pairs:
        if isinstance(was, dict) and isinstance(now, dict):
            yield from (f"{name} {place}, {line}" for line in differences(was, now))
        elif was != now:
            yield f"{name} {place}: it was {was!r}, it is {now!r}"
