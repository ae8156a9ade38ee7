"""URLs of the warehouse, and the fate of a record whose write met an error."""

import socket
from traceback import format_exception

import pytest
from clickhouse_driver import errors
from clickhouse_driver.errors import ErrorCodes, ServerException
from pydantic import SecretStr

from contracts.errors import Fatal, Rejected, Retryable, UserError
from warehouse.connection import connect, fates

PASSWORD = "open-sesame"


@pytest.mark.parametrize(
    ("url", "host", "password", "secure", "database"),
    [
        ("clickhouse://me:pw@db.example", ("db.example", 9000), "pw", False, ""),
        ("clickhouse://me:pw@db.example:9001/x", ("db.example", 9001), "pw", False, "x"),
        ("clickhouse://me:pw@db.example?secure=true", ("db.example", 9440), "pw", True, ""),
        ("clickhouses://me:pw@[::1]:1", ("::1", 1), "pw", True, ""),
        ("clickhouse://me:%2F%40%23%3A%25@h:1", ("h", 1), "/@#:%", False, ""),
        ("clickhouse://me:a@b@h:1", ("h", 1), "a@b", False, ""),
    ],
)
def test_a_url_says_where_and_who(url, host, password, secure, database):
    connection = connect(SecretStr(url)).connection
    assert list(connection.hosts) == [host]
    assert (connection.user, connection.password) == ("me", password)
    assert connection.secure_socket is secure
    assert connection.database == database


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{PASSWORD}@h:8123",
        f"me:{PASSWORD}@h:9000",
        f"clickhouse://me:{PASSWORD}@h:port",
        f"clickhouse://me:{PASSWORD}@h:99999",
        f"clickhouse://me:{PASSWORD}@:9000",
        f"clickhouse://me:{PASSWORD}#x@h:9000",
        f"clickhouse://me:{PASSWORD}/x@h:9000",
        f"clickhouse://me:1/{PASSWORD}@h:9000",
        f"clickhouse://me:1?{PASSWORD}@h:9000",
        f"clickhouse://me:{PASSWORD}@[::1",
        f"clickhouse://me:{PASSWORD}@h?secure=perhaps",
    ],
)
def test_a_url_that_is_wrong_is_refused_without_its_password(url):
    with pytest.raises(UserError, match="HEADWATER_WAREHOUSE_URL is not of the form") as error:
        connect(SecretStr(url))
    assert PASSWORD not in "".join(format_exception(error.value))


def test_an_option_that_is_not_known_is_refused():
    """A misspelt `secure` would send the password in the clear."""
    with pytest.raises(UserError, match="has an option 'secur'; it may have ca_certs, "):
        connect(SecretStr("clickhouse://me:pw@h?secur=true"))


def test_without_a_url_the_error_says_what_to_do():
    with pytest.raises(UserError, match="`headwater up`, or set HEADWATER_WAREHOUSE_URL to "):
        connect(SecretStr(""))


def fate_of(error: BaseException) -> Exception:
    with pytest.raises((Retryable, Rejected, Fatal)) as fate, fates("writing 3 rows to raw.x"):
        raise error
    assert fate.value.__cause__ is error
    return fate.value


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (ErrorCodes.NOT_ENOUGH_SPACE, "its disk is full: make room"),
        (ErrorCodes.MEMORY_LIMIT_EXCEEDED, "it is out of memory"),
        (ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES, "it serves too many queries at once"),
        (ErrorCodes.TIMEOUT_EXCEEDED, "the query took too long"),
        (ErrorCodes.TOO_MANY_PARTS, "it merges more slowly than rows arrive"),
        (ErrorCodes.TABLE_IS_READ_ONLY, "the table is read-only for now"),
        (ErrorCodes.QUERY_WAS_CANCELLED, "it is stopping, or the query was cancelled"),
        (ErrorCodes.NETWORK_ERROR, "its network failed"),
        (ErrorCodes.LOGICAL_ERROR, "it failed"),
    ],
)
def test_a_server_in_trouble_is_waited_for(code, says):
    fate = fate_of(ServerException("DB::Exception: no. Stack trace: 0. abc", code))
    assert isinstance(fate, Retryable)
    assert str(fate) == f"writing 3 rows to raw.x: the warehouse can't now: {says} (no)"


@pytest.mark.parametrize(
    "error",
    [
        errors.NetworkError("refused"),
        errors.SocketTimeoutError("slow"),
        errors.UnexpectedPacketFromServerError("garbled"),
        errors.ChecksumDoesntMatchError("garbled"),
        EOFError("gone"),
        ConnectionResetError("gone"),
        TimeoutError("gone"),
        socket.gaierror("unknown host"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_wire_is_waited_for(error):
    fate = fate_of(error)
    assert isinstance(fate, Retryable)
    assert "writing 3 rows to raw.x: the warehouse does not answer" in str(fate)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (516, "refuses the user or the password: check HEADWATER_WAREHOUSE_URL"),
        (ErrorCodes.WRONG_PASSWORD, "refuses the user or the password"),
        (ErrorCodes.UNKNOWN_TABLE, "no. Are the tables up to date? Run `headwater migrate`"),
        (ErrorCodes.UNKNOWN_DATABASE, "Run `headwater migrate`"),
        (ErrorCodes.NO_SUCH_COLUMN_IN_TABLE, "Run `headwater migrate`"),
        (ErrorCodes.READONLY, "the warehouse's user may not do this (no)"),
        (497, "the warehouse's user may not do this"),
    ],
)
def test_a_warehouse_that_is_not_ours_to_use_stops_the_process(code, says):
    fate = fate_of(ServerException("DB::Exception: no.", code))
    assert isinstance(fate, Fatal)
    assert says in str(fate)


@pytest.mark.parametrize(
    "error",
    [
        ServerException("DB::Exception: constraint `x` is violated", 469),
        ServerException("DB::Exception: wrong", ErrorCodes.TYPE_MISMATCH),
        errors.TypeMismatchError("column x"),
        ValueError("wrong"),
        TypeError("wrong"),
        OverflowError("too large"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_row_that_does_not_fit_is_rejected(error):
    fate = fate_of(error)
    assert isinstance(fate, Rejected)
    assert fate.reason == "bad_row"
    assert fate.detail.startswith("writing 3 rows to raw.x: ")


def test_a_fate_that_is_known_already_stays_what_it_is():
    with pytest.raises(Retryable, match=r"^not now$"), fates("reading"):
        raise Retryable("not now")


def test_a_bug_of_ours_is_no_fate():
    with pytest.raises(ZeroDivisionError), fates("reading"):
        1 / 0  # noqa: B018
