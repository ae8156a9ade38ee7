"""`headwater demo`: a simulated company, from its mailboxes to score, return and CRM.

Everything goes through the doors that a real company uses: mailboxes are read, calls are posted to
the signed webhook, the CRM's export is imported, and a live day of mail and calls follows.
"""

import asyncio
import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import typer

from cli.live_day import Freshness, LiveDay, post_call
from cli.stack import DAGSTER, DASHBOARD, FOLLOWER, WORKER, Stack, answers
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError, UserError
from ingest.bring import bring_in
from ingest.lag import lag
from ingest.source import Source
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.maildir import MaildirSource
from local.processes import Processes
from orchestration.run import materialize
from settings import Settings, load
from simulator.demo import MAIL_MONTHS, demo_order
from simulator.follow import Order, follow
from simulator.live import LiveCall, LiveMail, live_messages
from simulator.write import write_company
from warehouse.reader import Reader

_STARTED = monotonic()
_LIVE_EVENTS = 60
_LIVE_RATE_PER_SECOND = 3.0
_CALM_RATE_PER_SECOND = 0.5
_TEND_SECONDS = 0.2
_CALLS_A_POST = 100
_PATIENCE_SECONDS = 120.0

_SUMMARY = """
    SELECT
        (SELECT count() FROM raw.activity FINAL) AS activities,
        (SELECT count() FROM marts.account_engagement) AS accounts_scored,
        (SELECT count() FROM marts.investment_roi) AS investments_judged,
        (SELECT countIf(outcome = 'written') FROM raw.crm_write FINAL) AS crm_fields_written
"""


def say(what: str) -> None:
    """Tell the person what is going on, with the seconds since the start."""
    typer.echo(f"[{monotonic() - _STARTED:6.1f} s] {what}")


def start_all(settings: Settings, processes: Processes) -> None:
    """Start the whole local stack, wait until it serves, and say where."""
    stack = Stack(settings, processes)
    reached = stack.start_warehouse()
    stack.start_worker()
    stack.start_dashboard()
    stack.start_dagster()
    stack.wait_ready(WORKER, DASHBOARD, DAGSTER)
    _tell_addresses(reached)


def show(settings: Settings, *, once: bool) -> None:
    """Run the demo; with `once`, end by itself with a line of JSON."""
    processes = Processes(settings.home, say)
    try:
        with processes.stopped_at_the_end():
            summary = Demo(settings, processes).play(once=once)
    except KeyboardInterrupt:
        typer.echo("stopped")
    else:
        typer.echo(json.dumps(summary | {"seconds": round(monotonic() - _STARTED, 1)}))


