"""`headwater ingest`: brings in what a user has, and ends with an account of every input."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from settings import load

if TYPE_CHECKING:
    from ingest.account import Account
    from ingest.source import Source

ingest = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print the account as one JSON object.")]
Follow = Annotated[bool, typer.Option(help="Keep watching for more until Ctrl-C.")]
Home = Annotated[
    Path | None,
    typer.Option(help="Where this machine keeps its state.", envvar="HEADWATER_HOME"),
]


@ingest.command()
def mbox(path: Path, home: Home = None, *, as_json: Json = False) -> None:
    """Bring in an mbox file."""
    from ingest.sources.mbox import MboxSource

    _bring(MboxSource(path), home, as_json=as_json)


@ingest.command()
def maildir(
    path: Path, home: Home = None, *, follow: Follow = False, as_json: Json = False
) -> None:
    """Bring in a maildir, or every maildir in a folder."""
    from ingest.sources.maildir import MaildirSource

    _bring(MaildirSource(path, follow=follow), home, as_json=as_json)


@ingest.command()
def eml(path: Path, home: Home = None, *, as_json: Json = False) -> None:
    """Bring in a mail file, or every file in a folder and its subfolders."""
    from ingest.sources.eml import EmlSource

    _bring(EmlSource(path), home, as_json=as_json)


@ingest.command()
def imap(
    url: Annotated[str, typer.Argument(help="imap[s]://USER@HOST[:PORT]")],
    home: Home = None,
    mailbox: Annotated[
        list[str] | None, typer.Option(help="Only this mailbox; repeatable.")
    ] = None,
    password: Annotated[
        str, typer.Option(envvar="HEADWATER_IMAP_PASSWORD", help="Asked for if not given.")
    ] = "",
    *,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Bring in the mailboxes of an IMAP account, from where the last run ended."""
    from ingest.sources.imap import ImapSource

    given = SecretStr(password or typer.prompt(f"Password for {url}", hide_input=True))
    source = ImapSource(url, given, mailboxes=tuple(mailbox or ()), follow=follow)
    _bring(source, home, as_json=as_json)


@ingest.command()
def api(
    url: str,
    home: Home = None,
    token: Annotated[str, typer.Option(envvar="HEADWATER_SOURCE_SECRET", help="Bearer.")] = "",
    *,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Bring in calls and meetings from a paginated JSON API, from where the last run ended."""
    from ingest.sources.json_api import JsonApiSource

    _bring(JsonApiSource(url, SecretStr(token), follow=follow), home, as_json=as_json)


@ingest.command("from")
def from_source(
    name: str,
    where: str,
    home: Home = None,
    secret: Annotated[str, typer.Option(envvar="HEADWATER_SOURCE_SECRET")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Bring in a source that others wrote: `headwater source list` names them."""
    from ingest.registry import open_source

    source = open_source(load(home).home, name, where, SecretStr(secret))
    _bring(source, home, as_json=as_json)


@ingest.command()
def calls(path: Path, home: Home = None, *, as_json: Json = False) -> None:
    """Bring in a call log: a JSON line a call, in the call webhook's form."""
    from ingest.sources.calls import CallLogSource

    _bring(CallLogSource(path), home, as_json=as_json)


@ingest.command()
def crm(path: Path, home: Home = None, *, as_json: Json = False) -> None:
    """Bring in a CRM export: a folder with accounts.csv, contacts.csv, opportunities.csv, ..."""
    from ingest.sources.crm_csv import CrmCsvSource

    _bring(CrmCsvSource(path), home, as_json=as_json)


@ingest.command()
def attendance(
    path: Path,
    home: Home = None,
    investment: Annotated[str, typer.Option(help="The investment that all of it belongs to.")] = "",
    mapping: Annotated[
        Path | None, typer.Option(help="TOML with [columns] and [courses], where names differ.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Bring in a learning system's attendance: a CSV of learner, course and day of completion."""
    from ingest.sources.attendance import AttendanceSource

    _bring(AttendanceSource(path, investment, mapping), home, as_json=as_json)


def _bring(source: "Source", home: Path | None, *, as_json: bool) -> None:
    from cli.stack import local_stack
    from ingest.bring import bring_in

    with local_stack(load(home), worker=True) as settings:
        account = asyncio.run(bring_in(settings, source, progress=_progress))
    typer.echo("", err=True)
    if account.unknown:
        typer.echo(
            f"{account.unknown:,} mails are of people whom the CRM does not know: no more than who "
            "wrote to whom and when is kept of them. Bring in the CRM, then this again",
            err=True,
        )
    typer.echo(json.dumps(account.as_dict()) if as_json else render(account))


def _progress(sent: int) -> None:
    typer.echo(f"\r{sent} sent", nl=False, err=True)


def render(account: "Account") -> str:
    """Return the account of a run as lines that add up."""
    return str(account)
