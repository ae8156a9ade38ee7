"""The migrations for a cluster, read by ClickHouse's own parser: no cluster runs here."""

import re
from pathlib import Path

import pytest
from clickhouse_migrations.migrator import Migrator

from tests.clickhouse_parser import formatted
from warehouse.cluster import replicated
from warehouse.migrate import MIGRATIONS

FILES = sorted(MIGRATIONS.glob("*.sql"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def migration(request: pytest.FixtureRequest) -> Path:
    return request.param


def statements(sql: str) -> list[str]:
    return formatted(Migrator.script_to_statements(sql, multi_statement=True))


def test_every_object_is_made_on_every_replica(migration):
    for statement in statements(replicated(migration.read_text(), "main")):
        verb = statement.split()[0]
        assert verb in {"CREATE", "ALTER", "DROP", "INSERT"}
        assert (" ON CLUSTER main" in statement.splitlines()[0]) == (verb != "INSERT"), statement


def test_every_table_is_replicated(migration):
    made = statements(replicated(migration.read_text(), "main"))
    tables = [statement for statement in made if statement.startswith("CREATE TABLE")]
    assert len(tables) == len(re.findall(r"^CREATE TABLE", migration.read_text(), re.MULTILINE))
    for table in tables:
        assert re.search(r"^ENGINE = Replicated\w*MergeTree\b", table, re.MULTILINE), table


def test_nothing_else_is_changed(migration):
    made = statements(replicated(migration.read_text(), "main"))
    back = [
        re.sub(r"^ENGINE = Replicated", "ENGINE = ", s.replace(" ON CLUSTER main", ""), flags=re.M)
        for s in made
    ]
    assert back == statements(migration.read_text())