class Demo:
    """One showing of the demo's company in a home of its own.

    Args:
        settings: its home is used if it is empty, or was the demo's before.
        processes: the runner of the stack.

    Raises:
        UserError: if the home holds somebody's own data.
    """

    def __init__(self, settings: Settings, processes: Processes) -> None:
        self._home = settings.home
        self._marker = settings.home / "demo.json"
        self._company = settings.home / "demo"
        self._now = SystemClock().now()
        self._processes = processes
        self._refuse_somebodys_home()

    def play(self, *, once: bool) -> dict[str, Any]:
        """Show everything; return the summary, or run until Ctrl-C."""
        first = self._write_company()
        stack = Stack(load(self._home), self._processes)
        settings = stack.start_warehouse()
        say("warehouse: serving, tables up to date")
        stack.start_worker()
        stack.wait_ready(WORKER)
        say("worker: hearing the log")
        stack.start_dashboard()
        if first:
            asyncio.run(self._bring_in_everything(settings))
            self._marker.write_text(json.dumps({"until": self._now.isoformat()}))
        stack.start_dagster()
        self._catch_up(settings)
        self._compute(settings)
        stack.wait_ready(DASHBOARD, DAGSTER)
        _tell_addresses(settings)
        filled_seconds = monotonic() - _STARTED
        stack.start_follower(self._company / "mail")
        stack.wait_ready(FOLLOWER)
        say("follower: hearing what is delivered")
        day = LiveDay(settings, self._company / "mail")
        events = live_messages(follow(self._order()), SystemClock())
        freshness = self._live(day, islice(events, _LIVE_EVENTS))
        if not once:
            self._go_on(day, events)
        return _summary(settings, freshness) | {"filled_seconds": round(filled_seconds, 1)}

    def _refuse_somebodys_home(self) -> None:
        used = any((self._home / part).exists() for part in ("warehouse", "log"))
        if used and not self._company.exists():
            raise UserError(
                f"{self._home} holds data that is not the demo's: show the demo in another home, "
                "HEADWATER_HOME=/tmp/headwater-demo, say"
            )

    def _write_company(self) -> bool:
        """Write the company's mailboxes and exports, once; return whether they are to be read."""
        if self._marker.exists():
            return False
        shutil.rmtree(self._company, ignore_errors=True)
        order = self._order()
        write_company("messages", order, self._company, lambda done, of: None)  # noqa: ARG005
        shutil.copy(self._company / "headwater.toml", self._home / "headwater.toml")
        _export_accounts(self._company / "crm", self._home / "crm_drop")
        say(
            f"a company of {order.reps} reps: the CRM of two years, mail and calls of its last "
            f"{MAIL_MONTHS} months are in {self._company}"
        )
        return True

    def _order(self) -> Order:
        """Return the company, as old as it was when it was brought in."""
        if not self._marker.exists():
            return demo_order(self._now)
        return demo_order(datetime.fromisoformat(json.loads(self._marker.read_text())["until"]))

    async def _bring_in_everything(self, settings: Settings) -> None:
        sources: Sequence[tuple[str, Source]] = (
            ("CRM export", CrmCsvSource(self._company / "crm")),
            ("mailboxes", MaildirSource(self._company / "mail")),
        )
        for name, source in sources:
            account = await bring_in(settings, source)
            say(f"{name}: {account}")
        say(f"call log: {await self._post_calls(settings)} calls and meetings posted, signed")

    async def _post_calls(self, settings: Settings) -> int:
        calls = [json.loads(line) for line in (self._company / "calls.jsonl").open()]
        async with httpx.AsyncClient(timeout=30) as client:
            for start in range(0, len(calls), _CALLS_A_POST):
                batch = calls[start : start + _CALLS_A_POST]
                await post_call(client, settings, batch, SystemClock())
        return len(calls)

    def _catch_up(self, settings: Settings) -> None:
        """Wait for what the log holds, of a showing before too: it is to be in the numbers."""
        waiting, moved_at = 0, monotonic()
        while left := lag(settings):
            if left != waiting:
                waiting, moved_at = left, monotonic()
            elif monotonic() - moved_at > _PATIENCE_SECONDS:
                raise HeadwaterError(
                    f"the worker has carried out none of {left} messages for "
                    f"{_PATIENCE_SECONDS:.0f} s: {self._home / 'logs' / 'worker.log'} says why"
                )
            self._processes.tend()
            sleep(_TEND_SECONDS)

    def _compute(self, settings: Settings) -> None:
        say("computing scores, returns and marts")
        if failed := materialize(settings):
            raise HeadwaterError("\n".join(failed))
        say("computed, and written back to the CRM")

    def _live(self, day: LiveDay, events: Iterable[LiveMail | LiveCall]) -> Freshness:
        say(f"a live day: {_LIVE_EVENTS} e-mails and calls, as they happen")
        asyncio.run(day.run(events, _LIVE_RATE_PER_SECOND))
        freshness = day.freshness()
        say(
            f"sent to visible: {freshness.p50_seconds:.2f} s in half of the cases, "
            f"{freshness.p99_seconds:.2f} s in 99 of 100"
        )
        return freshness

    def _go_on(self, day: LiveDay, events: Iterable[LiveMail | LiveCall]) -> None:
        """Keep the live day going until Ctrl-C."""
        say("the live day goes on; Ctrl-C stops everything")

        async def go_on() -> None:
            living = asyncio.create_task(day.run(events, _CALM_RATE_PER_SECOND))
            while not living.done():
                self._processes.tend()
                await asyncio.sleep(_TEND_SECONDS)
            await living

        asyncio.run(go_on())


def _export_accounts(crm: Path, drop: Path) -> None:
    """Put the CRM's accounts, as they are now, where the write-back reads them."""
    drop.mkdir(exist_ok=True)
    with (crm / "accounts.csv").open(newline="", encoding="utf-8-sig") as file:
        versions = sorted(csv.DictReader(file), key=lambda version: version["changed_at"])
    newest = {version["account_id"]: version for version in versions}
    with (drop / "accounts.csv").open("w", newline="", encoding="utf-8") as file:
        export = csv.DictWriter(file, ["account_id", "name", "website"], extrasaction="ignore")
        export.writeheader()
        export.writerows(
            newest_one for newest_one in newest.values() if newest_one["is_deleted"] != "true"
        )


def _tell_addresses(settings: Settings) -> None:
    say(f"dashboard: http://127.0.0.1:{settings.dashboard_port}")
    say(f"Dagster:   http://127.0.0.1:{settings.dagster_port}")


def _summary(settings: Settings, freshness: Freshness) -> dict[str, Any]:
    counts = Reader(settings.warehouse_url).frame(_SUMMARY).iloc[0]
    return {str(name): int(count) for name, count in counts.items()} | {
        "freshness_p50_s": round(freshness.p50_seconds, 3),
        "freshness_p99_s": round(freshness.p99_seconds, 3),
        "dashboard": _asked(answers(f"http://127.0.0.1:{settings.dashboard_port}/")),
        "dagster": _asked(_dagster_lists_assets(settings)),
    }


def _asked(fine: bool) -> str:  # noqa: FBT001 a yes or a no is what it is about
    return "ok" if fine else "does not answer"


def _dagster_lists_assets(settings: Settings) -> bool:
    query = {"query": "{ assetNodes { assetKey { path } } }"}
    url = f"http://127.0.0.1:{settings.dagster_port}/graphql"
    try:
        answer = httpx.post(url, json=query, timeout=30).json()
    except (httpx.HTTPError, ValueError):
        return False
    paths = [node["assetKey"]["path"] for node in answer.get("data", {}).get("assetNodes", [])]
    return ["marts", "investment_roi"] in paths
