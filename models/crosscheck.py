"""A second opinion that shares no code with the first: Callaway and Sant'Anna, from diff-diff.

Each cohort is compared, from the month before it was reached, with all who were not reached yet
(Journal of Econometrics 225, 2021); with covariates doubly robust.
"""

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from models.design import COLUMNS
from models.effect import Estimate, NotEstimable, estimate_of

ESTIMATOR: Final = "callaway_santanna/not_yet_treated"


def second_opinion(frame: pd.DataFrame, covariates: Sequence[str], freedom: int) -> Estimate:
    """Estimate the effect from a checked panel whose investment lasts.

    Raises:
        NotEstimable: if the estimator finds no effect, or none with an error.
    """
    from diff_diff import CallawaySantAnna  # noqa: PLC0415 takes seconds; most processes never fit

    unit, period, outcome, start = COLUMNS
    estimator = CallawaySantAnna(
        control_group="not_yet_treated",
        estimation_method="dr" if covariates else "reg",
        base_period="universal",
    )
    with warnings.catch_warnings():
        # units that come and go, and months without a comparison: both are counted and told
        warnings.simplefilter("ignore")
        try:
            fitted = estimator.fit(
                frame.assign(unit=frame["unit"].astype(str)),
                outcome=outcome,
                unit=unit,
                time=period,
                first_treat=start,
                covariates=list(covariates) or None,
            )
        except (ValueError, np.linalg.LinAlgError) as error:
            raise NotEstimable(f"The estimator found no effect: {error}") from error
    return estimate_of(ESTIMATOR, float(fitted.overall_att), float(fitted.overall_se), freedom)
