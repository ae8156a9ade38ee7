"""`headwater simulate`: makes a company whose truth is known, and tells what that took."""

import json
import resource
from pathlib import Path
from time import monotonic

import typer

from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.scenario_file import checked, read_scenario
from simulator.write import write_company

_MONTHS = 12


def simulate(
    form: str, reps: int, years: float, seed: int, scenario: Path | None, out: Path
) -> None:
    """Write a company; the last line is JSON: rows, seconds and the greatest memory."""
    started = monotonic()
    knobs = read_scenario(scenario) if scenario else checked(Scenario())
    order = Order(knobs, reps, round(years * _MONTHS), seed)
    rows = write_company(form, order, out, _progress)
    typer.echo("", err=True)
    typer.echo(f"a company of {reps} reps is in {out}; the answer is sealed in {out / 'sealed'}")
    seconds = monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"rows": rows, "seconds": round(seconds, 2), "peak_mb": round(peak, 1)}
    typer.echo(json.dumps(told))


def _progress(done: int, of: int) -> None:
    typer.echo(f"\rmonth {done} of {of}", nl=False, err=True)
