"""What it takes to match everything that is stored again: time and memory, as activities grow.

`python -m bench.rematch [THOUSANDS ...]` puts simulated companies of so many thousand activities
(100 and 1,000 unless said) with their CRM into the local warehouse. `headwater match apply` decides
them twice: when nothing was decided before, and when every decision stands; then Dagster's asset
does, after the CRM's reps changed, which may concern all. It writes `bench/results/rematch.json`.
Each runs in a process of its own, beside which the warehouse works: both tell their processor time
and their peak of memory, the warehouse's since it was started.
"""

import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_OID, uuid5

import pyarrow.parquet as pq

from bench.figures import Figure, measured, record
from bench.spent import cpu_seconds, peak_mb
from bench.throughput.course import warehouse
from cli.match import apply
from contracts.clock import SystemClock
from contracts.company import Company
from contracts.crm_rows import OpportunityRow, RepRow
from contracts.rows import ActivityRow, Row
from contracts.wire import Event
from ingest.matching import rematch
from ingest.sources.crm_csv import CrmCsvSource
from settings import load
from simulator.follow import Order
from simulator.scenario import Scenario
from simulator.write import write_company
from transforms.colleagues import is_ours
from transforms.rows import to_rows
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

COMMAND: Final = "python -m bench.rematch"
THOUSANDS: Final = (100, 1_000)
MONTHS: Final = 36
ACTIVITIES_A_REP: Final = 3_800
"""In so many months, fewer than there are."""
TEXTS: Final = 1_000
WORDS_A_TEXT: Final = 250
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
_PAGE: Final = 10_000


class Spent(NamedTuple):
    """What work took: seconds by the clock and of the processor, and the peak of memory in MB."""

    seconds: float
    cpu: float
    peak: float


def main(thousands: Sequence[int]) -> None:
    print(record("rematch", [figure for size in thousands for figure in _of(size * 1_000)]))


def _of(activities: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as place:
        home = Path(place)
        with warehouse(home) as (url, pid):
            os.environ["HEADWATER_WAREHOUSE_URL"] = url.get_secret_value()
            _store(home, activities)
            for what, work in WORKS.items():
                before = cpu_seconds(pid)
                spent = _alone(work, home)
                served = Spent(spent.seconds, cpu_seconds(pid) - before, peak_mb(pid))
                yield from _figures(f"{what}, {activities:,} activities", activities, spent, served)


def _figures(what: str, activities: int, spent: Spent, served: Spent) -> Iterator[Figure]:
    for name, value, unit in (
        ("time", spent.seconds, "s"),
        ("CPU an activity", spent.cpu / activities * 1e6, "µs"),
        ("peak memory", spent.peak, "MB"),
        ("the warehouse's CPU an activity", served.cpu / activities * 1e6, "µs"),
        ("the warehouse's peak memory so far", served.peak, "MB"),
    ):
        figure = measured(f"{what}: {name}", value, unit, COMMAND)
        print(figure.metric, figure.value, figure.unit, flush=True)
        yield figure


def _alone(work: Callable[[Path], None], home: Path) -> Spent:
    """Return what work takes in a process of its own, started as a command is."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_spent, work, home).result()


def _spent(work: Callable[[Path], None], home: Path) -> Spent:
    own = os.getpid()
    started, before = monotonic(), cpu_seconds(own)
    work(home)
    return Spent(monotonic() - started, cpu_seconds(own) - before, peak_mb(own))


def _apply(home: Path) -> None:
    apply(home=home)


def _rematch(home: Path) -> None:
    settings = load(home)
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    writer.write(reader.rows(RepRow, "SELECT * FROM raw.rep FINAL ORDER BY rep_id LIMIT 1"))
    changed = rematch(reader, writer, settings.company, SystemClock().now(), settings.matching)
    print(f"{changed:,} decisions changed")


WORKS: Final = {
    "match apply, nothing decided before": _apply,
    "match apply, every decision stands": _apply,
    "Dagster's asset, a rep changed": _rematch,
}


# What is matched


def _store(home: Path, activities: int) -> None:
    """Put a company into the warehouse, and its settings where commands find them."""
    folder, reps = home / "company", activities // ACTIVITIES_A_REP + 1
    write_company("activities", Order(Scenario(), reps, MONTHS, 1), folder, lambda *_: None)
    shutil.copy(folder / "headwater.toml", home)
    settings = load(home)
    migrate(settings.warehouse_url)
    writer = Writer(settings.warehouse_url)
    crm = list(_crm(folder, settings.company))
    writer.write(crm)
    texts = _texts(
        sorted({p for row in crm if isinstance(row, OpportunityRow) for p in row.products})
    )
    told = pq.read_table(folder / "activities.parquet").slice(0, activities)
    assert told.num_rows == activities
    for page in told.to_batches(_PAGE):
        writer.write([_activity(row, settings.company, texts) for row in page.to_pylist()])
    writer.close()


def _crm(folder: Path, company: Company) -> Iterator[Row]:
    source = CrmCsvSource(folder / "crm")
    for heard in source.read(""):
        event = Event(
            kind="crm", source=source.name, ingest_run="run", received_at=NOW, **heard._asdict()
        )
        yield from to_rows(event, company)


def _texts(products: Sequence[str]) -> list[str]:
    """Return what mails say, half of them with the name of a product in the first sentence."""
    random = Random(1)
    words = ["".join(random.choices("aeioulnrst", k=random.randint(2, 9))) for _ in range(5_000)]
    said = (" ".join(random.choices(words, k=WORDS_A_TEXT)) for _ in range(TEXTS))
    return [
        f"Hello, about {random.choice(products)}: {text}" if number % 2 else text
        for number, text in enumerate(said)
    ]


def _activity(told: dict[str, Any], company: Company, texts: Sequence[str]) -> ActivityRow:
    """Return a row as capture writes it; a conversation's mails say the same."""
    people, is_mail = tuple(told["participants"]), told["channel"] == "email"
    activity_id = uuid5(NAMESPACE_OID, str(told["activity_id"]))
    text = texts[told["thread_id"] % TEXTS] if is_mail else ""
    return ActivityRow(
        activity_id=activity_id,
        channel=told["channel"],
        direction=told["direction"],
        event_time=told["event_time"],
        time_quality="stated",
        knowable_at=told["event_time"],
        received_at=NOW,
        source="imap:mail.example.com/kim",
        message_id=f"<{activity_id}@mail.example>" if is_mail else "",
        thread_id=str(told["thread_id"] if is_mail else activity_id),
        subject=text[:40],
        body=text,
        duration_seconds=told["duration_seconds"],
        is_automatic=told["is_automatic"],
        participant_address=people,
        participant_name=("",) * len(people),
        participant_role=("from", *("to",) * (len(people) - 1)),
        participant_is_ours=tuple(is_ours(one, company) for one in people),
    )


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or THOUSANDS)
