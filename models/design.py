"""What a panel can and cannot tell, before anything is estimated: who is reached, who compares.

A panel is a frame with one row per unit and period:

- `unit`: who (a rep);
- `period`: whole numbers, one apart (a month);
- `outcome`: what the investment should move, in minor units of one currency;
- `start`: the first period in which the investment reached the unit, the same in all of its rows;
  0 for never.

Optional, and used where they are there:

- `stop`: the first period in which it no longer applies, the same in all of a unit's rows; 0 for
  lasting. Without the column all of it lasts;
- `dose`: how much of it the unit got; above 0;
- `team`, `region`: where the unit works in that period; it may move;
- `placebo`: an outcome that the investment cannot move;
- `other_start`: since when another investment has been at work on the unit, 0 for never.

A unit may enter late and leave early: it has rows for the periods in which it was there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from contracts.errors import UserError

COLUMNS: Final = ("unit", "period", "outcome", "start")
NUMBERS: Final = ("stop", "dose", "placebo", "other_start")
GROUPS: Final = ("team", "region")
_WHOLE: Final = {"period", "start", "stop", "other_start"}
_OF_UNIT: Final = ("start", "stop", "other_start")
_NOT_NEGATIVE: Final = (*_OF_UNIT, "dose")


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What must be there before an estimate is worth its name.

    Attributes:
        units: reached units, and units to compare them with, at least.
        pre_periods: periods that half of the reached units were seen before they were reached.
        covered_rate: the share of the treated unit-periods that has somebody to compare with.
        pretrend_p_value: below it the pre-trend test rejects.
    """

    units: int = 5
    pre_periods: int = 4
    covered_rate: float = 0.5
    pretrend_p_value: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Handling:
    """What is left out of a comparison, and how often sound panels may be warned of.

    Attributes:
        newcomer_periods: of whoever comes after the panel's first period: the climb.
        leaver_periods: of whoever goes before its last: the months that went badly.
        wake_periods: after a stop, before a unit is taken for untouched again.
        alarm_rate: share of sound panels that all the diagnostics together may warn of.
    """

    newcomer_periods: int = 6
    leaver_periods: int = 3
    wake_periods: int = 6
    alarm_rate: float = 0.12


@dataclass(frozen=True, kw_only=True)
class Design:
    """Who is reached and who compares.

    Attributes:
        treated_units: reached, and seen in the period before, against which effects are measured.
        control_units: never reached, or reached later than the first were.
        treated_unit_months: rows in or after the start, whether or not the unit was seen before.
        pre_periods: the median, over treated units, of the periods seen before the start.
        cohorts: distinct starts of the treated units.
    """

    treated_units: int
    control_units: int
    treated_unit_months: int
    pre_periods: int
    cohorts: int


def checked(panel: pd.DataFrame, covariates: Sequence[str] = ()) -> pd.DataFrame:
    """Return the panel with its own columns alone, in order of unit and period.

    A start after the last period is planned, not begun: it becomes 0.

    Raises:
        UserError: if a column is missing, there twice or not a number, periods are not one apart, a
            covariate is one of the panel's own columns, or a unit has two rows for a period, or two
            starts.
    """
    _refuse_names(panel, covariates)
    wanted = [*COLUMNS, *covariates]
    if missing := [name for name in wanted if name not in panel]:
        raise UserError(f"the panel has no column {', '.join(missing)}: it needs {wanted}")
    if panel.empty:
        raise UserError("the panel is empty: it needs a row per unit and period")
    if nameless := int(panel["unit"].isna().sum()):
        raise UserError(f"the panel's unit is missing in {nameless} rows: say who they are about")
    optional = [name for name in (*NUMBERS, *GROUPS) if name in panel and name not in wanted]
    frame = panel[[*wanted, *optional]].sort_values(["unit", "period"], ignore_index=True)
    for name in frame.columns[1:]:
        if name not in GROUPS:
            frame[name] = _finite(frame[name], whole=name in _WHOLE)
    _refuse_gaps(frame["period"])
    _refuse_contradictions(frame)
    frame.loc[frame["start"] > frame["period"].max(), "start"] = 0
    return frame


def survey(frame: pd.DataFrame) -> Design:
    """Return the design of a checked panel."""
    eve = frame[(frame["start"] > 0) & (frame["period"] == frame["start"] - 1)]
    measured = eve.set_index("unit")["start"]
    first = measured.min() if len(measured) else 0
    return Design(
        treated_units=len(measured),
        control_units=_compared_with(frame, first) if first else 0,
        treated_unit_months=int(treated(frame).sum()),
        pre_periods=_periods_before(frame[frame["unit"].isin(measured.index)]),
        cohorts=int(measured.nunique()),
    )


