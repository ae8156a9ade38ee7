"""The commands of privacy: erase a person, let them in again, check a receipt."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import app
from contracts.errors import UserError
from settings import load

if TYPE_CHECKING:
    from ingest.erase import Erasure

Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]
Who = Annotated[str, typer.Argument(help="An e-mail address or a phone number.")]
Reason = Annotated[str, typer.Option(help="Why; do not name the person.")]


@app.command()
def erase(
    who: Who,
    home: Home = None,
    *,
    dry_run: Annotated[bool, typer.Option(help="List what holds it; change nothing.")] = False,
    force: Annotated[bool, typer.Option(help="Even if it is abnormally much.")] = False,
    reason: Reason = "",
) -> None:
    """Erase a person from the warehouse, the log and our files; the receipt is what is printed."""
    from ingest.receipt import encode_receipt

    with _erasure(who, home, worker=not dry_run) as erasure:
        held = erasure.held()
        for place, count in held.items():
            typer.echo(f"{count:>8}  {place}", err=True)
        for other in erasure.other_addresses():
            typer.echo(f"the same contact also has {other}: erase it too", err=True)
        if dry_run:
            typer.echo("nothing was changed", err=True)
            return
        if not force:
            erasure.refuse_abnormal(held)
        typer.echo(encode_receipt(erasure.run(reason)).decode())


@app.command()
def unerase(who: Who, home: Home = None, *, reason: Reason) -> None:
    """Let an erased person be heard again from now on; what was erased stays so."""
    with _erasure(who, home, worker=False) as erasure:
        erasure.lift(reason)
        typer.echo(f"{erasure.token} may be heard again")


@app.command()
def receipt(file: Path, home: Home = None) -> None:
    """Check the receipt of an erasure: whether it is ours, and unchanged."""
    from ingest.receipt import verified
    from settings import erasure_key

    try:
        told = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file} can't be read: {error.strerror}. `headwater erase` prints the receipt, and "
            "the home keeps it in `erasures`"
        ) from error
    key = erasure_key(load(home)).get_secret_value().encode()
    checked = verified(told, key)
    typer.echo(
        f"ours, and unchanged: {checked.token} was erased at {checked.done_at:%Y-%m-%d %H:%M} UTC; "
        f"the log is clean from {checked.log_clean_on}, backups from {checked.backups_clean_on}"
    )


@contextmanager
def _erasure(who: str, home: Path | None, *, worker: bool) -> "Iterator[Erasure]":
    from cli.stack import local_stack
    from contracts.clock import SystemClock
    from ingest.erase import Erasure

    with (
        local_stack(load(home), worker=worker) as settings,
        closing(Erasure(settings, who, SystemClock())) as erasure,
    ):
        yield erasure


@app.command()
def purge(
    home: Home = None,
    *,
    dry_run: Annotated[bool, typer.Option(help="Count; change nothing.")] = False,
) -> None:
    """Take out what is stored and today's exclusions would not keep."""
    from cli.stack import local_stack
    from ingest.purge import purge as take_out

    with local_stack(load(home), worker=False) as settings:
        counts = take_out(settings, dry_run=dry_run)
    for reason, count in counts.items():
        typer.echo(f"{count:>8}  {reason}")
    typer.echo(f"{sum(counts.values())} activities {'would go' if dry_run else 'are gone'}")
