"""Of few reached, held against a mixture of others: what speaks for and against the effect."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.diagnostics.finding import Diagnostic
from models.few import ENOUGH, LEVEL, Few

_APART: Final = 2.0


def of_few(found: Few) -> Iterator[Diagnostic]:
    """Yield the findings, in the order of what they weigh."""
    yield _earlier(found)
    yield _among_others(found)
    yield _second(found)


def _earlier(found: Few) -> Diagnostic:
    is_loud = found.earlier_p_value <= LEVEL
    return Diagnostic(
        name="placebo_time",
        verdict="refuse" if is_loud else "pass",
        p_value=found.earlier_p_value,
        words=(
            "In the last third of the months before, when it had not begun, those reached stood "
            f"out from their mixture already (p = {found.earlier_p_value:.3f}): what followed may "
            "be the same."
            if is_loud
            else "In the last third of the months before, those reached stood out no more than "
            f"others do (p = {found.earlier_p_value:.2f})."
        ),
    )


def _among_others(found: Few) -> Diagnostic:
    words = (
        f"Of all, {found.p_value:.0%} stand out as much from their mixture by luck alone "
        f"(p = {found.p_value:.3f})."
    )
    few = (
        f" With {found.others} others p can't be below {found.least:.3f}, so that no effect, "
        f"however large, can be told from luck: it takes {ENOUGH} that were never reached."
    )
    return Diagnostic(
        name="placebo_space",
        verdict="pass" if found.is_enough else "warn",
        statistic=found.primary.effect / found.primary.std_error,
        p_value=found.p_value,
        words=words if found.is_enough else words + few,
    )


def _second(found: Few) -> Diagnostic:
    name, first, other = "cross_check", found.primary, found.other
    if other is None:
        words = "No mixture of others reaches the level of those reached: no second estimate."
        return Diagnostic(name=name, verdict="not_possible", words=words)
    gap = (first.effect - other.effect) / float(np.hypot(first.std_error, other.std_error))
    return Diagnostic(
        name=name,
        verdict="refuse" if abs(gap) > _APART else "pass",
        statistic=gap,
        words=(
            "Two ways to mix the others do not agree "
            f"({gap:+.1f} standard errors apart): the answer hangs on the mixture."
            if abs(gap) > _APART
            else "A plain synthetic control, mixed otherwise, agrees."
        ),
    )
