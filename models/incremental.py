"""The return on one sales investment, as far as a panel can tell: verdict, interval and reason.

`judge` takes a plain frame (models.design says which) and what the investment cost; see
docs/incremental-return.md for what it assumes and refuses.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from models.comparison import Comparison, compared
from models.crosscheck import second_opinion
from models.design import Design, Handling, Requirements, checked, refusal, survey
from models.diagnostics.mixture import of_few
from models.effect import (
    Estimate,
    NotEstimable,
    naive_contrast,
    naive_difference,
)
from models.examination import examined
from models.few import beside
from models.grid import Grid, Whole, laid_out
from models.judgement import Judgement, Return, reason_of, return_of, verdict_of, warned
from models.reliability import Covariate, calibrated, covariates_of
from models.terms import Terms

CODE_VERSION: Final = "incremental/10"
"""Changes whenever the same panel could be judged differently."""

ESTIMATOR: Final = "imputation"
"""The primary one; what it was cross-checked with is in the diagnostics."""

__all__ = ["CODE_VERSION", "ESTIMATOR", "Judgement", "Terms", "estimate", "judge"]


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A checked panel, and how it is to be read."""

    frame: pd.DataFrame
    covariates: tuple[Covariate, ...]
    design: Design
    required: Requirements
    handling: Handling
    is_randomised: bool


def judge(  # noqa: PLR0913 what is asked, by name
    panel: pd.DataFrame,
    terms: Terms,
    covariates: Sequence[str] = (),
    required: Requirements | None = None,
    *,
    reliability: Mapping[str, float] | None = None,
    handling: Handling | None = None,
    randomised: bool = False,
) -> Judgement:
    """Judge one investment by those it reached and those it did not reach yet.

    Args:
        panel: one row per unit and period: unit, period, outcome, start (models.design).
        terms: cost and margin.
        covariates: columns that may explain different trends and that the investment cannot move.
        required: what must be there before an estimate is made.
        reliability: of covariates, by name: the share of the variance between units that is what
            the covariate stands for, above 0 and at most 1. Below 1 its error is corrected for;
            where none is stated, the covariate is taken as it is and may be warned of.
        handling: what is left out of the comparison.
        randomised: who was reached, or when, was drawn by lot, and that was registered beforehand.

    Raises:
        UserError: if the panel is malformed.
    """
    frame = checked(panel, covariates)
    case = _Case(
        frame=frame,
        covariates=covariates_of(covariates, reliability),
        design=survey(frame),
        required=required or Requirements(),
        handling=handling or Handling(),
        is_randomised=randomised,
    )
    if reason := refusal(case.design, case.required):
        return _of_few(_refused(reason, case), case, terms)
    try:
        return _judged(case, laid_out(frame, case.covariates, case.handling), terms)
    except NotEstimable as error:
        return _refused(str(error), case)


def estimate(
    panel: pd.DataFrame,
    covariates: Sequence[str] = (),
    required: Requirements | None = None,
    *,
    reliability: Mapping[str, float] | None = None,
    handling: Handling | None = None,
) -> Estimate:
    """Return the primary estimate alone: no diagnostic has looked at it, and it is no verdict.

    The arguments are those of `judge`.

    Raises:
        UserError: if the panel is malformed.
        NotEstimable: if there is nobody to compare with.
    """
    frame = checked(panel, covariates)
    told = covariates_of(covariates, reliability)
    grid = laid_out(frame, told, handling or Handling())
    return compared(grid, survey(frame), required or Requirements()).estimate


def _judged(case: _Case, grid: Grid, terms: Terms) -> Judgement:
    found = compared(grid, case.design, case.required)
    primary, other = found.estimate, _other(case, found)
    seen = examined(case.frame, found, case.handling, other, is_randomised=case.is_randomised)
    diagnostics = seen.diagnostics
    warnings, codes = warned(diagnostics)
    told = Judgement(
        verdict="not_identified",
        reason=next((each.words for each in diagnostics if each.verdict == "refuse"), ""),
        treated_units=case.design.treated_units,
        control_units=case.design.control_units,
        treated_unit_months=case.design.treated_unit_months,
        panel_hash=_hash(case.frame),
        pretrend_p_value=seen.pretrend_p_value,
        naive_effect=naive_difference(case.frame),
        naive_contrast=naive_contrast(case.frame),
        warnings=warnings,
        warning_codes=codes,
        estimates=tuple(each for each in (primary, other, seen.corrected) if each),
        diagnostics=tuple(diagnostics),
    )
    if told.reason:
        return told
    worth = return_of(found.net, case.design.treated_unit_months, terms)
    wake = bool(found.wake.any())
    reason = reason_of(found.net, case.design, terms, worth, has_wake=wake)
    return _told(replace(told, reason=reason), primary, worth)


