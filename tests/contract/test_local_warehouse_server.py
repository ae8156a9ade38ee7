"""What our own warehouse server promises beyond a server's contract: refusals, limits, its end."""

import os
import signal
import socket
import stat
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from local.clickhouse.launch import Address, address, server_command
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.warehouse_clients import FOREVER, connected, refused, running
from tests.warehouse_server import serving

pytestmark = pytest.mark.warehouse

REFUSED: list[tuple[str, int]] = [
    ("SELECT 1; SELECT 2", 62),
    ("SELECT * FROM file('/etc/passwd', 'LineAsString')", 497),
    ("SELECT * FROM `f\\x69le`('/etc/passwd', 'LineAsString')", 497),
    ("SELECT file('/etc/passwd')", 497),
    ("DESCRIBE TABLE url('http://127.0.0.1/', 'CSV')", 497),
    ("WITH x AS (SELECT * FROM s3('http://127.0.0.1/x')) SELECT * FROM x", 497),
    ("SELECT * FROM executable('cat', 'CSV', 'a String')", 497),
    ("SELECT * FROM remote('127.0.0.1', system.one)", 497),
    ("SELECT * FROM sqlite('/etc/passwd', 'x')", 497),
    ("SELECT * FROM python('os', 'a String')", 497),
    ("INSERT INTO FUNCTION file('/tmp/x.csv') SELECT 1", 497),
    ("CREATE VIEW v AS SELECT * FROM file('/etc/passwd', 'LineAsString')", 497),
    ("CREATE TABLE f (a String) ENGINE = File(CSV, '/tmp/x.csv')", 497),
    ("CREATE TABLE k (a String) ENGINE = Kafka", 497),
    ("CREATE DATABASE d ENGINE = Filesystem('/')", 497),
    (
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a "  # noqa: ISC004 one statement
        "SOURCE(FILE(PATH '/etc/passwd' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
        497,
    ),
    ("SELECT 1 INTO OUTFILE '/tmp/x.csv'", 73),
    ("SELECT 1 INTO /* so */ OUTFILE '/tmp/x.csv' FORMAT CSV", 73),
    ("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 497),
    ("SYSTEM SHUTDOWN", 497),
    ("system /* now */ kill", 497),
    ("BACKUP DATABASE default TO File('/tmp/b')", 497),
    ("RESTORE DATABASE default FROM File('/tmp/b')", 497),
    ("ATTACH TABLE x FROM '/tmp' (a Int8) ENGINE = Log", 497),
    ("SET dialect = 'prql'", 497),
    ("CREATE NAMED COLLECTION c AS host = 'example.org'", 497),
    ("CREATE TABLE t (a Int8) ENGINE = Log SETTINGS disk = disk(type = s3)", 497),
    ("1 + 1", 62),
]
PATIENT = ("--stop-seconds", str(PATIENCE_SECONDS))
"""Options of a server that gives running writes the time of a busy machine."""


@pytest.fixture
def client(warehouse_server: Address) -> Iterator[Client]:
    client = connected(warehouse_server)
    yield client
    client.disconnect()


@pytest.mark.parametrize(("sql", "code"), REFUSED, ids=[sql[:50] for sql, _ in REFUSED])
def test_what_reaches_beyond_the_warehouse_is_refused(client: Client, sql: str, code: int) -> None:
    with refused(code):
        client.execute(sql)
    assert client.execute("SELECT 1") == [(1,)]


def test_a_file_is_no_table_even_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path) as (served, _process):
            client = connected(served)
            for table in ("`/etc/hostname`", "default.`/etc/hostname`", "'/etc/hostname'"):
                with pytest.raises(Error, match="/etc/hostname"):
                    client.execute(f"SELECT * FROM {table}")
            client.execute("CREATE TABLE IF NOT EXISTS default.t (n UInt8) ENGINE = Log")
            client.execute("INSERT INTO default.t VALUES", [(1,)])
    with serving(tmp_path) as (served, _process):
        assert connected(served).execute("SELECT count() FROM default.t") == [(2,)]


def test_a_query_has_a_memory_limit_unless_it_sets_another(tmp_path: Path) -> None:
    sql = "SELECT length(groupArray(number)) FROM numbers(10000000)"
    with serving(tmp_path, "--max-memory", str(10**7)) as (served, _):
        client = connected(served)
        with refused(241):
            client.execute(sql)
        assert client.execute(sql, settings={"max_memory_usage": 10**9}) == [(10**7,)]


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-connections", "2") as (served, _):
        first, second, third = (connected(served) for _ in range(3))
        first.execute("SELECT 1")
        second.execute("SELECT 1")
        with refused(202):
            third.execute("SELECT 1")
        first.disconnect()
        wait_until(lambda: answers(third))


