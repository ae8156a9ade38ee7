"""`headwater simulate`: makes a company whose truth is known, and tells what that took."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import typer

from contracts.errors import UserError
from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.scenario_file import checked, read_scenario
from simulator.write import write_company

_MONTHS = 12


def ordered(reps: int, years: float, seed: int, scenario: Path | None) -> Order:
    """Return which company is wanted; the default scenario where none is named."""
    knobs = read_scenario(scenario) if scenario else checked(Scenario())
    return Order(knobs, reps, round(years * _MONTHS), seed)


def simulate(form: str, order: Order, out: Path, rate: float | None) -> None:
    """Write a company; the last line is JSON: rows, seconds and the greatest memory.

    Args:
        form: `panel`, `activities` or `messages`.
        order: which company.
        out: a new folder.
        rate: messages a second at which the last month comes, as if live; all at once if None.

    Raises:
        UserError: as `write_company`, or if the rate is not above 0.
    """
    started = monotonic()
    rows = write_company(form, order, out, _progress, _paced(rate))
    typer.echo("", err=True)
    typer.echo(f"a company of {order.reps} reps is in {out}; the answer is in {out / 'sealed'}")
    seconds = monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"rows": rows, "seconds": round(seconds, 2), "peak_mb": round(peak, 1)}
    typer.echo(json.dumps(told))


def _paced(rate: float | None) -> Callable[[], None] | None:
    """Return what waits so that it is done `rate` times a second."""
    if rate is None:
        return None
    if rate <= 0:
        raise UserError(f"{rate} messages a second are none: stream at a rate above 0")
    due = monotonic()

    def wait() -> None:
        nonlocal due
        sleep(max(due - monotonic(), 0.0))
        due = max(due, monotonic()) + 1 / rate

    return wait


def _progress(done: int, of: int) -> None:
    typer.echo(f"\rmonth {done} of {of}", nl=False, err=True)
