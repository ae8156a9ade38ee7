"""Clients of a warehouse server under test, and what one asks of it again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from local.clickhouse.launch import Address

FOREVER = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"


def connected(served: Address, **options: Any) -> Client:
    """A client that connects on its first query."""
    login = {"user": "headwater", "password": served.password.get_secret_value()}
    return Client(served.host, served.port, **(login | options))


def running(client: Client, marker: str) -> bool:
    """Whether another query runs whose text holds the marker."""
    sql = (
        "SELECT count() FROM system.processes "
        "WHERE query LIKE %(like)s AND query_id != initialQueryID()"
    )
    return bool(client.execute(sql, {"like": f"%{marker}%"})[0][0])


@contextmanager
def refused(code: int) -> Iterator[None]:
    """The server answers the body with this error."""
    with pytest.raises(ServerException) as error:
        yield
    assert error.value.code == code, error.value
