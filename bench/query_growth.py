"""How the dashboard's questions slow down as activities grow, on the local warehouse.

`python -m bench.query_growth [MILLIONS ...]` makes that many activities in the warehouse itself (1,
10 and 50 million unless said), builds what they count for the score as Dagster does every quarter
of an hour, asks each question ten times, or for twenty seconds, and writes
`bench/results/query_growth.json`. Fifty million need some 10 GB of disk.

Beside the time of an answer stands the processor time that the warehouse spent on it: where other
work shares the machine, that is the figure to compare.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from pydantic import SecretStr

from bench.figures import Figure, measured, record
from bench.spent import cpu_seconds
from bench.throughput.course import warehouse
from contracts.errors import HeadwaterError
from contracts.rows import ENGAGEMENT_WEIGHTS
from dashboard import queries
from warehouse.connection import connect
from warehouse.engagement import build
from warehouse.migrate import migrate
from warehouse.reader import Reader

COMMAND = "python -m bench.query_growth"
MILLION = 1_000_000
SIZES = (1, 10, 50)
ACCOUNTS = 5_000
LATELY = 300
"""Activities since the last building: of half an hour, where there are ten million in two years."""
RUNS = 10
ENOUGH_SECONDS = 20
AIM_MS = 2_000
AIM_MILLIONS = 10
BYTES_AN_ACTIVITY = 250
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

QUESTIONS = {
    "freshness": queries.FRESHNESS,
    "figures of the live page": queries.FIGURES,
    "newest activities": queries.NEWEST,
    "ranking of accounts": queries.RANKING,
    "score of one account": queries.SCORE,
    "components of one account": queries.COMPONENTS,
    "evidence of one account": queries.EVIDENCE,
}
PARAMS: Mapping[str, str | int] = {
    "now": queries.moment(NOW),
    "as_of": queries.moment(NOW),
    "before": queries.moment(NOW - timedelta(days=7)),
    "today": queries.moment(NOW.replace(hour=0)),
    "weights": ENGAGEMENT_WEIGHTS,
    "account_id": "A-7",
    "limit": 50,
}

_ACCOUNTS = f"""
    INSERT INTO raw.account (account_id, name, source, knowable_at)
    SELECT 'A-' || toString(number), 'Account ' || toString(number), 'crm', toDateTime64(
        '2020-01-01 00:00:00', 6, 'UTC')
    FROM numbers({ACCOUNTS})
"""
_NUMBERED = f"""
    SELECT
        number,
        reinterpretAsUUID(sipHash128(number)) AS id,
        toDateTime64('{NOW:%Y-%m-%d %H:%M:%S}', 6, 'UTC')
            - toIntervalSecond(cityHash64(number, 1) % (730 * 86400)) AS at,
        cityHash64(number, 2) % {ACCOUNTS} AS account,
        cityHash64(number, 3) % 10 AS person
    FROM numbers({{start}}, {{count}})
"""
_ACTIVITIES = f"""
    INSERT INTO raw.activity (
        activity_id, channel, direction, event_time, time_quality, knowable_at, received_at, source,
        message_id, thread_id, subject, body, duration_seconds, is_automatic,
        participant_address, participant_name, participant_role, participant_is_ours)
    SELECT
        id,
        ['email', 'email', 'email', 'email', 'call', 'meeting'][1 + number % 6],
        ['inbound', 'outbound'][1 + cityHash64(number, 4) % 2],
        at, 'stated', at, at, 'imap:mail.example.com/kim',
        '<' || toString(number) || '@acme.example>', '<' || toString(number % 100000) || '@acme>',
        'Subject ' || toString(number % 1000), '', 600 * (number % 4), number % 20 = 0,
        ['person' || toString(person) || '@a' || toString(account) || '.example', 'kim@o.example'],
        ['', 'Kim'], ['from', 'to'], [false, true]
    FROM ({_NUMBERED})
"""
_SIGHTINGS = f"""
    INSERT INTO raw.sighting (
        source, external_id, ingest_run, kind, observer, disposition, activity_id, event_time,
        received_at, is_live)
    SELECT
        'imap:mail.example.com/kim', toString(number), 'bench', 'mail', 'kim', 'activity', id, at,
        now64(6), true
    FROM ({_NUMBERED})
