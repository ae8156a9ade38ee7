"""`headwater simulate`: makes a company whose truth is known, and tells what that took."""

import json
import resource
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

import typer

from contracts.clock import SystemClock
from contracts.errors import UserError
from simulator.demo import ending
from simulator.follow import Order, follow
from simulator.live import LiveMail, deliver_mail, live_messages
from simulator.scenario import Scenario
from simulator.scenario_file import checked, read_scenario
from simulator.write import write_company

_MONTHS = 12


@dataclass(frozen=True)
class Stream:
    """How messages come: so many a second; so many of them, or without end.

    Raises:
        UserError: if none would ever come.
    """

    rate: float
    count: int | None = None

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise UserError(f"{self.rate} messages a second are none: stream at a rate above 0")


def ordered(reps: int, years: float, seed: int, scenario: Path | None) -> Order:
    """Return which company is wanted; the default scenario where none is named."""
    knobs = read_scenario(scenario) if scenario else checked(Scenario())
    return Order(knobs, reps, round(years * _MONTHS), seed)


def simulate(form: str, order: Order, out: Path, stream: Stream | None) -> None:
    """Write a company; the last line is JSON: rows, seconds and the greatest memory.

    Args:
        form: `panel`, `activities` or `messages`.
        order: which company.
        out: a new folder.
        stream: how it lives on after its history, which then ends now; not at all if None.

    Raises:
        UserError: as `write_company`, or if something else than messages is to be streamed.
    """
    if stream and form != "messages":
        raise UserError(f"only messages can be streamed: ask for them instead of {form}")
    started, clock = monotonic(), SystemClock()
    if stream:
        now = clock.now()
        order = replace(order, scenario=ending(order.scenario, now, order.months), until=now)
    rows = write_company(form, order, out, _progress)
    typer.echo("", err=True)
    typer.echo(f"a company of {order.reps} reps is in {out}; the answer is in {out / 'sealed'}")
    if stream:
        rows += _live_on(order, out, stream)
    seconds = monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"rows": rows, "seconds": round(seconds, 2), "peak_mb": round(peak, 1)}
    typer.echo(json.dumps(told))


def _live_on(order: Order, out: Path, stream: Stream) -> int:
    """Deliver messages as they happen until there are enough, or Ctrl-C; return how many."""
    typer.echo(f"{stream.rate:g} messages a second follow; Ctrl-C ends them", err=True)
    done = 0
    due = monotonic()
    with (out / "calls.jsonl").open("a", encoding="utf-8") as calls, suppress(KeyboardInterrupt):
        for message in islice(live_messages(follow(order), SystemClock()), stream.count):
            if isinstance(message, LiveMail):
                deliver_mail(out / "mail", message)
            else:
                calls.write(json.dumps(message.payload) + "\n")
                calls.flush()
            done += 1
            due = max(due + 1 / stream.rate, monotonic())
            sleep(due - monotonic() if due > monotonic() else 0)
    return done


def _progress(done: int, of: int) -> None:
    typer.echo(f"\rmonth {done} of {of}", nl=False, err=True)
