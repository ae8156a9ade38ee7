"""What a person may ask of the platform, one function a command.

The rooms are imported inside the commands: `headwater --help` answers at once.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from cli import app
from cli.acts import proposals
from cli.ingest import ingest
from cli.match import match
from cli.source import source
from contracts.clock import SystemClock
from contracts.errors import UserError
from settings import Settings, load

app.add_typer(source, name="source", help="Sources that others write.")
app.add_typer(ingest, name="ingest", help="Bring in mail, calls, or a CRM export.")
app.add_typer(match, name="match", help="Explain and choose matches; try a change of the rules.")
app.add_typer(proposals, name="proposals", help="People whom the CRM lacks: list, accept, dismiss.")

Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]


@app.command()
def up(home: Home = None) -> None:
    """Start the local stack: warehouse, worker, Dagster and the dashboard, until Ctrl-C."""
    from cli.demo import say, start_all
    from local.processes import Processes

    settings = load(home)
    processes = Processes(settings.home, say)
    try:
        with processes.stopped_at_the_end():
            start_all(settings, processes)
            say("serving; Ctrl-C stops everything")
            processes.run_until_stopped()
    except KeyboardInterrupt:
        typer.echo("stopped")


@app.command()
def demo(
    home: Home = None,
    *,
    once: Annotated[bool, typer.Option(help="End by itself; the last line is JSON.")] = False,
) -> None:
    """Show a simulated company, from its mailboxes to the score, the return and the CRM."""
    from cli.demo import show

    show(load(home), once=once)


@app.command()
def migrate(home: Home = None) -> None:
    """Bring the warehouse's tables up to date."""
    from cli.stack import local_stack
    from warehouse.migrate import status

    with local_stack(load(home), worker=False) as settings:
        for line in status(settings.warehouse_url, settings.warehouse_cluster):
            typer.echo(line)


@app.command()
def compute(
    home: Home = None,
    *,
    write_back: Annotated[
        bool, typer.Option("--write-back", help="Write to the CRM as well, as is done every hour.")
    ] = False,
) -> None:
    """Compute scores, returns, the plan and the marts now, before the schedules do."""
    from cli.stack import local_stack
    from contracts.errors import HeadwaterError
    from orchestration.run import materialize

    started = monotonic()
    with local_stack(load(home), worker=False) as settings:
        failed = materialize(settings, job_name="everything" if write_back else "figures")
    if failed:
        raise HeadwaterError("\n".join((*failed, "What does not hang on that is computed")))
    typer.echo(f"computed in {monotonic() - started:.0f} s")


@app.command()
def replay(
    home: Home = None,
    reason: Annotated[str, typer.Option(help="Only dead letters with this reason.")] = "",
    source: Annotated[str, typer.Option(help="Only dead letters of this source.")] = "",
) -> None:
    """Send dead letters again, as they were."""
    from cli.stack import local_stack
    from ingest.replay import replay as replay_dead_letters

    with local_stack(load(home), worker=True) as settings:
        sent = asyncio.run(replay_dead_letters(settings, reason=reason, source=source))
    typer.echo(f"{sent} dead letters sent again; those that fail again will be listed again")


@app.command()
def status(
    home: Home = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what runs, how fresh the data is, and what waits."""
    from cli.status import render, taken

    typer.echo(render(taken(load(home)), as_json=as_json))


@app.command()
def backup(folder: Path, home: Home = None) -> None:
    """Copy the warehouse and the local log into a new folder."""
    from cli.stack import local_stack
    from warehouse.backup import backup as back_up

    with local_stack(load(home), worker=False) as settings:
        manifest = back_up(settings.warehouse_url, folder)
        _log_backup(settings, folder)
    typer.echo(f"{manifest.rows} rows of {len(manifest.tables)} tables are in {folder}")


@app.command()
def restore(
    folder: Path,
    home: Home = None,
    *,
    force: Annotated[bool, typer.Option(help="Even into a warehouse that holds rows.")] = False,
) -> None:
    """Bring a backup back into an empty warehouse."""
    from cli.stack import local_stack
    from contracts.clock import SystemClock
    from ingest.restored import erase_restored
    from warehouse.backup import restore as bring_back

    with local_stack(load(home), worker=False) as settings:
        manifest = bring_back(
            settings.warehouse_url, folder, force=force, cluster=settings.warehouse_cluster
        )
        again = erase_restored(settings, SystemClock())
    typer.echo(f"{manifest.rows} rows of {len(manifest.tables)} tables are back")
    if again:
        typer.echo(f"{again} people who were erased are erased again")


@app.command()
def simulate(  # noqa: PLR0913, PLR0917 one argument an option
    out: Annotated[Path, typer.Option(help="A new folder.")],
    form: Annotated[str, typer.Option(help="panel, activities or messages.")] = "activities",
    reps: Annotated[int, typer.Option(help="How many people sell.")] = 40,
    years: Annotated[float, typer.Option(help="Of history.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 1,
    scenario: Annotated[Path | None, typer.Option(help="Knobs in TOML.")] = None,
    stream: Annotated[
        float | None,
        typer.Option(help="The history ends now; then messages come, so many a second."),
    ] = None,
    messages: Annotated[
        int | None, typer.Option(help="How many come in a stream; without end if not said.")
    ] = None,
) -> None:
    """Make a company whose truth is known: panels, activities, or mail and calls."""
    from cli.simulate import Stream, ordered
    from cli.simulate import simulate as make_company

    live = Stream(stream, messages) if stream is not None else None
    make_company(form, ordered(reps, years, seed, scenario), out, live)


@app.command()
def audit(
    investment: Annotated[str, typer.Argument(help="The id of an investment.")] = "",
    home: Home = None,
    out: Annotated[Path | None, typer.Option(help="A new folder.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="As it was judged by then (UTC); else the newest.")
    ] = None,
    recompute: Annotated[
        Path | None, typer.Option(help="Recompute such a folder; ends with 1 where it differs.")
    ] = None,
) -> None:
    """Write a judgement with its panel into a folder, or recompute such a folder offline."""
    from cli import audit as audits

    if recompute is not None:
        audits.report(audits.recompute(recompute), recompute)
        return
    if not investment or out is None:
        raise UserError("say `headwater audit INVESTMENT --out FOLDER`, or `--recompute FOLDER`")
    moment = as_of.replace(tzinfo=UTC) if as_of else SystemClock().now()
    _write_audit(load(home), investment, moment, out)


def _write_audit(settings: Settings, investment: str, as_of: datetime, out: Path) -> None:
    from cli import audit as audits
    from cli.stack import local_stack
    from warehouse.reader import Reader

    with local_stack(settings, worker=False) as reached:
        reader = Reader(reached.warehouse_url)
        verdict = audits.write_pack(reader, investment, as_of, out)
        reader.close()
    typer.echo(f"{investment}: {verdict.replace('_', ' ')}; the audit is in {out}")


def _log_backup(settings: Settings, folder: Path) -> None:
    from local.log.store import Log

    log = settings.log_path
    if log and log.exists():
        Log(log).backup(folder / "log.db")
