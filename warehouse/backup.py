"""Copies what the migrations own out of the warehouse, and back: Parquet files and a manifest.

Parquet, because what one must be able to read in ten years should need no program of ours. All
goes over the one wire, block by block, so it works alike on one machine and on a cluster, in
bounded memory. What dbt builds is built again, and views hold no rows.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq
from clickhouse_driver import Client
from pydantic import SecretStr

from contracts.clock import Clock, SystemClock
from contracts.errors import UserError
from warehouse.connection import connect, fates
from warehouse.engagement import distrust
from warehouse.migrate import migrate, newest, version
from warehouse.parquet import Kinds, batch, columns, schema, selected

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_BLOCK_ROWS: Final = 20_000
_BLOCK_BYTES: Final = 16_000_000
"""What is held at once: it bounds memory, whatever the size of the rows."""
_COPIED: Final = """
    SELECT database || '.' || name FROM system.tables
    WHERE database IN ('raw', 'ml') AND engine LIKE '%ReplacingMergeTree'
    ORDER BY 1
"""
_ROW_BYTES: Final = """
    SELECT sum(data_uncompressed_bytes) / greatest(sum(rows), 1) FROM system.parts
    WHERE active AND database || '.' || table = %(name)s
"""
_DEPENDENT: Final = ("raw.source_cursor", "raw.sighting", "raw.match")
"""Copied first and restored last: each says that something else is stored."""
_SEEDED: Final = {"ml.engagement_weight", "ml.free_mail_domain"}
"""Tables that migrating fills: rows in them are nobody's data."""

_BYTES: Final = {"strings_as_bytes": True}
"""ClickHouse's strings are bytes: whatever is in them comes back."""


class TableCopy(msgspec.Struct, frozen=True):
    """One table's file: how many rows it has, and its SHA-256."""

    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds.

    Attributes:
        migration: the newest migration that its tables had.
        tables: in the order in which they were copied.
    """

    format: int
    taken_at: datetime
    migration: int
    tables: dict[str, TableCopy]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def backup(url: SecretStr, folder: Path, clock: Clock | None = None) -> Manifest:
    """Copy every table into a new folder. The manifest is written last: without it, it is none.

    Rows may arrive meanwhile. Each table is copied as of one moment, one table after the other:
    cursors, sightings and matches first, so that whatever they say is stored is in the backup; and
    no cursor is ahead of the rows, so that reading the sources on misses nothing. Repeats of a key
    are left out.

    Raises:
        UserError: if the folder holds something already, or can't be written.
        Retryable, Fatal: as reading does.
    """
    with _disk(folder):
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty: name a new folder for the backup")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        migration = version(url)
        with closing(_Tables(connect(url, readonly=2))) as tables:
            copies = {name: _copy_out(tables, name, folder) for name in tables.names()}
        manifest = Manifest(FORMAT, (clock or SystemClock()).now(), migration, copies)
        _keep(folder / _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def restore(url: SecretStr, folder: Path, *, force: bool = False, cluster: str = "") -> Manifest:
    """Bring a backup back into a warehouse, migrated first if it is not.

    Every file is checked before the first row is written. With `force` the rows join those that
    are there: of the same key, the newer one wins. So a restore that was cut off can be repeated.

    Raises:
        UserError: if the folder is no backup, a file is damaged, the backup is of a newer version,
            or the warehouse holds rows and `force` is not given.
        Retryable, Fatal: as migrating and writing do.
    """
    manifest = _checked(folder)
    migrate(url, cluster)
    with closing(_Tables(connect(url))) as tables:
        if not force:
            _refuse_rows(tables, manifest)
        for name in reversed(manifest.tables):
            _copy_in(tables, name, folder)
    distrust(url)
    return manifest


class _Tables:
    """The tables of a warehouse, block by block."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def close(self) -> None:
        self._client.disconnect()

    def names(self) -> list[str]:
        """Return the tables to copy, the dependent ones first."""
        with fates("looking at the tables"):
            found = [name for (name,) in self._client.execute(_COPIED)]
        return [name for name in _DEPENDENT if name in found] + [
            name for name in found if name not in _DEPENDENT
        ]

    def kinds(self, name: str) -> Kinds:
        with fates(f"looking at {name}"):
            return {column[0]: column[1] for column in self._client.execute(f"DESCRIBE {name}")}

    def has_rows(self, name: str) -> bool:
        with fates(f"looking into {name}"):
            return bool(self._client.execute(f"SELECT 1 FROM {name} LIMIT 1"))

    def read(self, name: str, kinds: Kinds) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows as of one moment, as `warehouse.parquet` takes them."""
        statement = f"SELECT {selected(kinds)} FROM {name} FINAL"
        with fates(f"reading {name}"):
            ((row_bytes,),) = self._client.execute(_ROW_BYTES, {"name": name})
            rows = int(min(_BLOCK_BYTES / max(row_bytes, 1) + 1, _BLOCK_ROWS))
            settings = {"max_block_size": rows, **_BYTES}
            yield from self._client.execute_iter(statement, chunk_size=rows, settings=settings)

    def write(self, name: str, told: Mapping[str, list[Any]]) -> None:
        names = ", ".join(f"`{column}`" for column in told)
        with fates(f"writing to {name}"):
            self._client.execute(
                f"INSERT INTO {name} ({names}) VALUES",
                list(told.values()),
                columnar=True,
                settings=_BYTES,
            )


def _copy_out(tables: _Tables, name: str, folder: Path) -> TableCopy:
    kinds, path, rows = tables.kinds(name), _file(folder, name), 0
    kept = schema(kinds)
    with path.open("wb") as file:
        with pq.ParquetWriter(file, kept, compression="zstd") as writer:
            for block in tables.read(name, kinds):
                writer.write_batch(batch(block, kept))
                rows += len(block)
        file.flush()
        os.fsync(file.fileno())
    return TableCopy(rows, _sha256(path))


def _copy_in(tables: _Tables, name: str, folder: Path) -> None:
    kinds = tables.kinds(name)
    with pq.ParquetFile(_file(folder, name), pre_buffer=False) as file:
        for number in range(file.num_row_groups):
            tables.write(name, columns(file.read_row_group(number), kinds))


def _checked(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(
            f"{folder} is not a whole backup: its {_MANIFEST} can't be read ({error})"
        ) from error
    if manifest.format > FORMAT or manifest.migration > newest():
        raise UserError(
            f"{folder} is a backup of a newer version (migration {manifest.migration}, format "
            f"{manifest.format}): restore it with that version"
        )
    for name, table in manifest.tables.items():
        file = _file(folder, name)
        if not file.exists() or _sha256(file) != table.sha256:
            raise UserError(f"{file} is missing or damaged: nothing was restored")
    return manifest


def _refuse_rows(tables: _Tables, manifest: Manifest) -> None:
    for name in manifest.tables.keys() - _SEEDED:
        if tables.has_rows(name):
            raise UserError(
                f"{name} holds rows already: restore into an empty warehouse, or say --force to "
                "let the backup's rows join them"
            )


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the backup can't be written to {folder}: {error.strerror or error}. Make room or "
            "name another folder; what is there now is not a backup"
        ) from error


def _keep(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
