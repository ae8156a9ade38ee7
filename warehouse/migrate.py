"""Brings the warehouse's tables up to date: numbered SQL files, each applied once, checksummed."""

from pathlib import Path
from typing import Final

from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException
from clickhouse_migrations.migrator import STATUS_MD5_MISMATCH, STATUS_UNKNOWN, StatusRow
from pydantic import SecretStr

from contracts.errors import Fatal
from warehouse.connection import connect, fates

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_HISTORY: Final = "raw"
"""The database that keeps the history of what was applied."""
_HISTORY_TABLE: Final = "schema_version"


def migrate(url: SecretStr) -> list[str]:
    """Apply what is missing, in order; return the names of what was applied.

    Safe to call again. Two at once are not: one process, the runner, migrates.

    Raises:
        Fatal: if an applied migration was edited, if the warehouse is newer than this code, or if
            it holds tables of somebody else's.
    """
    with fates("migrating"):
        _refuse_foreign(url)
        _refuse_edited(url)
        try:
            applied = _cluster(url).migrate(_HISTORY, MIGRATIONS, lock=False)
        except MigrationException as error:
            raise Fatal(f"migrating: {error}") from error
    names = {int(file.name.split("_")[0]): file.stem for file in MIGRATIONS.glob("*.sql")}
    return [names[int(migration.version)] for migration in applied or ()]


def status(url: SecretStr) -> list[str]:
    """Return a line for each migration: its name and whether it is applied."""
    with fates("asking which migrations are applied"):
        states = {int(row.version): row.state for row in _rows(url)}
    files = sorted(MIGRATIONS.glob("*.sql"))
    return [f"{file.stem}: {states.get(int(file.name.split('_')[0]), 'pending')}" for file in files]


def version(url: SecretStr) -> int:
    """Return the number of the newest migration that is applied; 0 for none."""
    with fates("asking which migrations are applied"):
        return max((int(row.version) for row in _rows(url) if row.applied_at), default=0)


def _rows(url: SecretStr) -> list[StatusRow]:
    return _cluster(url).status(_HISTORY, MIGRATIONS)


def _refuse_edited(url: SecretStr) -> None:
    for row in _rows(url):
        if row.state == STATUS_MD5_MISMATCH:
            raise Fatal(
                f"migration {row.version} was edited after it was applied: put the file back as it "
                "was, and write a new one"
            )
        if row.state == STATUS_UNKNOWN:
            raise Fatal(
                f"the warehouse has migration {row.version}, which this version does not know: "
                "run the newer version of headwater"
            )


def _refuse_foreign(url: SecretStr) -> None:
    client = connect(url)
    tables = "SELECT name FROM system.tables WHERE database = %(database)s"
    with fates("looking at the warehouse's tables"):
        names = {name for (name,) in client.execute(tables, {"database": _HISTORY})}
    client.disconnect()
    if names and _HISTORY_TABLE not in names:
        raise Fatal(
            f"the database `{_HISTORY}` of this warehouse holds tables that are not Headwater's "
            f"({', '.join(sorted(names)[:3])}): give Headwater a warehouse of its own"
        )


def _cluster(url: SecretStr) -> ClickhouseCluster:
    return ClickhouseCluster(db_url=url.get_secret_value(), migrations_table=_HISTORY_TABLE)
