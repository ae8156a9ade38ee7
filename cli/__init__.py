"""The `headwater` command: assembles the rooms and says plainly what went wrong."""

import sys

import typer

from contracts.errors import HeadwaterError

app = typer.Typer(
    name="headwater",
    help="Streaming revenue intelligence: capture, scores, and where sales investments pay off.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command; an error that a person can act on is one message, not a traceback."""
    from cli import commands, completeness, privacy  # noqa: F401 they register the commands on `app`

    try:
        app()
    except HeadwaterError as error:
        typer.echo(f"headwater: {error}", err=True)
        sys.exit(1)
