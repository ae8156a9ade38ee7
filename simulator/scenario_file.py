"""Scenarios from TOML; a mistake in one is named, with what was probably meant."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from contracts.errors import UserError
from simulator.scenario import RAMP_MONTHS, Knobs, Programme, Scenario


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a TOML file; what it leaves out has its default.

    Raises:
        UserError: if the file can't be read, or a knob is unknown or out of its range.
    """
    try:
        knobs = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} can't be read as a scenario in TOML: {error}") from error
    return scenario_of(knobs, str(path))


def scenario_of(knobs: dict[str, Any], where: str = "the scenario") -> Scenario:
    """Return the scenario of a table of knobs; see `read_scenario`."""
    _refuse_unknown(knobs, Scenario, where, "")
    try:
        scenario = msgspec.convert(knobs, Scenario)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {error}: see docs/simulator.md for what a knob takes") from error
    return checked(scenario, where)


def checked(scenario: Scenario, where: str = "the scenario") -> Scenario:
    """Return the scenario with every investment named; refuse what can't be meant.

    Raises:
        UserError: if the first month does not begin on its first day, shares do not add up, or two
            investments have one id.
    """
    if scenario.first_month.day != 1:
        raise UserError(f"{where}: first_month is {scenario.first_month}: name a month's first day")
    total = sum(product.share for product in scenario.deals.products)
    if abs(total - 1) > 1e-6:  # noqa: PLR2004 rounding of decimal shares
        raise UserError(f"{where}: the products' shares add up to {total:g}: make them add up to 1")
    named = tuple(_named(each, place) for place, each in enumerate(scenario.investments, 1))
    if len({each.id for each in named}) < len(named):
        raise UserError(f"{where}: two investments have the same id: name each of them once")
    for each in named:
        _refuse_contradictions(each, where)
    return msgspec.structs.replace(scenario, investments=named)


def _named(programme: Programme, place: int) -> Programme:
    return msgspec.structs.replace(
        programme,
        id=programme.id or f"INV-{place:02}",
        name=programme.name or f"{programme.kind.title()} {place}",
        ramp_months=programme.ramp_months or RAMP_MONTHS.get(programme.kind, 1),
        starts=tuple(sorted(programme.starts)),
    )


def _refuse_contradictions(programme: Programme, where: str) -> None:
    if programme.roll_out == "reversible" and not programme.lasts_months:
        raise UserError(f"{where}: {programme.id} is reversible: say lasts_months")
    if programme.roll_out == "all_at_once" and len(programme.starts) > 1:
        raise UserError(f"{where}: {programme.id} reaches all at once: name one month in starts")
    if programme.starts[0] < programme.anticipation_months:
        raise UserError(
            f"{where}: {programme.id} starts in month {programme.starts[0]}, before its "
            f"anticipation_months ({programme.anticipation_months}) have passed: start it later"
        )


def _refuse_unknown(knobs: object, group: type[Knobs], where: str, path: str) -> None:
    """Raise UserError for the first knob that the group does not have, naming the nearest."""
    if not isinstance(knobs, dict):
        return
    known = {field.name: field.type for field in msgspec.structs.fields(group)}
    for name, value in knobs.items():
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
            raise UserError(f"{where}: {path}{name} is not a knob: {hint}")
        for part in value if isinstance(value, list) else [value]:
            if inner := _group_in(known[name]):
                _refuse_unknown(part, inner, where, f"{path}{name}.")


def _group_in(kind: Any) -> type[Knobs] | None:  # noqa: ANN401 a type as it was annotated
    """Return the group of knobs that a field holds, be it one or many."""
    if isinstance(kind, type) and issubclass(kind, Knobs):
        return kind
    parts = (_group_in(part) for part in getattr(kind, "__args__", ()))
    return next((part for part in parts if part), None)
