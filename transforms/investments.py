"""What a record of an investment must be to be kept: its words known, its parts not at odds."""

from collections.abc import Collection, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Final

from contracts.investments import KINDS, OUTCOMES, UNIT_KINDS, reliability_of
from contracts.money import Money

_WORDS: Final[Mapping[str, Mapping[str, Collection[str]]]] = {
    "investment": {"kind": KINDS, "outcome": tuple(OUTCOMES)},
    "exposure": {"unit_kind": UNIT_KINDS},
    "proposal": {"kind": KINDS},
}


def with_known_words(entity: str, fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields with our words in our spelling (`Win rate` is `win_rate`).

    Raises:
        ValueError: if a word is none of ours; it names those that are.
    """
    told = dict(fields)
    for name, known in _WORDS.get(entity, {}).items():
        if name in told:
            told[name] = _known(name, str(told[name]), known)
    if "learner_email" in told:
        told["learner_email"] = str(told["learner_email"]).lower()
    return told


def with_amount_of_hours(fields: Mapping[str, object]) -> dict[str, object]:
    """Return a cost's fields with `amount_minor` from `hours` x `hourly_cost` (in major units).

    Raises:
        ValueError: if one of the two is missing, or they are not the amount that stands beside.
        UserError: if the cost is not an amount of its currency.
    """
    told = dict(fields)
    if "hourly_cost" not in told and "hours" not in told:
        return told
    if missing := {"hours", "hourly_cost"} - set(told):
        raise ValueError(f"{missing.pop()} is missing: hours cost hours x hourly_cost")
    currency = str(told.get("currency", "USD")).upper()
    hourly = Money.parse(str(told.pop("hourly_cost")), currency)
    amount = round(float(str(told["hours"])) * hourly.minor)
    if told.setdefault("amount_minor", amount) not in (amount, str(amount)):
        raise ValueError(
            f"{told['hours']} hours at {hourly.major} are {amount} minor units, not "
            f"{told['amount_minor']}: leave the amount out, or correct one of them"
        )
    return told | {"currency": currency, "hourly_cost_minor": hourly.minor}


def refuse_backwards(fields: Mapping[str, object]) -> None:
    """Raise ValueError for an exposure that stops before it has begun."""
    starts, stops = fields.get("starts_on"), fields.get("stops_on")
    if starts and stops and date.fromisoformat(str(stops)) <= date.fromisoformat(str(starts)):
        raise ValueError(
            f"it stops on {stops}, not after it starts on {starts}: `stops_on` is the first day "
            "on which it no longer applies"
        )


def refuse_unknown_reliability(fields: Mapping[str, object]) -> None:
    """Raise ValueError for a reliability that is none, or of what is no covariate."""
    stated = fields.get("covariate_reliability", ())
    reliability_of(map(str, stated) if isinstance(stated, list | tuple) else [str(stated)])


def _known(name: str, word: str, known: Collection[str]) -> str:
    plain = "_".join(word.lower().replace("-", " ").split())
    if plain in known:
        return plain
    near = get_close_matches(plain, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(known)}"
    raise ValueError(f"{name} {word!r} is not known: {hint}")
