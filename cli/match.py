"""`headwater match`: what a change of the matching rules would do, and doing it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from contracts.errors import UserError
from contracts.matching import MatchRules
from settings import load

match = typer.Typer(no_args_is_help=True)

Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]
Since = Annotated[
    datetime | None, typer.Option(help="Only activities from this day on, such as 2026-10-01.")
]
_ALWAYS = datetime(1900, 1, 1)  # noqa: DTZ001 as Typer gives days


@match.command()
def simulate(
    home: Home = None,
    rule: Annotated[
        list[str] | None, typer.Option("--set", help="A rule to try: grace_days=7; repeatable.")
    ] = None,
    since: Since = None,
    samples: Annotated[int, typer.Option(help="How many changes to show.")] = 10,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what the rules of headwater.toml, or those given here, would change; change nothing."""
    from cli.stack import local_stack
    from contracts.clock import SystemClock
    from ingest.directory import read_directory
    from ingest.matching import everything
    from ingest.what_if import compare
    from warehouse.reader import Reader

    with local_stack(load(home), worker=False) as settings:
        reader = Reader(settings.warehouse_url)
        rules = with_rules(settings.matching, rule or [])
        directory = read_directory(reader, settings.company, rules)
        pairs = everything(reader, directory, _from(since), SystemClock().now())
        found = compare(pairs, samples).as_dict()
    typer.echo(json.dumps(found) if as_json else render(found))


@match.command()
def apply(home: Home = None, since: Since = None) -> None:
    """Match stored activities again by the rules of headwater.toml; people's choices stay."""
    from cli.stack import local_stack
    from contracts.clock import SystemClock
    from ingest.directory import read_directory
    from ingest.matching import everything
    from ingest.what_if import apply as write_all
    from warehouse.reader import Reader
    from warehouse.writer import Writer

    with local_stack(load(home), worker=False) as settings:
        reader = Reader(settings.warehouse_url)
        directory = read_directory(reader, settings.company, settings.matching)
        pairs = everything(reader, directory, _from(since), SystemClock().now())
        changed = write_all(pairs, Writer(settings.warehouse_url))
    typer.echo(f"{changed:,} decisions changed")


def with_rules(rules: MatchRules, given: list[str]) -> MatchRules:
    """Return the rules with some of them changed, each given as NAME=VALUE.

    Raises:
        UserError: if one is not a rule, or its value is not what the rule takes.
    """
    told = dict(one.partition("=")[::2] for one in given)
    values = {name: _value(name, text) for name, text in told.items()}
    try:
        return MatchRules(**(rules.model_dump() | values))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        known = ", ".join(MatchRules.model_fields)
        raise UserError(f"--set {wrong}. The rules are {known}") from error


def _value(name: str, text: str) -> object:
    if name == "tiebreakers":
        return tuple(filter(None, text.split(",")))
    return text


def render(found: dict[str, object]) -> str:
    """Return a difference as lines for a person."""
    lines = [f"{found['activities']:,} activities"]
    for name in ("accounts", "opportunities", "by_rule"):
        counts = found[name]
        assert isinstance(counts, dict)  # noqa: S101 narrows the type
        told = ", ".join(f"{count:,} {fate}" for fate, count in sorted(counts.items()))
        lines.append(f"{name.replace('_', ' '):14}{told or 'no change'}")
    samples = found["samples"]
    assert isinstance(samples, list)  # noqa: S101 narrows the type
    lines += [" | ".join(sample.values()) for sample in samples]
    return "\n".join(lines)


def _from(since: datetime | None) -> datetime:
    return (since or _ALWAYS).replace(tzinfo=UTC)
