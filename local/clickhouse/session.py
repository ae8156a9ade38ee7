"""One client: who it is, what it asks, what goes wrong."""

import logging
from hmac import compare_digest
from typing import Final

from pydantic import SecretStr

from local.clickhouse import statements
from local.clickhouse.answers import Answers
from local.clickhouse.engine import Connection, Engine, text_of
from local.clickhouse.errors import OutOfStep, QueryError, outfile_refused, told
from local.clickhouse.inserts import Inserts
from local.clickhouse.progress import ProgressTeller
from local.clickhouse.protocol import Channel, Hello, Query
from local.clickhouse.query_settings import QuerySettings
from local.clickhouse.statements import Statement, quoted
from local.clickhouse.terms import USERS
from local.clickhouse.watchdog import Running, Watchdog
from local.clickhouse.wire import FromClient

log: Final = logging.getLogger(__name__)

_GREETING_SECONDS: Final = 10


def greet(channel: Channel, password: SecretStr) -> Hello | None:
    """Hear who connects; nothing if it hangs up or speaks another protocol.

    Raises:
        QueryError: if it may not come in.
    """
    channel.patience(_GREETING_SECONDS)
    hello = channel.read_hello()
    if hello is None:
        return None
    given, right = (
        hello.password.encode(errors="surrogateescape"),
        password.get_secret_value().encode(),
    )
    if hello.user not in USERS or not compare_digest(given, right):
        raise QueryError(
            516,
            f"{hello.user}: Authentication failed: password is incorrect, or there is no user with "
            "such name",
            "AUTHENTICATION_FAILED",
        )
    channel.patience(None)
    return hello


class Session:
    """A greeted client, served by one thread over one connection to the engine.

    Raises:
        EOFError, OSError: from `serve`, when the client goes.
    """

    def __init__(self, engine: Engine, watchdog: Watchdog, channel: Channel) -> None:
        self._engine = engine
        self._watchdog = watchdog
        self._channel = channel
        self._connection: Connection = engine.connect()
        self._settings = QuerySettings(engine, self._connection)
        progress = ProgressTeller(channel, self._connection)
        self._answers = Answers(self._connection, channel, progress)
        self._inserts = Inserts(self._connection, channel, progress)
        self._running: Running | None = None
        self._stopping = False

    def serve(self, database: str) -> None:
        """Answer until the client goes or the server stops."""
        try:
            self._use(database)
            self._channel.send_hello(self._engine.version, self._engine.timezone, self._engine.host)
            while not self._stopping:
                self._answer(self._channel.read_kind())
        finally:
            self._connection.close()

    def stop(self) -> None:
        """Serve no further query, from any thread: a running write is let end, a read is not."""
        self._stopping = True
        running = self._running
        if running is None:
            self._channel.hang_up()
        elif not running.writes:
            running.stopped = True

    def _use(self, database: str) -> None:
        if database not in ("", "default"):
            text_of(self._connection, f"USE {quoted(database)}")

    def _answer(self, kind: int) -> None:
        match kind:
            case FromClient.PING:
                self._channel.send_pong()
            case FromClient.QUERY:
                self._query(self._channel.read_query())
            case FromClient.CANCEL:
                pass  # what it wanted to cancel has ended
            case _:
                raise OutOfStep(99, f"unknown packet {kind}", "UNKNOWN_PACKET_FROM_CLIENT")

    def _query(self, query: Query) -> None:
        statement = statements.read(query.sql)
        self._running = running = Running(self._channel, statement.writes)
        try:
            with self._inserts.tables_sent():
                self._settings.apply(query.settings)
                self._check(statement)
                self._execute(statement, running)
        except (EOFError, OSError, OutOfStep):
            raise
        except Exception as error:  # noqa: BLE001 whatever happened, the client is told, others go on
            self._tell_error(error, running)
        else:
            self._channel.send_end()
        finally:
            self._running = None

    def _tell_error(self, error: Exception, running: Running) -> None:
        if running.gone:
            raise EOFError("the client went away during its query") from error
        if running.cancelled:
            self._channel.send_end()
        elif running.stopped:
            self._channel.send_error(QueryError(210, "the server stops", "NETWORK_ERROR"))
        else:
            if not isinstance(error, RuntimeError | QueryError):
                log.error("a query failed", exc_info=error)
            self._channel.send_error(told(error))

    def _check(self, statement: Statement) -> None:
        """Let a statement pass.

        Raises:
            QueryError: if it is refused, is several, or is no SQL.
        """
        said = self._connection.classify_query(statement.sql)
        if said["statement_count"] > 1:
            raise QueryError(62, "Syntax error (Multi-statements are not allowed)", "SYNTAX_ERROR")
        if said["statement_count"] == 0:
            self._ask(f"EXPLAIN AST {statement.sql}")
        if statement.streams and said["query_class"].name == "CONTROL":
            raise outfile_refused()
        self._engine.refusals.check(statement, self._ask)

    def _ask(self, sql: str) -> str:
        return text_of(self._connection, sql)

    def _execute(self, statement: Statement, running: Running) -> None:
        if insert := statement.insert:
            self._inserts.insert(insert)
            return
        with self._watchdog.over(running):
            answer = self._answers.stream if statement.streams else self._answers.run
            answer(statement.sql, running)
