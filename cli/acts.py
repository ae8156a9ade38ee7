"""What a person decides: to whom an activity belongs, and who of the proposed is a contact."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.match import Home, match
from contracts.clock import SystemClock
from contracts.command import CommandKind
from contracts.errors import Retryable, UserError
from settings import Settings, load

if TYPE_CHECKING:
    from dashboard.acts import Act
    from warehouse.reader import Reader

proposals = typer.Typer(invoke_without_command=True)

ACTIVITY_HELP: Final = "Its id, or the Message-ID of a mail."
PATIENCE_SECONDS: Final = 60.0
_PROPOSALS: Final = """
    SELECT * FROM live.contact_proposal(as_of = %(as_of)s, days = %(days)s)
    ORDER BY activities DESC, address
    LIMIT %(limit)s
"""
_ANSWERS: Final = """
    SELECT toString(max(issued_at)) FROM raw.command FINAL
    WHERE subject_id = %(address)s AND outcome = 'done'
"""

Activity = Annotated[str, typer.Argument(help=ACTIVITY_HELP)]
Address = Annotated[str, typer.Argument(help="As it is proposed.")]
Actor = Annotated[str, typer.Option("--as", help="Under whose name; else who is logged in.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept beside the decision.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@match.command()
def explain(activity: Activity, home: Home = None, *, as_json: Json = False) -> None:
    """Show to whom an activity belongs and why: rule, margin, candidates, versions."""
    from cli import explain as why

    with _reading(home, worker=False) as (_, reader):
        found = why.explained(reader, activity)
    typer.echo(why.as_json(found) if as_json else why.render(found))


@match.command()
def choose(
    activity: Activity,
    home: Home = None,
    account: Annotated[str | None, typer.Option(help="An account's id; '' for nobody.")] = None,
    opportunity: Annotated[
        str | None, typer.Option(help="A deal's id: its account is chosen too.")
    ] = None,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Say to whom an activity belongs; no rule and no later data changes that."""
    from cli import explain as why
    from dashboard.acts import Act

    if (account is None) == (opportunity is None):
        raise UserError("say either --account ID or --opportunity ID")
    with _reading(home, worker=True) as (settings, reader):
        found = why.explained(reader, activity)
        seen = str(found["decisions"][0]["matched_at"]) if found["decisions"] else ""
        activity_id = str(found["activity"]["activity_id"])
        kind = CommandKind.CHOOSE_MATCH if opportunity is None else CommandKind.CHOOSE_OPPORTUNITY
        act = Act(kind, activity_id, account or opportunity or "", seen)
        typer.echo(_carried_out(settings, reader, act, actor, reason))


@proposals.callback()
def listed(ctx: typer.Context) -> None:
    """List the people whom the CRM lacks; accept or dismiss one."""
    if ctx.invoked_subcommand is None:
        show()


@proposals.command("list")
def show(
    home: Home = None,
    days: Annotated[int, typer.Option(help="Who took part in these past days.")] = 90,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 50,
    *,
    as_json: Json = False,
) -> None:
    """List the people whom the CRM lacks, with the evidence, most activities first."""
    told = {"as_of": SystemClock().now(), "days": days, "limit": limit}
    with _reading(home, worker=False) as (_, reader):
        found = reader.frame(_PROPOSALS, told).to_dict("records")
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    typer.echo("\n".join(map(_proposal, found)) or "the CRM knows everybody who took part")


@proposals.command()
def accept(address: Address, home: Home = None, actor: Actor = "", reason: Reason = "") -> None:
    """Take a person as a contact; add them to the CRM yourself."""
    _answer(CommandKind.ACCEPT_CONTACT, address, home, actor, reason)


@proposals.command()
def dismiss(address: Address, home: Home = None, actor: Actor = "", reason: Reason = "") -> None:
    """Propose a person no more."""
    _answer(CommandKind.DISMISS_CONTACT, address, home, actor, reason)


def _answer(kind: CommandKind, address: str, home: Path | None, actor: str, reason: str) -> None:
    from dashboard.acts import Act

    with _reading(home, worker=True) as (settings, reader):
        who = address.strip().lower()
        seen = reader.value(_ANSWERS, {"address": who})
        typer.echo(_carried_out(settings, reader, Act(kind, who, "", seen), actor, reason))


def _carried_out(settings: Settings, reader: "Reader", act: "Act", actor: str, reason: str) -> str:
    """Have the worker do it, and return what it did.

    Raises:
        UserError: if it refuses.
        Retryable: if it does not get to it; asked again, it is still done once.
    """
    from dashboard.acts import outcome, send, signed

    command = signed(act, actor or getuser(), reason, SystemClock())
    send(settings, command)
    deadline = monotonic() + PATIENCE_SECONDS
    while (found := outcome(reader, command)) is None:
        if monotonic() > deadline:
            raise Retryable(
                f"the log has it, but no worker carried it out within {PATIENCE_SECONDS:.0f} s: "
                "`headwater status` tells what waits"
            )
        sleep(0.1)
    if not found.is_done:
        raise UserError(found.detail)
    return found.detail


def _proposal(found: dict[Any, Any]) -> str:
    others = [one for one in found["addresses"] if one != found["address"]]
    also = f" (also {', '.join(others)})" if others else ""
    return (
        f"{found['activities']:>5}  {found['address']}{also}  {found['name']}, "
        f"{found['account_name']}, with {', '.join(found['with_whom'])}, last "
        f"{found['last_at']:%Y-%m-%d}"
    )


@contextmanager
def _reading(home: Path | None, *, worker: bool) -> "Iterator[tuple[Settings, Reader]]":
    from cli.stack import answers, local_stack
    from warehouse.reader import Reader

    loaded = load(home)
    is_needed = worker and not answers(f"{loaded.worker_address}/livez")
    with (
        local_stack(loaded, worker=is_needed) as settings,
        closing(Reader(settings.warehouse_url)) as reader,
    ):
        yield settings, reader
