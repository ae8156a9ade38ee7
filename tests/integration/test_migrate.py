"""Migrations: applied once, in order, repeatable, and only in a warehouse that is ours."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.crm_rows import OpportunityRow
from contracts.errors import Fatal, Retryable, UserError
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse import migrate as migrations
from warehouse.connection import connect
from warehouse.engagement import build
from warehouse.migrate import HISTORY_TABLE, OWNED, migrate, status, version
from warehouse.reader import Reader

pytestmark = pytest.mark.warehouse

NAMES = [file.stem for file in sorted(migrations.MIGRATIONS.glob("*.sql"))]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    with serving(tmp_path_factory.mktemp("fresh")) as (address, _):
        yield url_of(address)


@pytest.fixture
def fresh(served: SecretStr) -> SecretStr:
    """A warehouse that nobody has migrated."""
    run(served, *(f"DROP DATABASE IF EXISTS {name} SYNC" for name in reversed(OWNED)))
    return served


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations as they are, in a folder of the test's own."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.MIGRATIONS, folder)
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    return folder


def run(url: SecretStr, *statements: str) -> None:
    client = connect(url)
    for statement in statements:
        client.execute(statement)
    client.disconnect()


def schema(url: SecretStr) -> list[tuple[str, ...]]:
    frame = Reader(url).frame(
        "SELECT database, name, create_table_query FROM system.tables "
        "WHERE database IN %(owned)s ORDER BY database, name",
        {"owned": OWNED},
    )
    return list(frame.itertuples(index=False, name=None))


def test_every_migration_is_applied_once_and_in_order(fresh: SecretStr) -> None:
    assert status(fresh) == [f"{name}: pending" for name in NAMES]
    assert version(fresh) == 0
    assert migrate(fresh) == NAMES
    assert migrate(fresh) == []
    assert status(fresh) == [f"{name}: applied" for name in NAMES]
    assert version(fresh) == int(NAMES[-1].split("_")[0])


_OLD_ROWS = """
INSERT INTO raw.account (account_id, name, domains, source, knowable_at)
    SELECT 'acme', 'Acme', ['acme.example'], 'csv', '2026-01-01';
INSERT INTO raw.opportunity (opportunity_id, account_id, name, source, knowable_at)
    SELECT 'd1', 'acme', 'Line 3', 'csv', '2026-01-01';
INSERT INTO raw.activity (activity_id, channel, direction, event_time, time_quality, knowable_at,
    participant_address, participant_name, participant_role, participant_is_ours)
    SELECT toUUID('00000000-0000-0000-0000-000000000001'), 'email', 'inbound', '2026-11-01',
    'stated', '2026-11-01', ['jo@acme.example', 'kim@our.example'], ['Jo Lee', 'Kim'],
    ['from', 'to'], [false, true];
INSERT INTO raw.match (activity_id, decided_by, matched_at, account_id, rule)
    SELECT toUUID('00000000-0000-0000-0000-000000000001'), 'rule', '2026-11-01', 'acme', 'domain';
INSERT INTO raw.sighting (source, external_id, observer, held_at, received_at)
    SELECT 'imap:x', '1', 'kim', '2026-11-01', '2026-11-02';
INSERT INTO raw.provider_count (source, observer, held_on, held, counted_until)
    SELECT 'imap:x', 'kim', '2026-11-01', 3, '2026-11-03'
"""
_ANSWERS = """
SELECT account_id, round(score, 9)
    FROM live.engagement(as_of = '2026-11-10', weights_version = 'v1');
SELECT source, held, stored, missing FROM live.completeness;
SELECT account_id, active_buyers, unknown_buyers, activities, unknown_activities
    FROM live.capture_gap_account(as_of = '2026-11-10', days = 90);
