"""The log's file: how it is laid out and brought up to date, and why a foreign one is refused."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import Retryable, UserError

_APPLICATION_ID: Final = 0x48576C67
"""Marks the file as ours in SQLite's header: "HWlg"."""
_WAIT_SECONDS: Final = 30

MIGRATIONS: Final = (
    """
    CREATE TABLE topic (
        name TEXT PRIMARY KEY,
        partitions INTEGER NOT NULL,
        compacted INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE head (
        topic TEXT,
        partition INTEGER,
        low INTEGER NOT NULL DEFAULT 0,
        next INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (topic, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE record (
        topic TEXT,
        partition INTEGER,
        offset INTEGER,
        appended_ms INTEGER NOT NULL,
        key BLOB,
        value BLOB,
        headers BLOB,
        PRIMARY KEY (topic, partition, offset)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE committed (
        consumer_group TEXT,
        topic TEXT,
        partition INTEGER,
        offset INTEGER NOT NULL,
        PRIMARY KEY (consumer_group, topic, partition)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""A file of schema version n has had the first n of these; a new one is added at the end."""

_NOT_NOW: Final = {
    sqlite3.SQLITE_FULL: "its disk is full: make room",
    sqlite3.SQLITE_BUSY: "another process has been writing to it for too long",
    sqlite3.SQLITE_LOCKED: "another process has been writing to it for too long",
    sqlite3.SQLITE_IOERR: "its disk does not take the bytes: is it full or broken?",
    sqlite3.SQLITE_READONLY: "its disk or file is read-only",
    sqlite3.SQLITE_CANTOPEN: "its folder can't be written to",
}


def connect(path: Path) -> sqlite3.Connection:
    """Open a log, made or brought up to date first where needed. Any thread may use it, in turn.

    Raises:
        UserError: if the file is another program's, damaged, or of a newer version of ours.
        Retryable: if the disk is full or the file is busy.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the log {path} can't be made: {error}") from error
    with fates(path), _alone(path):
        db = sqlite3.connect(
            path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _refuse_foreign(db, path)
            _configure(db)
            _migrate(db)
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def fates(path: Path) -> Iterator[None]:
    """Turn an error of SQLite into one that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if why := _NOT_NOW.get(error.sqlite_errorcode & 0xFF):
            raise Retryable(f"the log {path} can't be written to: {why} ({error})") from error
        raise
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise UserError(
                f"{path} is not a Headwater log, or is damaged ({error}): name another file, or "
                "put a backup in its place"
            ) from error
        raise


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of the body, or nothing; it is on the disk when this returns."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back when the disk is full
            db.execute("ROLLBACK")
        raise


def back_up(db: sqlite3.Connection, path: Path) -> None:
    """Copy a log, as of one moment, into a new file; others may write meanwhile."""
    if path.exists():
        raise UserError(f"{path} exists: a backup goes into a new file")
    with fates(path), closing(sqlite3.connect(path)) as target:
        db.backup(target)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time open the file: SQLite does not wait when it switches to WAL."""
    with Path(f"{path}.opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_foreign(db: sqlite3.Connection, path: Path) -> None:
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and _pragma(db, "application_id") != _APPLICATION_ID:
        raise UserError(f"{path} is a database of another program: name another file")
    version = _pragma(db, "user_version")
    if version > len(MIGRATIONS):
        raise UserError(
            f"{path} is a log of version {version}, and this Headwater knows versions up to "
            f"{len(MIGRATIONS)}: run the newer Headwater"
        )


def _configure(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")


def _migrate(db: sqlite3.Connection) -> None:
    """Apply what the file has not had, each step whole or not at all."""
    for version, script in list(enumerate(MIGRATIONS, 1))[_pragma(db, "user_version") :]:
        with transaction(db):
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {version}")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
    return value