def _compared_with(frame: pd.DataFrame, first: int) -> int:
    """Count who was there, untouched, both before the first start and after it."""
    free = frame[(frame["start"] == 0) | (frame["period"] < frame["start"])]
    early = free.loc[free["period"] < first, "unit"].unique()
    return int(free.loc[free["period"] >= first, "unit"].drop_duplicates().isin(early).sum())


def treated(frame: pd.DataFrame) -> pd.Series:
    """Return which rows lie in or after their unit's start, and before its stop if it has one."""
    since = (frame["start"] > 0) & (frame["period"] >= frame["start"])
    if "stop" not in frame:
        return since
    return since & ((frame["stop"] == 0) | (frame["period"] < frame["stop"]))


def refusal(design: Design, required: Requirements) -> str | None:
    """Return why no effect can be told from this design; None where one can be."""
    if design.treated_unit_months == 0:
        return "Nobody has been reached in a month that is over: there is no outcome to judge yet."
    if design.treated_units == 0:
        return "Nobody was seen in the month before being reached: there is no before to compare."
    if design.control_units == 0:
        return (
            "Everybody was reached in the same month, so nobody is left to compare with: whatever "
            "else changed then would count as a return. Reach some later, or leave some out."
        )
    return _too_few(design, required)


def _too_few(design: Design, required: Requirements) -> str | None:
    were = "was" if design.treated_units == 1 else "were"
    for count, what in (
        (design.treated_units, f"{were} reached with a month on record before"),
        (design.control_units, "can be compared with: never reached, or reached later"),
    ):
        if count < required.units:
            return (
                f"Only {count} {what}; it takes at least {required.units}, "
                "or one person's luck decides."
            )
    if design.pre_periods < required.pre_periods:
        return (
            f"Half of those reached were on record for {design.pre_periods} months or fewer "
            f"before; it takes {required.pre_periods} to see whether they moved like the others."
        )
    return None


def _periods_before(measured: pd.DataFrame) -> int:
    before = (measured["period"] < measured["start"]).groupby(measured["unit"]).sum()
    return int(before.median()) if len(before) else 0


def _refuse_names(panel: pd.DataFrame, covariates: Sequence[str]) -> None:
    if not isinstance(panel, pd.DataFrame):
        raise UserError(f"the panel is a {type(panel).__name__}: it must be a pandas DataFrame")
    if isinstance(covariates, str):
        raise UserError(f"the covariates are the text {covariates!r}: give a list of columns")
    if twice := panel.columns[panel.columns.duplicated()].tolist():
        raise UserError(f"the panel has more than one column {twice[0]}: it needs one")
    own = {*COLUMNS, *NUMBERS, *GROUPS}
    for place, name in enumerate(covariates):
        if name in own:
            raise UserError(f"{name} is a column of the panel itself: it can't be a covariate")
        if name in covariates[:place]:
            raise UserError(f"the covariate {name} is named twice: name it once")


def _refuse_gaps(period: pd.Series) -> None:
    """Refuse periods most of which nobody was in: 202312 and 202401 are 89 apart."""
    first, last, count = int(period.min()), int(period.max()), period.nunique()
    if count * 2 <= last - first:
        raise UserError(
            f"the panel's period has {count} numbers between {first} and {last}: number the months "
            "one apart, such as 12 * year + month"
        )


def _finite(column: pd.Series, *, whole: bool) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        raise UserError(f"the panel's {column.name} holds dates: number the months, one apart")
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = ~np.isfinite(numbers) | (whole & (numbers % 1 != 0))
    if bad.any():
        kind = "a whole number" if whole else "a number"
        held = column[bad].iloc[0]
        told = repr(held) if isinstance(held, str) else held
        raise UserError(f"the panel's {column.name} holds {told}, not {kind}")
    return numbers.astype(int) if whole else numbers


def _refuse_contradictions(frame: pd.DataFrame) -> None:
    twice = frame.duplicated(["unit", "period"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise UserError(f"the panel has two rows for {row['unit']} in period {row['period']}")
    for name in _OF_UNIT:
        if name in frame:
            counts = frame.groupby("unit", observed=True)[name].nunique()
            if (counts > 1).any():
                told = f"{counts.idxmax()} has {counts.max()} different {name}s"
                raise UserError(f"{told}: it needs one")
    _refuse_impossible(frame)


def _refuse_impossible(frame: pd.DataFrame) -> None:
    for name in _NOT_NEGATIVE:
        if name in frame and (frame[name] < 0).any():
            row = frame[frame[name] < 0].iloc[0]
            raise UserError(f"{row['unit']} has a {name} of {row[name]}: it can't be below 0")
    if "stop" not in frame:
        return
    early = (frame["stop"] > 0) & ((frame["stop"] <= frame["start"]) | (frame["start"] == 0))
    if early.any():
        row = frame[early].iloc[0]
        raise UserError(f"{row['unit']} stops in {row['stop']}, not after its start {row['start']}")
