"""Settings that a client sends with a query: they hold for that query alone."""

from collections.abc import Mapping

from local.clickhouse.engine import Connection, Engine, rows
from local.clickhouse.errors import QueryError, refused
from local.clickhouse.protocol import Setting
from local.clickhouse.statements import literal


class QuerySettings:
    """Applies a query's settings to a connection, and takes back those of the query before.

    A client sends the same ones with each query, so that mostly there is nothing to do.
    """

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self._known = engine.settings
        self._connection = connection
        self._applied: dict[str, str] = {}
        self._before: dict[str, str] = {}

    def apply(self, sent: Mapping[str, Setting]) -> None:
        """Set what was sent; a setting that the engine doesn't know is passed over.

        Raises:
            QueryError: if an important setting is unknown, or a value is wrong.
        """
        wanted = {
            name: setting.value for name, setting in sent.items() if self._accept(name, setting)
        }
        if wanted == self._applied:
            return
        self._remember(wanted)
        for name in [name for name in self._applied if name not in wanted]:
            self._set(name, self._before[name])
            del self._applied[name]
        for name, value in wanted.items():
            if self._applied.get(name) != value:
                self._set(name, literal(value))
                self._applied[name] = value

    def _accept(self, name: str, setting: Setting) -> bool:
        if name == "dialect":
            raise refused("the setting dialect", "write ClickHouse's SQL")
        known = name in self._known or name.startswith("SQL_")
        if setting.important and not known:
            raise QueryError(
                115,
                f"Setting {name} is neither a builtin setting nor started with the prefix 'SQL_' "
                "registered for user-defined settings",
                "UNKNOWN_SETTING",
            )
        return known

    def _remember(self, wanted: Mapping[str, str]) -> None:
        """Note what the connection has set for those that were not sent with the last query."""
        new = [name for name in wanted if name not in self._applied]
        self._before |= dict.fromkeys(new, "DEFAULT")
        names = ", ".join(map(literal, new)) or "''"
        sql = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({names})"
        self._before |= {name: literal(value) for name, value in rows(self._connection, sql)}

    def _set(self, name: str, value: str) -> None:
        self._connection.query(f"SET {name} = {value}")
