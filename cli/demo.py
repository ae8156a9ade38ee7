"""`headwater demo`: a small company, from its mailboxes to the score, the return and the CRM.

Everything goes through the doors that a real company uses: mailboxes are read, calls are posted to
the signed webhook, the CRM's export is imported, and a live day of mail and calls follows.
"""

from time import monotonic

import typer

from cli.stack import DAGSTER, DASHBOARD, WORKER, Stack
from local.processes import Processes
from settings import Settings

_STARTED = monotonic()


def say(what: str) -> None:
    """Tell the person what is going on, with the seconds since the start."""
    typer.echo(f"[{monotonic() - _STARTED:6.1f} s] {what}")


def start_all(settings: Settings, processes: Processes) -> Settings:
    """Start the whole local stack and wait until it serves; return the settings that reach it."""
    stack = Stack(settings, processes)
    reached = stack.start_warehouse()
    say("warehouse: serving, tables up to date")
    stack.start_worker()
    stack.start_dashboard()
    stack.start_dagster()
    stack.wait_ready(WORKER, DASHBOARD, DAGSTER)
    tell_addresses(reached)
    return reached


def tell_addresses(settings: Settings) -> None:
    """Say where the pages are."""
    say(f"dashboard: http://127.0.0.1:{settings.dashboard_port}")
    say(f"Dagster:   http://127.0.0.1:{settings.dagster_port}")