"""
_MATCHES = f"""
    INSERT INTO raw.match (
        activity_id, decided_by, matched_at, account_id, contact_id, rule, reason,
        candidate_account_id, rule_version, crm_version)
    SELECT
        id, 'rule', at, 'A-' || toString(account), '', 'domain', 'acme.example', [], 1, at
    FROM ({_NUMBERED})
"""
_MERGING = "SELECT count() FROM system.merges"


class Took(NamedTuple):
    """What an answer cost, in milliseconds: of the clock, and of the warehouse's processor."""

    wall: float
    cpu: float


def main(sizes: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        free = shutil.disk_usage(folder).free
        assert free > 3 * max(sizes) * MILLION * BYTES_AN_ACTIVITY, f"{free:,} bytes are too few"
        with warehouse(Path(folder)) as (url, pid):
            migrate(url)
            connect(url).execute(_ACCOUNTS)
            figures = list(_grown(url, pid, sizes))
    print(record("query_growth", figures))


def _grown(url: SecretStr, pid: int, sizes: tuple[int, ...]) -> Iterator[Figure]:
    held, before = 0, dict.fromkeys(QUESTIONS, Took(0, 0))
    for size in sizes:
        for million in range(held, size):
            _add(url, million * MILLION, MILLION)
        spent = cpu_seconds(pid)
        built = build(url, settled=timedelta())
        _add(url, size * MILLION, LATELY)  # of the next million: there once, heard again then
        what = f"building the facts, {size} million activities"
        yield measured(
            f"{what}: CPU an activity", (cpu_seconds(pid) - spent) / built * 1e6, "µs", COMMAND
        )
        held = size
        for name, sql in QUESTIONS.items():
            took = _asked(url, pid, sql)
            for figure in _figures(name, size, took, before[name], size / sizes[0]):
                print(figure.metric, figure.value, figure.unit, figure.met, flush=True)
                yield figure
            if size == sizes[0]:
                before[name] = _median(took)


def _figures(
    name: str, millions: int, took: list[Took], first: Took, growth: float
) -> Iterator[Figure]:
    what = f"{name}, {millions} million activities"
    if not took:
        yield measured(f"{what}: answers", 0, "", COMMAND, at_least=1)
        return
    p50, p95 = _median(took), sorted(took)[int(0.95 * len(took))]
    aim = AIM_MS if millions == AIM_MILLIONS else None
    yield measured(f"{what}: p50 of {len(took)}", p50.wall, "ms", COMMAND, at_most=aim)
    yield measured(f"{what}: p95 of {len(took)}", p95.wall, "ms", COMMAND)
    yield measured(f"{what}: CPU, p50 of {len(took)}", p50.cpu, "ms", COMMAND)
    if first.cpu:
        grew = p50.cpu / first.cpu
        yield measured(f"{what}: CPU as a multiple", grew, "", COMMAND, at_most=growth)


def _median(took: list[Took]) -> Took:
    return Took(*map(statistics.median, zip(*took, strict=True))) if took else Took(0, 0)


def _add(url: SecretStr, start: int, count: int) -> None:
    client = connect(url)
    for statement in (_ACTIVITIES, _SIGHTINGS, _MATCHES):
        client.execute(statement.format(start=start, count=count))
    client.disconnect()
    _let_merge(url)


def _let_merge(url: SecretStr) -> None:
    """Wait until parts are as they would be had the rows come in over months."""
    client = connect(url)
    while client.execute(_MERGING)[0][0] > 1:
        sleep(0.2)
    client.disconnect()


def _asked(url: SecretStr, pid: int, sql: str) -> list[Took]:
    """Return what each answer took; nothing if the warehouse can't answer."""
    reader = Reader(url)
    took: list[Took] = []
    enough = monotonic() + ENOUGH_SECONDS
    while len(took) < RUNS and monotonic() < enough:
        started, spent = monotonic(), cpu_seconds(pid)
        try:
            reader.frame(sql, PARAMS)
        except HeadwaterError as error:
            print(error, flush=True)
            break
        seconds = Took(monotonic() - started, cpu_seconds(pid) - spent)
        took.append(Took(seconds.wall * 1_000, seconds.cpu * 1_000))
    reader.close()
    return took


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