def test_a_stranger_is_hung_up_on(warehouse_server: Address) -> None:
    with socket.create_connection((warehouse_server.host, warehouse_server.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(1) == b""


# The end


def test_sigterm_lets_a_running_insert_end_and_kills_a_running_select(tmp_path: Path) -> None:
    with serving(tmp_path, *PATIENT) as (served, process):
        client = connected(served)
        client.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        marker = uuid.uuid4().hex
        reader = Reading(served, marker)
        wait_until(lambda: running(client, marker))

        def rows() -> Iterator[tuple[int]]:
            yield from ((n,) for n in range(5_000))
            process.send_signal(signal.SIGTERM)
            assert reader.error().code == 210
            yield from ((n,) for n in range(5_000, 10_000))

        sql = "INSERT INTO t VALUES"
        assert client.execute(sql, rows(), settings={"insert_block_size": 1_000}) == 10_000
        assert process.wait(PATIENCE_SECONDS) == 0
    assert address(tmp_path) is None
    with serving(tmp_path) as (served, _):
        assert connected(served).execute("SELECT uniqExact(n) FROM t") == [(10_000,)]


def test_an_insert_that_does_not_end_in_time_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, "--stop-seconds", "0.2") as (served, process):
        client = connected(served)
        client.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")

        def rows() -> Iterator[tuple[int]]:
            yield (1,)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
            yield (2,)

        with pytest.raises((Error, OSError)):
            client.execute("INSERT INTO t VALUES", rows(), settings={"insert_block_size": 1})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_where_clients_are_idle(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, *PATIENT) as (served, process):
        connected(served).execute("SELECT 1")
        with socket.create_connection((served.host, served.port)):  # one that never greets
            process.send_signal(number)
            assert process.wait(PATIENCE_SECONDS / 2) == 0
    assert not (tmp_path / "run" / "warehouse.json").exists()


@pytest.mark.parametrize("attempt", range(2))
def test_kill_9_in_mid_insert_loses_no_acknowledged_row(tmp_path: Path, attempt: int) -> None:
    acknowledged: list[int] = []

    def write(served: Address, writer: int) -> None:
        client = connected(served)
        with suppress(Error, OSError, EOFError):
            for first in range(writer * 10**9, (writer + 1) * 10**9, 500):
                client.execute("INSERT INTO t VALUES", [(first + n,) for n in range(500)])
                acknowledged.extend(range(first, first + 500))

    with serving(tmp_path) as (served, process):
        connected(served).execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        writers = [threading.Thread(target=write, args=(served, each)) for each in range(3)]
        for writer in writers:
            writer.start()
        wait_until(lambda: len(acknowledged), lambda count: count > 10_000)
        process.kill()
        for writer in writers:
            writer.join()
    assert address(tmp_path) is None
    with serving(tmp_path) as (served, _):
        kept = {n for (n,) in connected(served).execute("SELECT n FROM t")}
    assert set(acknowledged) <= kept


# Its folder, its port, its password


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as (served, _):
        code, said = start(server_command(tmp_path))
        assert (code, served) == (2, address(tmp_path))
        assert f"another server has {tmp_path / 'warehouse'} open" in said


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "thesis.txt").write_text("mine")
    code, said = start(server_command(tmp_path))
    assert code == 2
    assert "not a headwater warehouse" in said
    assert [path.name for path in (tmp_path / "warehouse").iterdir()] == ["thesis.txt"]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = start(server_command(tmp_path, port=port))
    assert code == 2
    assert f"port {port}" in said
    assert "--port" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.org"])
def test_it_listens_on_loopback_alone(tmp_path: Path, host: str) -> None:
    code, said = start([*server_command(tmp_path), "--host", host])
    assert code == 2
    assert "not a loopback address" in said


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    command = server_command(tmp_path)
    password = tmp_path / "secrets" / "warehouse_password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    password.chmod(0o644)
    code, said = start(command)
    assert code == 2
    assert f"chmod 600 {password}" in said
    assert password.read_text() not in said


def test_a_full_disk_fails_the_insert_and_nothing_else(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs takes root")
    try:
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(8 << 20))
        with serving(tmp_path) as (served, _):
            fill_up(connected(served), ballast)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def fill_up(client: Client, ballast: Path) -> None:
    client.execute("CREATE TABLE t (n UInt64, s String CODEC(NONE)) ENGINE = MergeTree ORDER BY n")
    acknowledged = 0
    with refused(243):
        for _ in range(100):
            client.execute("INSERT INTO t VALUES", [(n, "x" * 1_000) for n in range(2_000)])
            acknowledged += 2_000
    assert acknowledged > 0
    assert client.execute("SELECT count() FROM t") == [(acknowledged,)]
    ballast.unlink()  # somebody makes room
    wait_until(lambda: inserted(client))
    assert client.execute("SELECT count() FROM t") == [(acknowledged + 1,)]


def inserted(client: Client) -> bool:
    try:
        return client.execute("INSERT INTO t VALUES", [(1, "x")]) == 1
    except Error:
        return False


def answers(client: Client) -> bool:
    try:
        return client.execute("SELECT 1") == [(1,)]
    except Error:
        return False


def start(command: list[str]) -> tuple[int, str]:
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    return ended.returncode, ended.stderr


class Reading:
    """A client in a thread of its own, in the middle of a query without an end."""

    def __init__(self, served: Address, marker: str) -> None:
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, args=(connected(served), marker))
        self._thread.start()

    def error(self) -> Any:
        """Wait for the error that ends the query."""
        self._thread.join(PATIENCE_SECONDS)
        return self._error

    def _read(self, client: Client, marker: str) -> None:
        try:
            client.execute(FOREVER.replace("SELECT", f"SELECT '{marker}',"))
        except Error as error:
            self._error = error
