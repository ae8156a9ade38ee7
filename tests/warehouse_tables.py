"""A migrated warehouse whose tables are empty for every test."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from local.clickhouse.launch import Address
from tests.waiting import wait_until
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

OWNED = ("raw", "ml", "live")
KEPT = ("schema_version", "engagement_weight", "free_mail_domain")
REBUILT = ("staging", "marts")


def url_of(served: Address) -> SecretStr:
    """Return the URL of a local server."""
    password = served.password.get_secret_value()
    return SecretStr(f"clickhouse://headwater:{password}@{served.host}:{served.port}")


@pytest.fixture(scope="session")
def migrated_warehouse(warehouse_server: Address) -> SecretStr:
    """The session's warehouse, migrated; its rows are whoever's runs: take `warehouse_url`."""
    url = url_of(warehouse_server)
    migrate(url)
    return url


@pytest.fixture
def warehouse_url(migrated_warehouse: SecretStr) -> Iterator[SecretStr]:
    """A migrated warehouse without rows; what the test writes is gone afterwards."""
    empty(migrated_warehouse)
    yield migrated_warehouse
    empty(migrated_warehouse)


@pytest.fixture
def reader(warehouse_url: SecretStr) -> Iterator[Reader]:
    """Reads the test's warehouse."""
    reader = Reader(warehouse_url)
    yield reader
    reader.close()


@pytest.fixture
def writer(warehouse_url: SecretStr) -> Iterator[Writer]:
    """Writes to the test's warehouse."""
    writer = Writer(warehouse_url)
    yield writer
    writer.close()


def empty(url: SecretStr) -> None:
    """Take all rows out of a warehouse, and what dbt built.

    Waits for inserts under way first: the server ends them even where their client was killed.
    """
    client = connect(url)
    inserts = "SELECT query FROM system.processes WHERE query_kind = 'Insert'"
    wait_until(lambda: client.execute(inserts), [])
    filled = client.execute(
        "SELECT database, name FROM system.tables "
        "WHERE database IN %(owned)s AND name NOT IN %(kept)s AND total_rows > 0",
        {"owned": OWNED, "kept": KEPT},
    )
    for database, name in filled:
        client.execute(f"TRUNCATE TABLE {database}.{name}")
    for database in REBUILT:
        client.execute(f"DROP DATABASE IF EXISTS {database} SYNC")
    client.disconnect()