def _of_few(told: Judgement, case: _Case, terms: Terms) -> Judgement:
    """Where too few were reached to compare groups, hold them against a mixture of the others.

    With too few others for a p-value of 5 % the numbers stand, and the verdict is `cannot_tell`.
    """
    if not 0 < case.design.treated_units < case.required.units <= case.design.control_units:
        return told
    try:
        found = beside(case.frame, case.handling.wake_periods)
    except NotEstimable as error:
        return replace(told, reason=f"{told.reason} {error}")
    findings = tuple(of_few(found))
    warnings, codes = warned(findings)
    told = replace(
        told,
        reason=next((each.words for each in findings if each.verdict == "refuse"), ""),
        pretrend_p_value=found.earlier_p_value,
        warnings=warnings,
        warning_codes=codes,
        estimates=(found.primary, *([found.other] if found.other else [])),
        diagnostics=findings,
    )
    if told.reason:
        return told
    worth = return_of(found.primary, case.design.treated_unit_months, terms)
    against = f"a mixture of {found.others} others that moved likewise before"
    reason = reason_of(
        found.primary, case.design, terms, worth, has_wake=found.has_wake, against=against
    )
    told = _told(replace(told, reason=reason), found.primary, worth)
    if found.is_enough:
        return told
    return replace(
        told, verdict="cannot_tell", reason=f"{told.reason} Even so: {' '.join(warnings)}"
    )


def _told(told: Judgement, primary: Estimate, worth: Return) -> Judgement:
    """Return a judgement with its verdict and numbers."""
    roi, low, high = worth.rois or (None, None, None)
    return replace(
        told,
        verdict=verdict_of(worth),
        effect=primary.effect,
        std_error=primary.std_error,
        effect_low=primary.low,
        effect_high=primary.high,
        min_detectable_effect=primary.min_detectable,
        incremental_margin=worth.margins[0],
        incremental_margin_low=worth.margins[1],
        incremental_margin_high=worth.margins[2],
        roi=roi,
        roi_low=low,
        roi_high=high,
        roi_positive_probability=worth.positive_probability,
    )


def _other(case: _Case, found: Comparison) -> Estimate | None:
    grid = found.model.grid
    if "stop" in case.frame and (case.frame["stop"] > 0).any():
        return None
    row = np.searchsorted(grid.units, case.frame["unit"].astype(str).to_numpy())
    kept = grid.settled[row, case.frame["period"].to_numpy() - grid.periods[0]]
    names = [each.name for each in case.covariates]
    frame = _calibrated(case.frame, grid, row)[kept]
    try:
        return second_opinion(
            frame,
            names,
            found.freedom,
            quiet=found.quiet,
            cluster=grid.cluster[row[kept]] if grid.is_by_team else None,
        )
    except NotEstimable:
        return None


def _calibrated(frame: pd.DataFrame, grid: Grid, row: Whole) -> pd.DataFrame:
    """Return the panel with what its covariates let expect of what they stand for."""
    if not grid.noise.any():
        return frame
    told = calibrated(grid.features[:, 1:], grid.noise[1:], grid.reached.astype(int))[row]
    columns = {each.name: told[:, place] for place, each in enumerate(grid.covariates)}
    return frame.assign(**columns)


def _refused(reason: str, case: _Case) -> Judgement:
    return Judgement(
        verdict="not_identified",
        reason=reason,
        treated_units=case.design.treated_units,
        control_units=case.design.control_units,
        treated_unit_months=case.design.treated_unit_months,
        panel_hash=_hash(case.frame),
        naive_effect=naive_difference(case.frame),
        naive_contrast=naive_contrast(case.frame),
    )


def _hash(frame: pd.DataFrame) -> str:
    """Return the same hash for the same panel, whatever the order of its rows."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
