"""`headwater completeness`: whether all that the mailboxes hold is here."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli import app
from settings import load

_COMPLETENESS: Final = """
    SELECT
        source,
        observer,
        sum(day.held) AS held,
        sum(day.stored) AS stored,
        sum(day.dead_lettered) AS dead_lettered,
        sum(day.missing) AS missing,
        arraySort(groupArrayIf(toString(held_on), day.missing > 0)) AS missing_days
    FROM live.completeness AS day
    GROUP BY source, observer
    ORDER BY missing DESC, source, observer
"""
_SHOWN_DAYS: Final = 5

Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]


@app.command()
def completeness(
    home: Home = None,
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Ask the mailboxes anew, over so many days.")
    ] = 0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a mailbox.")] = False,
) -> None:
    """Show what each mailbox holds beside what is stored of it."""
    from cli.stack import local_stack
    from contracts.clock import SystemClock
    from ingest.completeness import recount
    from warehouse.reader import Reader
    from warehouse.writer import Writer

    with (
        local_stack(load(home), worker=False) as settings,
        closing(Reader(settings.warehouse_url)) as reader,
        closing(Writer(settings.warehouse_url)) as writer,
    ):
        for trouble in recount(settings, reader, writer, SystemClock(), days) if days else ():
            typer.echo(f"not counted: {trouble}", err=True)
        table = reader.frame(_COMPLETENESS)
    for row in table.to_dict("records"):
        typer.echo(json.dumps(row) if as_json else _line(row))


def _line(row: dict[Any, Any]) -> str:
    held = f"{row['held']:,} held, {row['stored']:,} stored, {row['dead_lettered']:,} dead-lettered"
    return f"{row['observer']} ({row['source']}): {held}, {row['missing']:,} missing{_days(row)}"


def _days(row: dict[Any, Any]) -> str:
    days = row["missing_days"]
    more = ", ..." if len(days) > _SHOWN_DAYS else ""
    return f", of {', '.join(days[:_SHOWN_DAYS])}{more}" if days else ""
