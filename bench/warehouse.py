"""How fast the local warehouse takes rows in, answers the live views, and is copied out and in.

`python -m bench.warehouse` writes `bench/results/warehouse.json`. Rates are the best of three.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic, process_time, sleep
from uuid import uuid4

from pydantic import SecretStr

from bench.events import NOW, WORDS, EventRow, create_table, events
from bench.figures import Figure, measured, record
from contracts.crm_rows import AccountRow
from contracts.rows import ActivityRow, MatchRow, Row, SightingRow
from local.clickhouse.launch import address, server_command
from warehouse.backup import backup, restore
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

COMMAND = "python -m bench.warehouse"
ROWS = 100_000
ACTIVITIES = 100_000
ACCOUNTS = 1_000
RANDOM = Random(7)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        home = Path(folder)
        with _serving(home / "first") as url, _serving(home / "second") as second:
            figures = [*_written(url), *_asked(url), *_copied(url, second, home / "backup")]
    for figure in figures:
        print(figure.metric, figure.value, figure.unit)
    print(record("warehouse", figures))


def _written(url: SecretStr) -> Iterator[Figure]:
    _make_table(url)
    writer = Writer(url)
    sent = list(events(ROWS))
    for batch in (2_000, 10_000):
        cpu = process_time()
        rate = max(_rate(writer, sent, batch) for _ in range(3))
        spent = (process_time() - cpu) / (3 * ROWS) * 1e6
        what = f"rows of 20 columns written, {batch:,} a batch"
        yield measured(what, rate, "rows/s", COMMAND)
        yield measured(f"{what}: CPU of the writing process", spent, "us/row", COMMAND)
    writer.close()


def _rate(writer: Writer, rows: Sequence[Row], batch: int) -> float:
    started = monotonic()
    for start in range(0, len(rows), batch):
        writer.write(rows[start : start + batch])
    return len(rows) / (monotonic() - started)


def _asked(url: SecretStr) -> Iterator[Figure]:
    writer, reader = Writer(url), Reader(url)
    writer.write([_account(number) for number in range(ACCOUNTS)])
    held = 0
    for activities in (ACTIVITIES // 10, ACTIVITIES):
        while held < activities:
            rows = [_activity() for _ in range(min(10_000, activities - held))]
            writer.write([row for one in rows for row in (one, _sighting(one), _match(one))])
            held += len(rows)
        for what, sql in _QUESTIONS.items():
            milliseconds = min(_milliseconds(reader, sql) for _ in range(3))
            yield measured(f"{what}, {activities:,} activities", milliseconds, "ms", COMMAND)
    writer.close()
    reader.close()


_QUESTIONS = {
    f"live.engagement of {ACCOUNTS:,} accounts": """
        SELECT * FROM live.engagement(as_of = %(now)s, weights_version = 'v1')
    """,
    "live.engagement of one account": """
        SELECT * FROM live.engagement(as_of = %(now)s, weights_version = 'v1')
        WHERE account_id = 'A-7'
    """,
    "live.ingest_run of one run": "SELECT * FROM live.ingest_run WHERE ingest_run = 'run 7'",
}


def _copied(url: SecretStr, second: SecretStr, folder: Path) -> Iterator[Figure]:
    started = monotonic()
    manifest = backup(url, folder)
    yield measured("rows backed up", manifest.rows / (monotonic() - started), "rows/s", COMMAND)
    started = monotonic()
    restore(second, folder)
    yield measured("rows restored", manifest.rows / (monotonic() - started), "rows/s", COMMAND)
    size = sum(file.stat().st_size for file in folder.iterdir())
    yield measured("size of a backup", size / manifest.rows, "bytes/row", COMMAND)


def _milliseconds(reader: Reader, sql: str) -> float:
    started = monotonic()
    reader.frame(sql, {"now": NOW})
    return (monotonic() - started) * 1_000


def _make_table(url: SecretStr) -> None:
    client = connect(url)
    client.execute("CREATE DATABASE bench")
    client.execute(create_table(EventRow.table))
    client.disconnect()


def _activity() -> ActivityRow:
    at = _moment()
    return ActivityRow(
        activity_id=uuid4(),
        channel="email",
        direction=RANDOM.choice(("inbound", "outbound")),
        event_time=at,
        time_quality="stated",
        knowable_at=at,
        received_at=at,
        source="imap:mail.example.com/kim",
        message_id=f"<{uuid4()}@acme.example>",
        thread_id=f"<{uuid4()}@acme.example>",
        subject=_text(6),
        body=_text(120),
        duration_seconds=0,
        is_automatic=False,
        participant_address=(f"person{RANDOM.randrange(5_000)}@acme.example", "kim@ourco.example"),
        participant_name=("", "Kim"),
        participant_role=("from", "to"),
        participant_is_ours=(False, True),
    )


def _sighting(of: ActivityRow) -> SightingRow:
    return SightingRow(
        source=of.source,
        external_id=str(of.activity_id),
        ingest_run=f"run {RANDOM.randrange(20)}",
        kind="mail",
        observer="kim",
        disposition="activity",
        reason="",
        activity_id=of.activity_id,
        event_time=of.event_time,
        received_at=of.received_at,
    )


def _match(of: ActivityRow) -> MatchRow:
    account = f"A-{RANDOM.randrange(ACCOUNTS)}"
    return MatchRow(
        activity_id=of.activity_id,
        decided_by="rule",
        matched_at=of.received_at,
        account_id=account,
        contact_id="",
        rule="domain",
        reason="acme.example",
        candidate_account_id=(account,),
        rule_version=1,
        crm_version=NOW,
    )


def _account(number: int) -> AccountRow:
    return AccountRow(account_id=f"A-{number}", name=_text(2), source="crm", knowable_at=NOW)


def _moment() -> datetime:
    return NOW - timedelta(microseconds=RANDOM.randrange(10**13))


def _text(words: int) -> str:
    return " ".join(RANDOM.choices(WORDS, k=words))


@contextmanager
def _serving(home: Path) -> Iterator[SecretStr]:
    with subprocess.Popen(server_command(home)) as process:
        try:
            while (served := address(home)) is None:
                assert process.poll() is None
                sleep(0.05)
            password = served.password.get_secret_value()
            url = SecretStr(f"clickhouse://headwater:{password}@{served.host}:{served.port}")
            migrate(url)
            yield url
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
