"""A second opinion that shares no code with the first: Callaway and Sant'Anna, from diff-diff.

Each cohort is compared, from the month before it was reached, with all who were not reached yet
(Journal of Econometrics 225, 2021); with covariates doubly robust.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from models.design import COLUMNS
from models.effect import Estimate, NotEstimable, estimate_of
from models.grid import Whole

_CLUSTER: Final = "cluster of units"
ESTIMATOR: Final = "callaway_santanna/not_yet_treated"


def second_opinion(
    frame: pd.DataFrame,
    covariates: Sequence[str],
    freedom: int,
    *,
    quiet: int = 0,
    cluster: Whole | None = None,
) -> Estimate:
    """Estimate the effect from a checked panel whose investment lasts.

    Args:
        frame: the panel.
        covariates: as of before the start.
        freedom: degrees of freedom of the interval.
        quiet: periods before the start that do not count as before.
        cluster: whose luck counts as one, by row of the frame; by unit where None.

    Raises:
        NotEstimable: if the estimator finds no effect, or none with an error.
    """
    from diff_diff import CallawaySantAnna  # noqa: PLC0415 takes seconds; most processes never fit

    unit, period, outcome, start = COLUMNS
    estimator = CallawaySantAnna(
        control_group="not_yet_treated",
        estimation_method="dr" if covariates else "reg",
        base_period="universal",
        anticipation=quiet,
        cluster=None if cluster is None else _CLUSTER,
    )
    with warnings.catch_warnings():
        # units that come and go, and months without a comparison: both are counted and told
        warnings.simplefilter("ignore")
        try:
            fitted = estimator.fit(
                frame.assign(**{unit: frame[unit].astype(str), _CLUSTER: cluster}),
                outcome=outcome,
                unit=unit,
                time=period,
                first_treat=start,
                covariates=list(covariates) or None,
            )
        except (ValueError, np.linalg.LinAlgError) as error:
            raise NotEstimable(f"The estimator found no effect: {error}") from error
    return estimate_of(ESTIMATOR, *_after_start(fitted), freedom)


def _after_start(fitted: Any) -> tuple[float, float]:  # noqa: ANN401 untyped library
    """Return the mean over treated unit-periods from the start on, and its standard error.

    The library's own mean takes the periods that do not count as before for treated ones.
    """
    study = fitted.aggregate("event_study")
    times, effects = np.asarray(study.event_time), np.asarray(study.att, dtype=float)
    reached = Counter[int]()
    for (start, period), cell in fitted.group_time_effects.items():
        reached[period - start] += cell["n_treated"] if np.isfinite(cell["effect"]) else 0
    told = (times >= 0) & np.isfinite(effects) & ~np.asarray(study.is_reference)
    weights = np.array([reached[time] for time in times[told]], dtype=float)
    weights /= max(weights.sum(), 1.0)
    place = [list(study.vcov_index).index(time) for time in times[told]]
    spread = weights @ np.asarray(study.vcov)[np.ix_(place, place)] @ weights
    return float(weights @ effects[told]), float(np.sqrt(spread))