SELECT address, name, activities FROM live.contact_proposal(as_of = '2026-11-10', days = 90)
"""


def test_a_warehouse_with_data_of_an_older_version_answers_as_before(
    fresh: SecretStr, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {file: file.read_text() for file in files.glob("*.sql") if file.name > "0011"}
    for file in later:
        file.unlink()
    with monkeypatch.context() as older:
        older.setattr(migrations, "_fill_free_mail", lambda _: None)
        assert migrate(fresh)[-1].startswith("0010")
    run(fresh, *_OLD_ROWS.split(";"))
    before = answers(fresh)
    assert all(before), "each question has something to answer"
    for file, text in later.items():
        file.write_text(text)
    assert migrate(fresh) == sorted(file.stem for file in later)
    assert answers(fresh) == before
    build(fresh, timedelta())
    assert answers(fresh) == before
    (deal,) = Reader(fresh).rows(OpportunityRow, "SELECT * FROM raw.opportunity FINAL")
    assert (deal.name, deal.products, deal.quote_numbers) == ("Line 3", (), ())


def answers(url: SecretStr) -> list[list[tuple[object, ...]]]:
    client = connect(url)
    found = [client.execute(question) for question in _ANSWERS.split(";")]
    client.disconnect()
    return found


def test_views_keep_their_parameters(fresh: SecretStr) -> None:
    migrate(fresh)
    created = {(database, name): sql for database, name, sql in schema(fresh)}
    assert "{as_of:DateTime64(6, 'UTC')}" in created["live", "engagement"]
    assert "{weights_version:String}" in created["live", "engagement"]


def test_a_migration_that_was_cut_off_is_repeated(fresh: SecretStr) -> None:
    """However far each got: all was run, nothing was recorded."""
    migrate(fresh)
    before = schema(fresh)
    run(fresh, f"TRUNCATE TABLE raw.{HISTORY_TABLE}")
    assert migrate(fresh) == NAMES
    assert schema(fresh) == before
    weights = "SELECT count() FROM ml.engagement_weight FINAL"
    assert Reader(fresh).value(weights) == 5


def test_a_failed_migration_is_told_and_those_before_it_stay(fresh: SecretStr, files: Path) -> None:
    (files / "0099_wrong.sql").write_text("CREATE TABLE raw.wrong (a Nonsense) ENGINE = Memory;")
    with pytest.raises(Fatal, match=r"migration 99 failed: .*Nonsense"):
        migrate(fresh)
    assert status(fresh) == [f"{name}: applied" for name in NAMES] + ["0099_wrong: pending"]
    (files / "0099_wrong.sql").write_text("CREATE TABLE raw.wrong (a String) ENGINE = Memory;")
    assert migrate(fresh) == ["0099_wrong"]


def test_a_cluster_that_the_warehouse_does_not_know_is_told_and_nothing_is_made(fresh):
    with pytest.raises(Fatal, match=r"migration 1 failed: .*cluster 'main' not found"):
        migrate(fresh, cluster="main")
    assert schema(fresh) == []


def test_two_that_migrate_at_once_do_each_other_no_harm(fresh: SecretStr) -> None:
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrate, [fresh, fresh]))
    assert NAMES in applied
    assert status(fresh) == [f"{name}: applied" for name in NAMES]
    assert Reader(fresh).value("SELECT count() FROM ml.engagement_weight FINAL") == 5


def test_an_edited_migration_is_refused(fresh: SecretStr, files: Path) -> None:
    migrate(fresh)
    edited = files / f"{NAMES[1]}.sql"
    edited.write_text(edited.read_text() + "-- an afterthought\n")
    with pytest.raises(Fatal, match="migration 2 was edited after it was applied: put the file"):
        migrate(fresh)


def test_a_newer_warehouse_is_refused(fresh: SecretStr, files: Path) -> None:
    (files / "0099_newer.sql").write_text(
        "CREATE TABLE IF NOT EXISTS raw.n (a String) ENGINE = Log"
    )
    migrate(fresh)
    (files / "0099_newer.sql").unlink()
    with pytest.raises(Fatal, match="has migration 99, which this version does not know"):
        migrate(fresh)


@pytest.mark.parametrize("database", OWNED)
def test_a_warehouse_of_somebody_else_is_refused_and_left_alone(
    fresh: SecretStr, database: str
) -> None:
    run(
        fresh,
        f"CREATE DATABASE {database}",
        f"CREATE TABLE {database}.activity (theirs String) ENGINE = MergeTree ORDER BY theirs",
    )
    before = schema(fresh)
    with pytest.raises(Fatal, match=rf"not Headwater's \({database}.activity\).*of its own"):
        migrate(fresh)
    assert schema(fresh) == before


def test_without_a_warehouse_the_error_says_what_to_do() -> None:
    with pytest.raises(UserError, match="`headwater up`, or set HEADWATER_WAREHOUSE_URL"):
        migrate(SecretStr(""))
    with pytest.raises(UserError, match="HEADWATER_WAREHOUSE_URL is not of the form"):
        status(SecretStr("postgres://somewhere"))
    with pytest.raises(Retryable, match="the warehouse does not answer"):
        migrate(SecretStr("clickhouse://headwater:pw@127.0.0.1:9"))


def test_what_is_heard_is_on_the_disk_when_an_insert_returns(migrated_warehouse: SecretStr) -> None:
    unsynced = Reader(migrated_warehouse).frame(
        "SELECT name FROM system.tables WHERE database = 'raw' AND name != %(history)s AND NOT "
        "engine_full LIKE '%%fsync_after_insert = 1, fsync_part_directory = 1%%'",
        {"history": HISTORY_TABLE},
    )
    assert list(unsynced["name"]) == []


@pytest.mark.parametrize("file", sorted(migrations.MIGRATIONS.glob("*.sql")), ids=lambda f: f.stem)
def test_every_create_can_be_repeated(file: Path) -> None:
    creates = re.findall(r"^CREATE .*", file.read_text(), re.MULTILINE)
    repeatable = r"CREATE (TABLE|DATABASE) IF NOT EXISTS|CREATE OR REPLACE VIEW"
    assert [line for line in creates if not re.match(repeatable, line)] == []
