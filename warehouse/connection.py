"""The one wire to ClickHouse: connections, and what an error of the driver means for a record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from clickhouse_driver import Client
from clickhouse_driver.errors import (
    ChecksumDoesntMatchError,
    Error,
    ErrorCodes,
    NetworkError,
    PartiallyConsumedQueryError,
    ServerException,
    SocketTimeoutError,
    UnexpectedPacketFromServerError,
    UnknownPacketFromServerError,
)
from clickhouse_driver.util.helpers import parse_url
from pydantic import SecretStr

from contracts.errors import Fatal, HeadwaterError, Rejected, Retryable, UserError

_CONNECT_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 300
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_SCHEMES: Final = {"clickhouse", "clickhouses"}
_OPTIONS: Final = {"secure", "verify", "ca_certs", "certfile", "keyfile", "server_hostname"}
"""What may follow the `?` of a URL: how the wire is encrypted."""

_NO_URL: Final = (
    "no warehouse is configured: start the local stack with `headwater up`, or set "
    "HEADWATER_WAREHOUSE_URL to clickhouse://USER:PASSWORD@HOST:PORT"
)
_BAD_URL: Final = (
    "HEADWATER_WAREHOUSE_URL is not of the form clickhouse://USER:PASSWORD@HOST:PORT, with "
    "?secure=true for TLS; write %2F for a / in the password, %40 for an @, %23 for a #"
)

_GONE: Final = (
    NetworkError,
    SocketTimeoutError,
    ChecksumDoesntMatchError,
    UnexpectedPacketFromServerError,
    UnknownPacketFromServerError,
    PartiallyConsumedQueryError,
    EOFError,
    OSError,
)
"""What the driver raises when the wire, not the data, is at fault."""

_FULL: Final = "its disk is full: make room"
_BROKEN_DISK: Final = "it can't read or write its disk"
_NO_MEMORY: Final = "it is out of memory"
_BUSY: Final = "it serves too many queries at once"
_SLOW: Final = "the query took too long"
_STOPPING: Final = "it is stopping, or the query was cancelled"
_NETWORK: Final = "its network failed"
_REPLICAS: Final = "its replicas are not ready"
_FAILED: Final = "it failed"
_WAIT: Final = {
    ErrorCodes.NOT_ENOUGH_SPACE: _FULL,
    ErrorCodes.CANNOT_STATVFS: _FULL,
    ErrorCodes.CANNOT_READ_FROM_FILE_DESCRIPTOR: _BROKEN_DISK,
    ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR: _BROKEN_DISK,
    ErrorCodes.CANNOT_OPEN_FILE: _BROKEN_DISK,
    ErrorCodes.CANNOT_CREATE_DIRECTORY: _BROKEN_DISK,
    ErrorCodes.CANNOT_FSYNC: _BROKEN_DISK,
    ErrorCodes.CANNOT_ALLOCATE_MEMORY: _NO_MEMORY,
    ErrorCodes.MEMORY_LIMIT_EXCEEDED: _NO_MEMORY,
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES: _BUSY,
    ErrorCodes.NO_FREE_CONNECTION: _BUSY,
    ErrorCodes.QUOTA_EXPIRED: _BUSY,
    ErrorCodes.RECEIVED_ERROR_TOO_MANY_REQUESTS: _BUSY,
    ErrorCodes.TOO_MANY_PARTS: "it merges more slowly than rows arrive",
    439: _BUSY,  # CANNOT_SCHEDULE_TASK
    ErrorCodes.TIMEOUT_EXCEEDED: _SLOW,
    ErrorCodes.TOO_SLOW: _SLOW,
    473: _SLOW,  # DEADLOCK_AVOIDED: a lock was not had in time
    ErrorCodes.ABORTED: _STOPPING,
    ErrorCodes.QUERY_WAS_CANCELLED: _STOPPING,
    ErrorCodes.SOCKET_TIMEOUT: _NETWORK,
    ErrorCodes.NETWORK_ERROR: _NETWORK,
    ErrorCodes.DNS_ERROR: _NETWORK,
    ErrorCodes.ALL_CONNECTION_TRIES_FAILED: _NETWORK,
    ErrorCodes.CANNOT_READ_FROM_SOCKET: _NETWORK,
    ErrorCodes.CANNOT_WRITE_TO_SOCKET: _NETWORK,
    ErrorCodes.CHECKSUM_DOESNT_MATCH: _NETWORK,
    ErrorCodes.TABLE_IS_READ_ONLY: "the table is read-only for now",
    ErrorCodes.NO_ZOOKEEPER: _REPLICAS,
    ErrorCodes.KEEPER_EXCEPTION: _REPLICAS,
    ErrorCodes.TOO_LESS_LIVE_REPLICAS: _REPLICAS,
    ErrorCodes.UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE: _REPLICAS,
    ErrorCodes.REPLICA_IS_NOT_IN_QUORUM: _REPLICAS,
    ErrorCodes.UNKNOWN_STATUS_OF_INSERT: _REPLICAS,
    ErrorCodes.ALL_REPLICAS_ARE_STALE: _REPLICAS,
    ErrorCodes.LOGICAL_ERROR: _FAILED,
    ErrorCodes.POCO_EXCEPTION: _FAILED,
    ErrorCodes.STD_EXCEPTION: _FAILED,
    ErrorCodes.UNKNOWN_EXCEPTION: _FAILED,
}
_SCHEMA: Final = {
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
    ErrorCodes.NOT_FOUND_COLUMN_IN_BLOCK,
    ErrorCodes.UNKNOWN_IDENTIFIER,
}
_LOGIN: Final = {
    ErrorCodes.UNKNOWN_USER,
    ErrorCodes.WRONG_PASSWORD,
    ErrorCodes.REQUIRED_PASSWORD,
    ErrorCodes.IP_ADDRESS_NOT_ALLOWED,
    516,  # AUTHENTICATION_FAILED
}
_RIGHTS: Final = {
    ErrorCodes.READONLY,
    ErrorCodes.DATABASE_ACCESS_DENIED,
    497,  # ACCESS_DENIED
}


def connect(url: SecretStr, **settings: int | str) -> Client:
    """Return a client that connects with its first query, and again after a lost connection.

    It is for one thread at a time. Blocks travel compressed (LZ4), but not on this machine: there,
    compressing is a fifth to a third of what a write costs.

    Args:
        url: `clickhouse://USER:PASSWORD@HOST:PORT[/DATABASE][?secure=true]`.
        settings: of every query on this connection.

    Raises:
        UserError: if the URL is empty or malformed; the password is never in the message.
    """
    host, options = _parsed(url.get_secret_value())
    return Client(
        host,
        **options,
        settings=settings,
        client_name="headwater",
        compression=host not in _LOOPBACK and "lz4",
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=_ANSWER_SECONDS,
        tcp_keepalive=True,
    )


def _parsed(url: str) -> tuple[str, dict[str, Any]]:
    if not url:
        raise UserError(_NO_URL)
    try:
        parts = urlsplit(url)
        host, options = parse_url(url)
    except (ValueError, AttributeError):  # these quote the URL, so the password: not chained
        raise UserError(_BAD_URL) from None
    misread = "@" in parts.path + parts.query or parts.fragment  # a password that is not encoded
    if parts.scheme not in _SCHEMES or not host or misread:
        raise UserError(_BAD_URL)
    if unknown := {name for name, _ in parse_qsl(parts.query)} - _OPTIONS:
        raise UserError(
            f"HEADWATER_WAREHOUSE_URL has an option {min(unknown)!r}; it may have "
            f"{', '.join(sorted(_OPTIONS))}"
        )
    return host, options


@contextmanager
def fates(doing: str) -> Iterator[None]:
    """Turn an error of the driver or the server into one of the three fates.

    Args:
        doing: what was done when it happened, for the message.

    Raises:
        Retryable: the warehouse is away, full, or busy.
        Rejected: the data does not fit the table (`bad_row`), or the statement is wrong.
        Fatal: wrong password, missing rights, or tables that the migrations have not made.
    """
    try:
        yield
    except ServerException as error:
        raise _fate(error, doing) from error
    except _GONE as error:
        raise Retryable(f"{doing}: the warehouse does not answer ({_brief(error)})") from error
    except (Error, ValueError, TypeError, OverflowError) as error:
        raise Rejected("bad_row", f"{doing}: {_brief(error)}") from error


def _fate(error: ServerException, doing: str) -> HeadwaterError:
    said = _brief(error)
    if error.code in _WAIT:
        return Retryable(f"{doing}: the warehouse can't now: {_WAIT[error.code]} ({said})")
    if error.code in _LOGIN:
        return Fatal(
            f"{doing}: the warehouse refuses the user or the password: check "
            "HEADWATER_WAREHOUSE_URL"
        )
    if error.code in _RIGHTS:
        return Fatal(f"{doing}: the warehouse's user may not do this ({said})")
    if error.code in _SCHEMA:
        return Fatal(f"{doing}: {said}. Are the tables up to date? Run `headwater migrate`")
    return Rejected("bad_row", f"{doing}: {said}")


def _brief(error: BaseException) -> str:
    """Return the first line of an error, without a stack trace."""
    text = str(getattr(error, "message", None) or str(error) or type(error).__name__)
    first = text.partition("Stack trace:")[0].strip()
    return first.removeprefix("DB::Exception: ").rstrip(".")[:400]
