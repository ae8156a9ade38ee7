"""Where too few were reached for a comparison of groups: a mixture of others beside them."""

import pandas as pd

from models.diagnostics.finding import Diagnostic
from models.effect import NotEstimable
from models.synthetic import synthetic_control
from models.terms import Terms, money


def beside_others(frame: pd.DataFrame, terms: Terms) -> Diagnostic:
    """Hold the few that were reached against a mixture of the never reached.

    It is no verdict: with one unit, only the others' own luck says how sure it is.
    """
    name = "synthetic_control"
    try:
        found = synthetic_control(frame)
    except NotEstimable as error:
        return Diagnostic(name=name, verdict="not_possible", words=str(error))
    return Diagnostic(
        name=name,
        verdict="pass",
        statistic=found.effect,
        p_value=found.p_value,
        words=(
            "Held against the mixture of others that moved like them before, those reached "
            f"brought {money(found.effect, terms.currency)} a month since; {found.p_value:.0%} of "
            "all stand out as much by luck alone."
        ),
    )
