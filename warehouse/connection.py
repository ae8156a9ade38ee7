"""The one wire to ClickHouse: connections, and what an error of the driver means for a record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException
from pydantic import SecretStr

from contracts.errors import Fatal, Rejected, Retryable, UserError

_WAIT: Final = {
    ErrorCodes.NOT_ENOUGH_SPACE: "the warehouse's disk is full: make room",
    ErrorCodes.MEMORY_LIMIT_EXCEEDED: "the warehouse is out of memory",
    ErrorCodes.TIMEOUT_EXCEEDED: "the query took too long",
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES: "the warehouse serves too many queries at once",
    ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR: "the warehouse can't write to its disk",
    ErrorCodes.TABLE_IS_READ_ONLY: "the table is read-only for now",
    ErrorCodes.TOO_MANY_PARTS: "the warehouse merges more slowly than rows arrive",
    ErrorCodes.QUERY_WAS_CANCELLED: "the query was cancelled",
    202: "the warehouse serves too many queries at once",
    210: "the warehouse's network failed",
    279: "no replica of the warehouse answers",
}
_SCHEMA: Final = {
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
}
_LOGIN: Final = {192, 193, 194, 516}
_CONNECT_SECONDS: Final = 5
_QUERY_SECONDS: Final = 300


def connect(url: SecretStr, **settings: int) -> Client:
    """Return a client that connects on its first query.

    Args:
        url: `clickhouse://USER:PASSWORD@HOST:PORT[/DATABASE][?secure=true]`.
        settings: of every query on this connection.

    Raises:
        UserError: if the URL is empty or malformed; the password is never in the message.
    """
    text = url.get_secret_value()
    if not text:
        raise UserError(
            "no warehouse is configured: start the local stack with `headwater up`, or set "
            "HEADWATER_WAREHOUSE_URL"
        )
    parts = urlsplit(text)
    if parts.scheme not in {"clickhouse", "clickhouses"} or not parts.hostname:
        raise UserError(
            "HEADWATER_WAREHOUSE_URL is not of the form clickhouse://USER:PASSWORD@HOST:PORT"
        )
    client = Client.from_url(text)
    client.settings.update(settings)
    client.connection.connect_timeout = _CONNECT_SECONDS
    client.connection.send_receive_timeout = _QUERY_SECONDS
    return client


@contextmanager
def fates(doing: str) -> Iterator[None]:
    """Turn an error of the driver or the server into one of the three fates.

    Args:
        doing: what was done when it happened, for the message.

    Raises:
        Retryable: the warehouse is away, full, or busy.
        Rejected: the data does not fit the table (`bad_row`).
        Fatal: wrong password, or tables that the migrations have not made.
    """
    try:
        yield
    except ServerException as error:
        raise _fate(error, doing) from error
    except (NetworkError, EOFError, OSError) as error:
        raise Retryable(f"{doing}: the warehouse does not answer ({_brief(error)})") from error
    except (Error, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise Rejected("bad_row", f"{doing}: {_brief(error)}") from error


def _fate(error: ServerException, doing: str) -> Exception:
    said = _brief(error)
    if error.code in _WAIT:
        return Retryable(f"{doing}: {_WAIT[error.code]} ({said})")
    if error.code in _LOGIN:
        return Fatal(f"{doing}: the warehouse refuses the user or the password")
    if error.code in _SCHEMA:
        return Fatal(f"{doing}: {said}. Are the tables up to date? Run `headwater migrate`")
    return Rejected("bad_row", f"{doing}: {said}")


def _brief(error: BaseException) -> str:
    """Return the first line of an error, without a stack trace."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).split("Stack trace:")[0].strip().removeprefix("DB::Exception: ")[:400]
