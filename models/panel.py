"""The panel of one investment: each unit's months, and since when it was reached (models.reach).

- A month counts once it is over on the company's calendar; the first is the first with a booking.
- A rep counts in the months in which it was there from the first day to the last, so that a month
  of arriving or leaving is not taken for a bad one. Within them, no booking is a zero; a rate of
  nothing (no deal closed: which win rate?) is unknown, and the month is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pandas as pd

from contracts.crm_rows import AssignmentRow, ExposureRow, InvestmentRow
from contracts.errors import UserError
from contracts.fiscal import FiscalCalendar
from contracts.investments import LASTING, OUTCOMES, reliability_of
from models.covariates import EXACT, as_of_start
from models.exposure import Hierarchy, Reach, panel_kind, reached, unit_kind_of
from models.months import Window, period_of
from models.reach import with_groups, with_others, with_reach, without_leavers

_KEY: Final = ["unit", "period"]
_WORTH: Final = ["booked", "told", "untold"]


@dataclass(frozen=True, kw_only=True)
class Company:
    """What is known of everybody, whatever was invested in.

    Attributes:
        months: `unit_kind`, `unit_id`, `month_on`, and the columns of `marts.unit_month`; a row a
            month at most.
        units: `unit_kind`, `unit_id`, `begins_on`, `ends_on` (its last day): who could have been
            reached; None where unknown, which means always there.
        exposures: of all investments.
        quotas: `owner_id`, `period_starts_on`, `period_ends_on`, `quota_minor`.
    """

    months: pd.DataFrame
    units: pd.DataFrame
    exposures: Sequence[ExposureRow]
    assignments: Sequence[AssignmentRow]
    quotas: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel as `models.design` has it.

    Attributes:
        covariates: the columns to hand to the judge as such.
        reliability: of those of which it is known.
        margin_rate: of the outcome, as far as the deals tell it; else the investment's.
        begins_on: when the first unit was reached; None for never.
        notes: how it was made, where that is not plain, in sentences.
    """

    frame: pd.DataFrame
    unit_kind: str
    covariates: tuple[str, ...]
    reliability: Mapping[str, float]
    margin_rate: float
    begins_on: date | None
    notes: tuple[str, ...]


def closed_months(bookings: pd.DataFrame, as_of_day: date) -> Window:
    """Return the months that were over on a day of the company, from the first booking on.

    Args:
        bookings: with `month_on` and `bookings_minor`.
        as_of_day: the company's day at the moment of judging.

    Raises:
        UserError: if no booking lies in a month that is over.
    """
    ends_on = FiscalCalendar().month(as_of_day).starts_on
    booked = bookings.loc[bookings["bookings_minor"] != 0, "month_on"]
    first = booked.min() if len(booked) else ends_on
    if first >= ends_on:
        raise UserError(
            f"no booking lies in a month that is over on {as_of_day}: import the won opportunities "
            "of at least a year"
        )
    return Window(first, ends_on)


def build(investment: InvestmentRow, company: Company, window: Window) -> Panel:
    """Return the panel that models.incremental judges.

    Raises:
        UserError: if an exposure names somebody who is not known, or units of several kinds.
    """
    mine = [e for e in company.exposures if e.investment_id == investment.investment_id]
    kind, hierarchy = panel_kind(mine), Hierarchy(company.assignments)
    reaches = reached(mine, hierarchy)
    units = company.units[company.units["unit_kind"] == kind]
    _refuse_strangers(reaches, units, kind)
    frame = _outcomes(investment, company.months, _present(units, window), kind)
    frame, moved = without_leavers(frame, reaches)
    frame = with_reach(frame, reaches, lasts=investment.kind in LASTING)
    frame = with_others(frame, reached(_others(investment, company, kind), hierarchy))
    frame = with_groups(frame, hierarchy) if kind == "rep" else frame
    frame, covariates = as_of_start(frame, company.months, units, company.quotas, kind)
    rate, told = _margin(investment, frame)
    return Panel(
        frame=frame.drop(columns=_WORTH),
        unit_kind=kind,
        covariates=covariates,
        reliability=_reliability(investment, covariates),
        margin_rate=rate,
        begins_on=min((reach.spell.starts_on for reach in reaches), default=None),
        notes=(*_moves(moved), *told),
    )


