"""Whom an investment reached: exposures of teams and regions, told for each rep who was in them.

A rep is reached through a team from the first day that both lasted. Whoever leaves a reached team
while it is reached is neither reached any longer nor somebody to compare with: `Reach.left_on`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from contracts.crm_rows import AssignmentRow, ExposureRow
from contracts.errors import UserError

_BY_REP: Final = frozenset({"rep", "team", "region"})


class Spell(NamedTuple):
    """A half-open run of days; `stops_on` None while it lasts."""

    starts_on: date
    stops_on: date | None

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        return self.starts_on <= day and (self.stops_on is None or day < self.stops_on)

    def within(self, other: "Spell") -> "Spell | None":
        """Return what both cover; None for nothing."""
        starts_on = max(self.starts_on, other.starts_on)
        ends = [end for end in (self.stops_on, other.stops_on) if end is not None]
        stops_on = min(ends, default=None)
        return None if stops_on and stops_on <= starts_on else Spell(starts_on, stops_on)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A unit of a panel under an investment.

    Attributes:
        left_on: when a rep left a team that went on being reached; None for never.
    """

    investment_id: str
    unit_id: str
    spell: Spell
    dose: float
    left_on: date | None = None

    def covers(self, day: date) -> bool:
        """Tell whether the unit was under it on a day."""
        return self.spell.holds(day) and (self.left_on is None or day < self.left_on)


class Hierarchy:
    """Who belonged to which team and region, and when."""

    def __init__(self, assignments: Iterable[AssignmentRow]) -> None:
        self._children: dict[tuple[str, str], list[tuple[str, Spell]]] = defaultdict(list)
        self._parents: dict[tuple[str, str], list[tuple[str, Spell]]] = defaultdict(list)
        for each in assignments:
            spell = Spell(each.effective_from, each.effective_to)
            self._children[each.parent_kind, each.parent_id].append((each.child_id, spell))
            self._parents[each.parent_kind, each.child_id].append((each.parent_id, spell))

    def members(self, kind: str, unit_id: str, during: Spell) -> Iterator[tuple[str, Spell]]:
        """Yield whoever was in a team, or in the teams of a region, and when within a spell."""
        for child, spell in self._children.get((kind, unit_id), ()):
            if common := spell.within(during):
                in_team = [*self.members("team", child, common)] if kind == "region" else []
                yield from in_team or [(child, common)]

    def parent_on(self, kind: str, child: str, day: date) -> str:
        """Return the team or region of a rep on a day; empty for none."""
        for parent, spell in self._parents.get((kind, child), ()):
            if spell.holds(day):
                return parent
        team = self.parent_on("team", child, day) if kind == "region" else ""
        return self.parent_on("region", team, day) if team else ""

    def has(self, kind: str) -> bool:
        """Tell whether anybody belongs to something of a kind."""
        return any(known == kind for known, _ in self._parents)


def panel_kind(exposures: Iterable[ExposureRow]) -> str:
    """Return the kind of unit that an investment is judged by.

    Raises:
        UserError: if it reached units of kinds that do not go into one panel.
    """
    kinds = sorted({each.unit_kind for each in exposures})
    panels = {unit_kind_of(kind) for kind in kinds}
    if len(panels) > 1:
        raise UserError(
            f"its exposure is by {' and '.join(kinds)}: one investment is judged by one kind of "
            "unit; register what it did for each as an investment of its own"
        )
    return panels.pop() if panels else "rep"


def unit_kind_of(kind: str) -> str:
    """Return the kind of a panel's units for a kind of exposure: a team is judged by its reps."""
    return "rep" if kind in _BY_REP else kind


def reached(exposures: Iterable[ExposureRow], hierarchy: Hierarchy) -> list[Reach]:
    """Return whom exposures reached: of teams and regions their reps, else the units themselves."""
    return [reach for each in exposures for reach in _reached(each, hierarchy)]


def by_unit(reaches: Iterable[Reach]) -> Mapping[str, Sequence[Reach]]:
    """Return the reaches of each unit."""
    units: dict[str, list[Reach]] = defaultdict(list)
    for reach in reaches:
        units[reach.unit_id].append(reach)
    return units


def _reached(each: ExposureRow, hierarchy: Hierarchy) -> Iterator[Reach]:
    whole = Spell(each.starts_on, each.stops_on)
    found: Iterable[tuple[str, Spell]] = [(each.unit_id, whole)]
    if each.unit_kind in {"team", "region"}:
        found = hierarchy.members(each.unit_kind, each.unit_id, whole)
    for unit_id, spell in found:
        yield Reach(
            investment_id=each.investment_id,
            unit_id=unit_id,
            spell=Spell(spell.starts_on, each.stops_on),
            dose=each.dose,
            left_on=spell.stops_on if spell.stops_on != each.stops_on else None,
        )
