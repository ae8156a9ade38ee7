"""`headwater source`: sources that others write."""

from pathlib import Path
from typing import Annotated

import typer

from settings import load

source = typer.Typer(no_args_is_help=True)

Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]


@source.command()
def new(
    name: str,
    home: Home = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; by default `sources` in the home.")
    ] = None,
) -> None:
    """Write a source that works, and its contract test, to start from."""
    from ingest.registry import write_template

    for file in write_template(name, folder or load(home).home / "sources"):
        typer.echo(file)


@source.command("list")
def list_them(home: Home = None) -> None:
    """Name the sources that others wrote: files in the home, and installed packages."""
    from ingest.registry import names

    for name in names(load(home).home):
        typer.echo(name)
