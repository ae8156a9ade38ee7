"""A question to a panel and its answer: all that a judgement rests on beside the panel itself.

Whoever has the panel and the question has the answer, to the digit: nothing is drawn at random,
and nothing else is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Final

import pandas as pd

from contracts.investments import OUTCOMES
from models.incremental import Judgement, Terms, judge
from models.terms import money

BEFOREHAND, AFTERWARDS, UNKNOWN = "beforehand", "afterwards", "unknown"
_IN_MONEY: Final = ("incremental_", "roi")
_SIGNS: Final = ("effect", "effect_low", "effect_high", "min_detectable_effect")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a panel.

    Attributes:
        outcome: one of `contracts.investments.OUTCOMES`.
        cost_minor: until the panel's end, in minor units of `currency`.
        gross_margin_rate: of the outcome; without a meaning where that is no money.
        covariates: columns of the panel that the investment cannot have moved.
        reliability: of those of which it is known, by name: the share of the variance between units
            that is what the covariate stands for.
        is_randomised: whether chance alone decided who was reached, and when.
        registered_on: when the question was put on record; None where nobody knows.
        begins_on: when the first unit was reached; None for never.
    """

    outcome: str
    cost_minor: int
    gross_margin_rate: float
    currency: str
    covariates: tuple[str, ...] = ()
    reliability: Mapping[str, float] = field(default_factory=dict)
    is_randomised: bool = False
    registered_on: date | None = None
    begins_on: date | None = None

    @property
    def asked(self) -> str:
        """Whether the question was on record before the first unit was reached."""
        if self.registered_on is None or self.begins_on is None:
            return UNKNOWN
        return BEFOREHAND if self.registered_on <= self.begins_on else AFTERWARDS


def answer(panel: pd.DataFrame, question: Question) -> Judgement:
    """Judge the panel as the question demands.

    A lot counts as drawn only where the question was on record before: afterwards, everything looks
    like chance.

    Raises:
        UserError: if the panel is malformed, or what the question says can't be.
    """
    outcome = OUTCOMES[question.outcome]
    terms = Terms(
        cost_minor=question.cost_minor if outcome.is_earned else None,
        gross_margin_rate=question.gross_margin_rate if outcome.is_earned else 1.0,
        currency=question.currency,
        outcome=outcome.label,
    )
    randomised = question.is_randomised and question.asked == BEFOREHAND
    told = judge(
        panel,
        terms,
        question.covariates,
        reliability=question.reliability,
        randomised=randomised,
    )
    told = told if outcome.is_earned else _of_anything(told, question)
    return _asked_afterwards(told, question) if question.asked == AFTERWARDS else told


def _of_anything(told: Judgement, question: Question) -> Judgement:
    """Tell an effect of which no margin is earned: there is no return to tell."""
    if told.effect is None:
        return told
    names = (each.name for each in fields(told))
    nothing: dict[str, Any] = {name: None for name in names if name.startswith(_IN_MONEY)}
    effect, low, high, least = (_figure(getattr(told, name), question) for name in _SIGNS)
    label = OUTCOMES[question.outcome].label
    reason = (
        f"The {label} of each of the {told.treated_units} who were reached changed by an estimated "
        f"{effect} a month, measured against {told.control_units} others (95 % interval {low} to "
        f"{high}). What that is worth in money is not on record, so no return can be told. The "
        "smallest change that so few people and months would show in 8 cases of 10 is "
        f"{least.lstrip('+')} a month."
    )
    return replace(told, reason=reason, **nothing)


def _figure(value: float | None, question: Question) -> str:
    if not OUTCOMES[question.outcome].is_money:
        return f"{value or 0.0:+.3g}"
    sign = "+" if value and value > 0 else ""
    return f"{sign}{money(value or 0.0, question.currency)}"


def _asked_afterwards(told: Judgement, question: Question) -> Judgement:
    """Warn of a question that came after the answer had begun to show."""
    words = (
        f"Asked afterwards: the question was put on record on {question.registered_on}, after the "
        f"first were reached on {question.begins_on}. Whoever asks then has seen results; take it "
        "as a hint, and register the next question before."
    )
    return replace(
        told,
        reason=f"{told.reason} {words}",
        warnings=(*told.warnings, words),
        warning_codes=(*told.warning_codes, "asked_afterwards"),
    )
