"""Brings the warehouse's tables up to date: numbered SQL files, each applied once, checksummed.

Every statement of a migration can be run again. So a migration that was cut off is repeated by the
next call, and two processes that migrate at once do each other no harm: there is no lock to take,
or to find still taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException
from clickhouse_migrations.migrator import STATUS_MD5_MISMATCH, STATUS_UNKNOWN, StatusRow
from pydantic import SecretStr

from contracts.errors import Fatal, Rejected
from contracts.free_mail import FREE_MAIL_DOMAINS
from warehouse.cluster import replicated
from warehouse.connection import connect, fates

MIGRATIONS: Final = Path(__file__).parent / "migrations"
OWNED: Final = ("raw", "ml", "live")
"""The databases that migrations make, the layers that they own."""
HISTORY_TABLE: Final = "schema_version"
_HISTORY: Final = OWNED[0]
"""The database that keeps the history of what was applied."""


def migrate(url: SecretStr, cluster: str = "") -> list[str]:
    """Apply what is missing, in order; return the names of what was applied. Safe to call again.

    Args:
        url: of the warehouse.
        cluster: where every replica gets replicated tables; none for a server by itself.

    Raises:
        Fatal: if an applied migration was edited, if the warehouse is newer than this code, if it
            holds tables of somebody else's, or if a migration fails.
        Retryable: if the warehouse is away or busy.
    """
    try:
        with fates("migrating"):
            _refuse_foreign(url)
            _refuse_edited(url, cluster)
            with _written(cluster) as folder:
                applied = _cluster(url).migrate(
                    _HISTORY,
                    folder,
                    cluster_name=cluster or None,
                    migration_log_format="compact",
                    lock=False,
                )
            _fill_free_mail(url)
    except MigrationException as error:
        raise Fatal(f"migrating: {error}") from error
    except Rejected as error:
        pending = next(row.version for row in _rows(url, cluster) if not row.applied_at)
        raise Fatal(f"migration {pending} failed: {error.detail}") from error
    names = {_number(file): file.stem for file in _files()}
    return [names[migration.version] for migration in applied]


def status(url: SecretStr, cluster: str = "") -> list[str]:
    """Return a line for each migration: its name and whether it is applied."""
    states = {row.version: row.state for row in _rows(url, cluster)}
    return [f"{file.stem}: {states[_number(file)]}" for file in _files()]


def version(url: SecretStr) -> int:
    """Return the number of the newest migration that is applied; 0 for none."""
    return max((row.version for row in _rows(url) if row.applied_at), default=0)


def newest() -> int:
    """Return the number of the newest migration that this code knows."""
    return max(map(_number, _files()))


def _fill_free_mail(url: SecretStr) -> None:
    """Have the warehouse hold the list of free-mail domains that the rules have."""
    client = connect(url, mutations_sync=2)
    held = {domain for (domain,) in client.execute("SELECT domain FROM ml.free_mail_domain")}
    if gone := held - FREE_MAIL_DOMAINS:
        client.execute(
            "ALTER TABLE ml.free_mail_domain DELETE WHERE domain IN %(gone)s",
            {"gone": sorted(gone)},
        )
    if new := FREE_MAIL_DOMAINS - held:
        rows = [(domain,) for domain in sorted(new)]
        client.execute("INSERT INTO ml.free_mail_domain (domain) VALUES", rows)
    client.disconnect()


def _files() -> list[Path]:
    return sorted(MIGRATIONS.glob("*.sql"))


def _number(file: Path) -> int:
    return int(file.name.split("_")[0])


@contextmanager
def _written(cluster: str) -> Iterator[Path]:
    """Have a folder with the migrations as that cluster, or one server, takes them."""
    if not cluster:
        yield MIGRATIONS
        return
    with TemporaryDirectory() as folder:
        for file in _files():
            Path(folder, file.name).write_text(replicated(file.read_text(), cluster))
        yield Path(folder)


def _rows(url: SecretStr, cluster: str = "") -> list[StatusRow]:
    with fates("asking which migrations are applied"), _written(cluster) as folder:
        return _cluster(url).status(_HISTORY, folder)


def _refuse_edited(url: SecretStr, cluster: str) -> None:
    for row in _rows(url, cluster):
        if row.state == STATUS_MD5_MISMATCH:
            raise Fatal(
                f"migration {row.version} was edited after it was applied: put the file back as it "
                "was, and write a new one. (Or HEADWATER_WAREHOUSE_CLUSTER is not what it was then)"
            )
        if row.state == STATUS_UNKNOWN:
            raise Fatal(
                f"the warehouse has migration {row.version}, which this version does not know: "
                "run the newer version of headwater"
            )


def _refuse_foreign(url: SecretStr) -> None:
    """Refuse a warehouse whose databases have our names, but not our history."""
    client = connect(url)
    held = client.execute(
        "SELECT database, name FROM system.tables WHERE database IN %(owned)s ORDER BY ALL",
        {"owned": OWNED},
    )
    client.disconnect()
    if held and (_HISTORY, HISTORY_TABLE) not in held:
        names = ", ".join(".".join(table) for table in held[:3])
        raise Fatal(
            f"this warehouse holds tables that are not Headwater's ({names}): give Headwater a "
            "warehouse of its own, by HEADWATER_WAREHOUSE_URL"
        )


def _cluster(url: SecretStr) -> ClickhouseCluster:
    connect(url)  # refuses a URL that is wrong
    return ClickhouseCluster(db_url=url.get_secret_value(), migrations_table=HISTORY_TABLE)