def _reliability(investment: InvestmentRow, covariates: Sequence[str]) -> dict[str, float]:
    """Return what is stated; what is on record as it was agreed or happened is exact unless so."""
    told = dict.fromkeys(EXACT, 1.0) | reliability_of(investment.covariate_reliability)
    return {name: told[name] for name in covariates if name in told}


def _others(investment: InvestmentRow, company: Company, kind: str) -> Iterator[ExposureRow]:
    """Yield the exposures of other investments that reach units of the panel."""
    for each in company.exposures:
        is_other = each.investment_id != investment.investment_id
        if is_other and unit_kind_of(each.unit_kind) == kind:
            yield each


def _outcomes(
    investment: InvestmentRow, months: pd.DataFrame, present: pd.DataFrame, kind: str
) -> pd.DataFrame:
    """Return unit, period and outcome; beside it what was booked, with and without a margin."""
    of_kind = months[months["unit_kind"] == kind]
    known = pd.DataFrame(
        {
            "unit": of_kind["unit_id"],
            "period": _periods(of_kind["month_on"]),
            "outcome": _outcome(investment, of_kind),
            "booked": of_kind["bookings_minor"],
            "told": of_kind["margin_told_minor"],
            "untold": of_kind["bookings_without_margin_minor"],
        }
    )
    frame = present.merge(known, how="left", on=_KEY)
    if OUTCOMES[investment.outcome].is_total:
        frame["outcome"] = frame["outcome"].fillna(0)
    frame[_WORTH] = frame[_WORTH].fillna(0)
    return frame[frame["outcome"].notna()].reset_index(drop=True)


def _outcome(investment: InvestmentRow, months: pd.DataFrame) -> pd.Series:
    if investment.outcome == "margin":
        untold = months["bookings_without_margin_minor"] * investment.gross_margin_rate
        return months["margin_told_minor"] + untold
    names = {"bookings": "bookings_minor", "pipeline_created": "pipeline_created_minor"}
    return months[names.get(investment.outcome, investment.outcome)].astype(float)


def _margin(investment: InvestmentRow, frame: pd.DataFrame) -> tuple[float, tuple[str, ...]]:
    """Return what a unit of the outcome is worth in margin, and how that is known."""
    if investment.outcome == "margin":
        return 1.0, ()
    under = frame[(frame["start"] > 0) & (frame["period"] >= frame["start"])]
    booked, untold = float(under["booked"].sum()), float(under["untold"].sum())
    rate = investment.gross_margin_rate
    if booked <= 0 or untold == booked:
        return rate, ()
    realised = (float(under["told"].sum()) + untold * rate) / booked
    words = (
        f"The deals tell their margin for {1 - untold / booked:.0%} of what was booked under it; "
        f"the rest counts at {rate:.0%}. Together that is {realised:.1%}."
    )
    return realised, (words,)


def _present(units: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return a row for each unit and each whole month that it was there within the window."""
    begins, ends = _days(units["begins_on"], date.min), _days(units["ends_on"], date.max)
    rows = [
        (unit_id, period)
        for unit_id, begins_on, ends_on in zip(units["unit_id"], begins, ends, strict=True)
        for period in _whole_months(begins_on, ends_on, window)
    ]
    return pd.DataFrame(rows, columns=_KEY).astype({"period": "int64"})


def _whole_months(begins_on: date, ends_on: date, window: Window) -> range:
    """Return the months of the window that lie within a stay from first day to last."""
    first = period_of(begins_on) + (begins_on.day > 1)
    leaves_on = ends_on + timedelta(days=1) if ends_on < date.max else ends_on
    stop = min(period_of(leaves_on), window.periods.stop)
    return range(max(first, window.periods.start), max(stop, first, window.periods.start))


def _moves(moved: int) -> tuple[str, ...]:
    if not moved:
        return ()
    words = (
        f"{moved} left a team that went on being reached: their months from then on are left out, "
        "as they are neither under it nor free of it."
    )
    return (words,)


def _periods(days: pd.Series) -> pd.Series:
    return days.map(period_of).astype("int64")


def _days(column: pd.Series, unknown: date) -> list[date]:
    return [unknown if pd.isna(day) else day for day in column]


def _refuse_strangers(reaches: Iterable[Reach], units: pd.DataFrame, kind: str) -> None:
    strangers = sorted({reach.unit_id for reach in reaches} - set(units["unit_id"]))
    if strangers:
        raise UserError(
            f"the exposure names {', '.join(strangers[:3])}, not among the {len(units)} {kind}s: "
            f"import those {kind}s, or correct the exposure"
        )
