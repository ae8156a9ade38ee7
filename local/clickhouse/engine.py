"""chDB, the ClickHouse engine in this process: one per process, one connection per client."""

import json
import logging
import re
import threading
from pathlib import Path
from typing import Any, Final, TypeAlias

from chdb import _chdb

from contracts.errors import UserError
from local.clickhouse.errors import QueryError
from local.clickhouse.statements import Refusals, literal

log: Final = logging.getLogger(__name__)

# chDB's own classes are untyped.
Connection: TypeAlias = Any  # a session: its settings, database and temporary tables
Result: TypeAlias = Any


class Engine:
    """The engine on a folder.

    A connection serialises what it is asked; connections run in parallel and release the GIL.

    Args:
        folder: where the databases lie; made if absent.
        query_bytes: memory of one query, unless its client sets another limit.

    Raises:
        UserError: if the databases can't be opened.
    """

    def __init__(self, folder: Path, query_bytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._query_bytes = query_bytes
        self._asked = threading.Lock()
        try:
            self._admin = self._open()
            self._hide_files()
        except RuntimeError as error:
            raise UserError(
                f"the warehouse in {folder} can't be opened: {error}; `headwater restore` brings "
                "back a backup into a new folder"
            ) from error
        self.version, self.timezone, self.host = self._rows(
            "SELECT version(), timezone(), hostName()"
        )[0]
        self.settings = frozenset(self._names("system.settings"))
        self.refusals = Refusals(
            self._names("system.table_functions"),
            (*self._names("system.table_engines"), *self._names("system.database_engines")),
        )

    def connect(self) -> Connection:
        """Return a connection of a client's own, with the server's limits."""
        connection = self._open()
        connection.query(
            f"SET implicit_select = 0, max_memory_usage = {self._query_bytes}, "
            "print_pretty_type_names = 0"  # DESCRIBE names a type on one line, as a header must
        )
        return connection

    def kill(self, token: str) -> None:
        """Ask the query that carries a token in a comment to end, from any thread; don't wait."""
        try:
            with self._asked:
                self._admin.query(
                    f"KILL QUERY WHERE startsWith(query, {literal(f'/*{token}*/')}) ASYNC"
                )
        except RuntimeError as error:
            log.warning("a query could not be killed: %s", error)

    def close(self) -> None:
        """Close the engine; all data are on disk."""
        with self._asked:
            self._admin.close()

    def _open(self) -> Connection:
        return _chdb.connect(str(self._folder))  # type: ignore[attr-defined]  # its stubs forget it

    def _hide_files(self) -> None:
        """Make `default` a plain database.

        The engine lays one over it in which the name of any file of the machine is a table.
        """
        kept = self._default_holds_tables()
        self._admin.query(
            "SET check_table_dependencies = 0, check_referential_table_dependencies = 0"
        )
        self._admin.query("DETACH DATABASE default" if kept else "DROP DATABASE default")
        self._admin.query(
            "ATTACH DATABASE default" if kept else "CREATE DATABASE default ENGINE = Atomic"
        )

    def _default_holds_tables(self) -> bool:
        """Tell whether `default` can be attached again; forget its definition where it can't.

        Of a database without tables the engine keeps the definition, and refuses to attach it.
        """
        definition = self._folder / "metadata" / "default.sql"
        if not definition.exists():
            return False
        found = re.search(r"UUID '(([0-9a-f]{3})[0-9a-f-]+)'", definition.read_text())
        if found and (self._folder / "store" / found[2] / found[1]).exists():
            return True
        definition.unlink()
        return False

    def _names(self, table: str) -> list[str]:
        return [row[0] for row in self._rows(f"SELECT name FROM {table}")]

    def _rows(self, sql: str) -> list[list[str]]:
        with self._asked:
            return rows(self._admin, sql)


def text_of(connection: Connection, sql: str, output_format: str = "TSVRaw") -> str:
    """Return a query's answer as text.

    Raises:
        QueryError: if the engine refuses it.
    """
    try:
        return str(connection.query(sql, output_format).bytes().decode())
    except RuntimeError as error:
        raise QueryError.of(error) from error


def rows(connection: Connection, sql: str) -> list[list[str]]:
    """Return a query's rows, their values as text without tabs and line ends.

    Raises:
        QueryError: if the engine refuses it.
    """
    return [line.split("\t") for line in text_of(connection, sql).splitlines()]


def described(connection: Connection, describe: str) -> list[tuple[str, str, str]]:
    """Return the columns that a DESCRIBE finds: name, type, and how its default comes about.

    Raises:
        QueryError: if the engine refuses it.
    """
    lines = text_of(connection, describe, "JSONCompactEachRow").splitlines()
    return [tuple(json.loads(line)[:3]) for line in lines]
