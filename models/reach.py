"""Since when, until when and by how much each unit of a panel was reached, and beside what else.

- A unit is reached from the month in which its exposure begins, be it on the last day of it. To
  start with the first full month instead would leave a month that is partly reached as the very
  one that every effect is measured against.
- What was learned stays: of training, content and events, an exposure's end is not the effect's. A
  tool, a SPIF, a campaign stops with its exposure.
- A rep who leaves a reached team is neither under it nor free of it: its later months are left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import pandas as pd

from models.exposure import Hierarchy, Reach, by_unit
from models.months import last_day, period_of


def without_leavers(frame: pd.DataFrame, reaches: Iterable[Reach]) -> tuple[pd.DataFrame, int]:
    """Leave out what follows a rep's leaving of a reached team; return how many left.

    Who moved on to another team that is reached has not left.
    """
    gone: dict[str, int] = {}
    for unit, each in by_unit(reaches).items():
        left_on = max((reach.left_on for reach in each if reach.left_on), default=None)
        if left_on and not any(reach.covers(left_on) for reach in each):
            gone[unit] = period_of(left_on)
    last = frame["unit"].map(gone)
    kept = frame[last.isna() | (frame["period"] < last)].reset_index(drop=True)
    return kept, len(gone.keys() & set(frame["unit"][frame["period"] >= last]))


def with_reach(frame: pd.DataFrame, reaches: Iterable[Reach], *, lasts: bool) -> pd.DataFrame:
    """Add `start`; `stop` where it stopped for somebody who stayed; `dose` where doses differ."""
    units = by_unit(reaches)
    starts = {unit: _start(each) for unit, each in units.items()}
    frame = frame.assign(start=_told(frame, starts))
    if not lasts:
        stop = _stops(frame, units.values())
        frame = frame.assign(stop=stop) if stop.any() else frame
    doses = {unit: max(reach.dose for reach in each) for unit, each in units.items()}
    differ = max(doses.values(), default=0) > min(doses.values(), default=0) > 0
    return frame.assign(dose=frame["unit"].map(doses).fillna(1.0)) if differ else frame


def _start(reaches: Iterable[Reach]) -> int:
    return min(period_of(reach.spell.starts_on) for reach in reaches)


def _stops(frame: pd.DataFrame, units: Iterable[Sequence[Reach]]) -> pd.Series:
    """Return the first month in which it no longer applies; 0 while it does, or the unit left."""
    ends: dict[str, int] = {}
    for reaches in units:
        stops = [reach.spell.stops_on for reach in reaches]
        known = [stop for stop in stops if stop is not None]
        if len(known) == len(stops):
            ends[reaches[0].unit_id] = max(*map(_first_free, known), _start(reaches) + 1)
    stop = _told(frame, ends)
    return stop.where(stop <= frame.groupby("unit")["period"].transform("max"), 0)


def _first_free(day: date) -> int:
    """Return the first month that lies wholly behind a stop."""
    return period_of(day) + (day.day > 1)


def with_others(frame: pd.DataFrame, others: Iterable[Reach]) -> pd.DataFrame:
    """Add `other_start`: since when another investment has been at work on the unit.

    One that reached everybody in one month changed all alike, and is no part of the comparison.
    """
    starts: dict[str, dict[str, int]] = {}
    here = set(frame["unit"])
    for unit in here & (units := by_unit(others)).keys():
        for reach in units[unit]:
            of_one = starts.setdefault(reach.investment_id, {})
            first = period_of(reach.spell.starts_on)
            of_one[unit] = min(first, of_one.get(unit, first))
    uneven = [each for each in starts.values() if len(each) < len(here) or _differ(each.values())]
    earliest = {unit: min(e[unit] for e in uneven if unit in e) for e in uneven for unit in e}
    return frame.assign(other_start=_told(frame, earliest)) if earliest else frame


def _differ(numbers: Iterable[int]) -> bool:
    return len(set(numbers)) > 1


def _told(frame: pd.DataFrame, by_unit: Mapping[str, int]) -> pd.Series:
    """Return a number for each row by its unit; 0 for none."""
    return frame["unit"].map(by_unit).fillna(0).astype("int64")


def with_groups(frame: pd.DataFrame, hierarchy: Hierarchy) -> pd.DataFrame:
    """Add each rep's team and region at the month's end; who has none is a group alone."""
    for kind in ("team", "region"):
        if hierarchy.has(kind):
            frame = frame.assign(**{kind: [*_groups(frame, hierarchy, kind)]})
    return frame


def _groups(frame: pd.DataFrame, hierarchy: Hierarchy, kind: str) -> Iterator[str]:
    for unit, period in zip(frame["unit"], frame["period"], strict=True):
        yield hierarchy.parent_on(kind, unit, last_day(period)) or f"{kind} of {unit} alone"
