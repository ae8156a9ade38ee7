"""Whether a second estimator, which rests on other comparisons, says the same."""

import numpy as np
from scipy import special

from models.diagnostics.finding import Diagnostic, Suspicion, suspicion
from models.effect import Estimate


def agreement(primary: Estimate, other: Estimate | None) -> Suspicion:
    """Test that two estimates differ by no more than their errors, taken for independent.

    They share the panel, so that they differ less than that by chance.
    """
    if other is None:
        words = "No second estimator could be run beside the first."
        nothing = Diagnostic(name="cross_check", verdict="not_possible", words=words)
        return Suspicion(quiet=nothing, alarm=nothing)
    gap = (primary.effect - other.effect) / float(np.hypot(primary.std_error, other.std_error))
    return suspicion(
        "cross_check",
        gap,
        float(2 * special.ndtr(-abs(gap))),
        loud="refuse",
        quiet=f"A second estimator with other comparisons agrees ({gap:+.1f} standard errors).",
        alarm=(
            "Two estimators that rest on different comparisons do not agree "
            f"({gap:+.1f} standard errors apart): one of the comparisons is not fair."
        ),
    )
