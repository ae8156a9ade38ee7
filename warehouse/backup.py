"""Copies what the migrations own out of the warehouse, and back: Parquet files and a manifest.

Everything goes over the one wire, block by block, so it works alike on one machine and on a
cluster, in bounded memory. What dbt builds is built again, and views hold no rows.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_driver import Client
from pydantic import SecretStr

from contracts.clock import Clock, SystemClock
from contracts.errors import UserError
from warehouse.connection import connect, fates
from warehouse.migrate import version

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_BLOCK: Final = 10_000
_COPIED: Final = """
    SELECT database || '.' || name FROM system.tables
    WHERE database IN ('raw', 'ml') AND engine LIKE '%%MergeTree%%' AND name != 'schema_version'
    ORDER BY 1
"""
_SEEDED: Final = {"ml.engagement_weight"}
"""Tables that a migration fills: rows in them are nobody's data."""
_ARROW: Final = {
    "String": pa.string(),
    "UUID": pa.string(),
    "Bool": pa.bool_(),
    "Date32": pa.date32(),
    "Float64": pa.float64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "DateTime64(6, 'UTC')": pa.timestamp("us", tz="UTC"),
    "Decimal(18, 8)": pa.decimal128(18, 8),
}
_WRAPPED: Final = re.compile(r"(LowCardinality|Nullable|Array)\((.*)\)")


class TableCopy(msgspec.Struct, frozen=True):
    """One table's file: how many rows it has, and its SHA-256."""

    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds.

    Attributes:
        migration: the newest migration that its tables had.
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
    """Copy every table into a new folder.

    Each table is copied as of one moment, one table after the other: rows that arrive meanwhile may
    be in a later table and not in an earlier one. Since every table forgets repeats, replaying the
    log from before the backup makes them whole.

    Raises:
        UserError: if the folder holds something already.
        Retryable, Fatal: as reading does.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty: name a new folder for the backup")
    folder.mkdir(parents=True, exist_ok=True)
    client = connect(url, readonly=2)
    with fates("backing up"):
        names = [name for (name,) in client.execute(_COPIED, {})]
        tables = {name: _copy_out(client, name, folder) for name in names}
    client.disconnect()
    taken_at = (clock or SystemClock()).now()
    manifest = Manifest(FORMAT, taken_at, version(url), tables)
    (folder / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def restore(url: SecretStr, folder: Path, *, force: bool = False) -> Manifest:
    """Bring a backup back; every file is checked before the first row is written.

    With `force` the rows join those that are there: of the same key, the newer one wins.

    Raises:
        UserError: if the folder is no backup, a file is damaged, the backup is of a newer version,
            or the warehouse holds rows and `force` is not given.
    """
    manifest = _checked(folder)
    applied = version(url)
    if manifest.migration > applied:
        raise UserError(
            f"the backup was taken at migration {manifest.migration}, the warehouse is at "
            f"{applied}: restore it with the newer version"
        )
    client = connect(url)
    with fates("restoring"):
        if not force:
            _refuse_rows(client, manifest)
        for name in manifest.tables:
            _copy_in(client, name, folder)
    client.disconnect()
    return manifest


def _copy_out(client: Client, name: str, folder: Path) -> TableCopy:
    columns = client.execute(f"DESCRIBE TABLE {name}", {})
    schema = pa.schema([(column[0], _arrow(column[1])) for column in columns])
    rows = 0
    with pq.ParquetWriter(_file(folder, name), schema, compression="zstd") as file:
        for block in _blocks(client, name, [column[0] for column in columns]):
            arrays = [
                pa.array(_plain(values), type=field.type)
                for values, field in zip(zip(*block, strict=True), schema, strict=True)
            ]
            file.write_batch(pa.record_batch(arrays, schema=schema))
            rows += len(block)
    return TableCopy(rows, _sha256(_file(folder, name)))


def _blocks(client: Client, name: str, columns: list[str]) -> Iterator[list[tuple[Any, ...]]]:
    statement = f"SELECT {_names(columns)} FROM {name} FINAL"
    return client.execute_iter(
        statement, {}, chunk_size=_BLOCK, settings={"max_block_size": _BLOCK}
    )


def _copy_in(client: Client, name: str, folder: Path) -> None:
    with pq.ParquetFile(_file(folder, name)) as file:
        statement = f"INSERT INTO {name} ({_names(file.schema_arrow.names)}) VALUES"
        for batch in file.iter_batches(_BLOCK):
            client.execute(statement, [column.to_pylist() for column in batch], columnar=True)


def _checked(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{folder} is not a backup: its {_MANIFEST} can't be read") from error
    if manifest.format > FORMAT:
        raise UserError(f"{folder} is a backup of a newer version: restore it with that version")
    for name, table in manifest.tables.items():
        file = _file(folder, name)
        if not file.exists() or _sha256(file) != table.sha256:
            raise UserError(f"{file} is missing or damaged: nothing was restored")
    return manifest


def _refuse_rows(client: Client, manifest: Manifest) -> None:
    for name in manifest.tables.keys() - _SEEDED:
        if client.execute(f"SELECT 1 FROM {name} LIMIT 1", {}):
            raise UserError(
                f"{name} holds rows already: restore into an empty warehouse, or say --force to "
                "let the backup's rows join them"
            )


def _arrow(kind: str) -> pa.DataType:
    """Return the Arrow type that holds a ClickHouse type's values without loss."""
    if wrapped := _WRAPPED.fullmatch(kind):
        inner = _arrow(wrapped[2])
        return pa.list_(inner) if wrapped[1] == "Array" else inner
    if kind not in _ARROW:
        raise UserError(f"the backup does not know how to keep a column of type {kind}")
    return _ARROW[kind]


def _plain(values: tuple[Any, ...]) -> list[Any]:
    """Return values that Arrow takes: ids as text."""
    return [str(value) if type(value).__name__ == "UUID" else value for value in values]


def _names(columns: list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
