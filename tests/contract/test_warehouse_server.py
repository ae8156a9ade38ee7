"""What every warehouse server promises over the native protocol, ours and a real one alike."""

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ErrorCodes

from local.clickhouse import binary
from local.clickhouse.launch import Address
from tests.waiting import wait_until
from tests.warehouse_clients import FOREVER, connected, refused, running
from tests.warehouse_server import serving

pytestmark = pytest.mark.warehouse

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)

TYPES: list[tuple[str, list[Any]]] = [
    ("UInt8", [0, 255]),
    ("Int64", [-(2**63), 2**63 - 1]),
    ("UInt64", [2**64 - 1]),
    ("Int256", [-(2**255), 2**255 - 1]),
    ("Float32", [0.5, -1.25]),
    ("Float64", [0.1, 1e300]),
    ("Decimal(9, 2)", [Decimal("-1234567.89")]),
    ("Decimal(38, 10)", [Decimal("1234567890123456789.0123456789")]),
    ("Bool", [True, False]),
    ("String", ["", "héllo ✓", "\n\n;\t'\"`\\ -- /* */", "x" * 300_000]),
    ("FixedString(3)", ["abc"]),
    ("UUID", [uuid.UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")]),
    ("Date", [date(1970, 1, 1), date(2149, 6, 6)]),
    ("Date32", [date(1900, 1, 1), date(2299, 12, 31)]),
    ("DateTime('UTC')", [NOON.replace(microsecond=0)]),
    ("DateTime64(6, 'UTC')", [NOON]),
    ("DateTime64(3, 'Asia/Tokyo')", [NOON.replace(microsecond=5000)]),
    ("Nullable(Int32)", [1, None]),
    ("Nullable(DateTime('Europe/Berlin'))", [NOON.replace(microsecond=0), None]),
    ("LowCardinality(String)", ["a", "b", "a"]),
    ("LowCardinality(Nullable(String))", ["a", None]),
    ("Array(Array(Nullable(String)))", [[], [["a", None], []]]),
    ("Array(LowCardinality(String))", [["a", "b"], [], ["a"]]),
    ("Tuple(Int32, String)", [(1, "a")]),
    ("Tuple(`a b` Int32, c Array(Tuple(x Date, y UInt8)))", [(1, [(date(2026, 1, 1), 2)])]),
    ("Map(String, Array(UInt32))", [{"a": [1, 2], "b": []}, {}]),
    ("Map(LowCardinality(String), Nullable(Float64))", [{"a": 0.5, "b": None}]),
    ("Enum8('b\\'' = -2, 'a, (' = 1)", ["a, (", "b'"]),
    ("Enum16('x' = 1000)", ["x"]),
    ("IPv4", [IPv4Address("10.0.0.1")]),
    ("SimpleAggregateFunction(max, UInt64)", [7]),
]


@pytest.fixture(scope="session")
def a_clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    if binary.find() is None:
        pytest.skip("no clickhouse 25.3 or newer is on the PATH")
    with serving(tmp_path_factory.mktemp("clickhouse")) as (served, _):
        yield served


@pytest.fixture(params=["ours", "clickhouse"])
def served(request: pytest.FixtureRequest) -> Address:
    name = "warehouse_server" if request.param == "ours" else "a_clickhouse"
    return request.getfixturevalue(name)


@pytest.fixture
def database(served: Address) -> Iterator[str]:
    name = f"contract_{uuid.uuid4().hex}"
    admin = connected(served)
    admin.execute(f"CREATE DATABASE {name}")
    yield name
    admin.execute(f"DROP DATABASE {name}")
    admin.disconnect()


@pytest.fixture
def client(served: Address, database: str) -> Iterator[Client]:
    client = connected(served, database=database)
    yield client
    client.disconnect()


# Values


@pytest.mark.parametrize("compression", [False, "lz4"])
@pytest.mark.parametrize(("kind", "values"), TYPES, ids=[kind for kind, _ in TYPES])
def test_values_of_every_type_come_back_as_they_were_sent(
    served: Address, database: str, kind: str, values: list[Any], compression: bool | str
) -> None:
    client = connected(served, database=database, compression=compression)
    client.execute(f"CREATE TABLE t (i UInt32, v {kind}) ENGINE = MergeTree ORDER BY i")
    assert client.execute("INSERT INTO t VALUES", list(enumerate(values))) == len(values)
    rows, columns = client.execute("SELECT v FROM t ORDER BY i", with_column_types=True)
    assert [row[0] for row in rows] == values
    assert columns == [("v", kind)]
    client.disconnect()


def test_a_datetime_keeps_its_time_zone(client: Client) -> None:
    rows, columns = client.execute(
        "SELECT toDateTime('2026-07-01 09:00:00', 'Asia/Tokyo') AS t, 1 AS n",
        with_column_types=True,
    )
    assert columns == [("t", "DateTime('Asia/Tokyo')"), ("n", "UInt8")]
    assert rows == [(datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo")), 1)]


def test_columns_are_known_even_where_there_is_no_row(client: Client) -> None:
    answer = client.execute("SELECT 1 AS a, 'x' AS b WHERE 0", with_column_types=True)
    assert answer == ([], [("a", "UInt8"), ("b", "String")])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "-- first\nSELECT 1 -- last",
        "/* first */ SELECT 1 /* last */ ;\n",
        "(SELECT 1)",
        "WITH 1 AS one SELECT one",
        "FROM system.one SELECT 1",
        "SELECT 1 FORMAT TabSeparated",
        "SELECT 1 SETTINGS max_threads = 1",
    ],
)
def test_a_statement_may_be_written_in_any_way(client: Client, sql: str) -> None:
    assert client.execute(sql) == [(1,)]


def test_words_within_quotes_are_no_keywords(client: Client) -> None:
    sql = "SELECT 'a; SELECT 2 -- INTO OUTFILE SYSTEM SHUTDOWN', 1 AS `file('x')`"
    assert client.execute(sql) == [("a; SELECT 2 -- INTO OUTFILE SYSTEM SHUTDOWN", 1)]


def test_a_column_may_be_named_like_a_table_function(client: Client) -> None:
    assert client.execute("SELECT 'x' AS url, 1 AS file, 2 AS remote") == [("x", 1, 2)]


def test_an_answer_that_is_no_selects_may_be_long(client: Client) -> None:
    rows = client.execute("SHOW FUNCTIONS", settings={"max_block_size": 100})
    assert len(rows) > 1_000
    assert client.execute("SELECT 1") == [(1,)]


def test_settings_hold_for_their_query_alone(client: Client) -> None:
    sql = "SELECT value, changed FROM system.settings WHERE name = 'max_threads'"
    before = client.execute(sql)
    assert client.execute(sql, settings={"max_threads": 3}) == [("3", 1)]
    assert client.execute(sql) == before


def test_temporary_tables_and_the_database_belong_to_a_connection(
    served: Address, client: Client
) -> None:
    client.execute("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.execute("INSERT INTO mine VALUES", [(1,)])
    assert client.execute("SELECT a FROM mine") == [(1,)]
    with refused(ErrorCodes.UNKNOWN_TABLE):
        connected(served).execute("SELECT a FROM mine")


def test_tables_sent_along_with_a_query_exist_for_it_alone(client: Client) -> None:
    table = {"name": "sent", "structure": [("a", "Int32")], "data": [{"a": 1}, {"a": 2}]}
    assert client.execute("SELECT sum(a) FROM sent", external_tables=[table]) == [(3,)]
    with refused(ErrorCodes.UNKNOWN_TABLE):
        client.execute("SELECT * FROM sent")


# Rows in and out


def test_results_come_as_they_are_found(client: Client) -> None:
    rows = client.execute_iter(
        "SELECT number, sleepEachRow(0.01) FROM system.numbers SETTINGS max_block_size = 10"
    )
    assert next(rows) == (0, 0)  # of a result without an end
    client.disconnect()


def test_an_insert_may_name_its_columns_in_any_order(client: Client) -> None:
    client.execute(
        "CREATE TABLE t (a UInt8, `b c` String DEFAULT 'd', m UInt8 MATERIALIZED a + 1) "
        "ENGINE = MergeTree ORDER BY a"
    )
    client.execute('INSERT INTO t ("b c", `a`) VALUES', [("x", 1)])
    client.execute("INSERT INTO t (a) FORMAT Native", [(2,)])
    client.execute("INSERT INTO TABLE t (*) SETTINGS async_insert = 0 VALUES", [(3, "y")])
    client.execute("INSERT INTO t VALUES (4, 'inline')")
    client.execute("INSERT INTO t /* why */ SETTINGS max_threads = 1 SELECT 5, 'selected'")
    rows = client.execute("SELECT a, `b c`, m FROM t ORDER BY a")
    assert rows == [(1, "x", 2), (2, "d", 3), (3, "y", 4), (4, "inline", 5), (5, "selected", 6)]


def test_an_insert_of_many_blocks_is_counted_once(client: Client) -> None:
    client.execute("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    rows = ((n, "x" * 1000) for n in range(40_000))
    client.execute("INSERT INTO t VALUES", rows, settings={"insert_block_size": 3_000})
    assert client.execute("SELECT count(), uniqExact(n), sum(length(s)) FROM t") == [
        (40_000, 40_000, 40_000_000)
    ]


def test_an_error_in_mid_insert_leaves_the_connection_usable(client: Client) -> None:
    client.execute(
        "CREATE TABLE t (n UInt64, CONSTRAINT small CHECK n < 100) ENGINE = MergeTree ORDER BY n"
    )
    with refused(469):
        client.execute(
            "INSERT INTO t VALUES",
            ((n,) for n in range(1_000)),
            settings={"insert_block_size": 10},
        )
    with refused(ErrorCodes.UNKNOWN_TABLE):
        client.execute("INSERT INTO missing VALUES", [(1,)])
    with refused(ErrorCodes.NO_SUCH_COLUMN_IN_TABLE):
        client.execute("INSERT INTO t (n, other) VALUES", [(1, 1)])
    client.execute("INSERT INTO t VALUES", [(7,)])
    assert client.execute("SELECT count() FROM t WHERE n = 7") == [(1,)]


def test_an_insert_that_a_materialized_view_refuses_is_not_acknowledged(client: Client) -> None:
    client.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.execute("CREATE TABLE copy (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.execute("CREATE MATERIALIZED VIEW v TO copy AS SELECT n + throwIf(n > 1) AS n FROM t")
    with refused(395):
        client.execute("INSERT INTO t VALUES", [(1,), (2,)])


def test_an_error_in_mid_result_reaches_the_client(client: Client) -> None:
    with refused(395):
        client.execute("SELECT throwIf(number = 900000) FROM numbers(1000000)")
    assert client.execute("SELECT 1") == [(1,)]


def test_an_insert_with_no_room_left_on_disk_fails_and_what_was_acknowledged_stays(
    client: Client,
) -> None:
    client.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.execute("INSERT INTO t VALUES", [(1,)])
    client.execute(f"ALTER TABLE t MODIFY SETTING min_free_disk_bytes_to_perform_insert = {2**60}")
    with refused(ErrorCodes.NOT_ENOUGH_SPACE):
        client.execute("INSERT INTO t VALUES", [(2,)])
    client.execute("ALTER TABLE t RESET SETTING min_free_disk_bytes_to_perform_insert")
    client.execute("INSERT INTO t VALUES", [(3,)])
    assert client.execute("SELECT n FROM t ORDER BY n") == [(1,), (3,)]


def test_a_query_may_not_take_more_memory_than_allowed(client: Client) -> None:
    with refused(ErrorCodes.MEMORY_LIMIT_EXCEEDED):
        client.execute(
            "SELECT length(groupArray(number)) FROM numbers(10000000)",
            settings={"max_memory_usage": 10_000_000},
        )


# Clients that come, go, and change their minds


def test_a_cancelled_query_ends(served: Address, client: Client) -> None:
    marker = uuid.uuid4().hex
    rows = client.execute_iter(
        f"SELECT '{marker}', sleepEachRow(0.01) FROM system.numbers SETTINGS max_block_size = 10"
    )
    next(rows)
    client.cancel()
    wait_until(lambda: not running(client, marker))


@pytest.mark.parametrize("sql", [FOREVER, f"CREATE TABLE x ENGINE = Log AS {FOREVER}"])
def test_the_query_of_a_client_that_died_ends(
    served: Address, database: str, client: Client, sql: str
) -> None:
    marker = uuid.uuid4().hex
    doomed = connected(served, database=database)
    doomed.connection.force_connect()
    doomed.connection.send_query(sql.replace("SELECT", f"SELECT '{marker}',"))
    doomed.connection.send_external_tables([])
    wait_until(lambda: running(client, marker))
    doomed.disconnect()
    wait_until(lambda: not running(client, marker))


def test_clients_work_at_the_same_time(served: Address, client: Client, database: str) -> None:
    client.execute("CREATE TABLE t (w UInt8, n UInt64) ENGINE = MergeTree ORDER BY (w, n)")

    def write(writer: int) -> None:
        mine = connected(served, database=database)
        for batch in range(10):
            mine.execute("INSERT INTO t VALUES", [(writer, batch * 100 + n) for n in range(100)])
        mine.disconnect()

    slow = connected(served)
    thread = threading.Thread(
        target=slow.execute, args=("SELECT sleepEachRow(0.1) FROM numbers(10)",)
    )
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for each in (thread, *writers):
        each.start()
    for each in (*writers, thread):
        each.join()
    assert client.execute("SELECT count(), uniqExact(w, n) FROM t") == [(4_000, 4_000)]


def test_a_wrong_password_is_refused(served: Address) -> None:
    with refused(516):
        connected(served, password="wrong").execute("SELECT 1")


def test_an_unknown_user_is_refused(served: Address) -> None:
    stranger = Client(
        served.host, served.port, user="root", password=served.password.get_secret_value()
    )
    with refused(516):
        stranger.execute("SELECT 1")


def test_an_unknown_database_is_refused(served: Address) -> None:
    with refused(ErrorCodes.UNKNOWN_DATABASE):
        connected(served, database="missing").execute("SELECT 1")


# What a sales company's warehouse stands on


def test_a_parametrised_view_takes_its_moment(client: Client) -> None:
    client.execute(
        "CREATE TABLE t (at DateTime64(6, 'UTC'), n UInt8) ENGINE = MergeTree ORDER BY at"
    )
    client.execute("INSERT INTO t VALUES", [(NOON, 1), (NOON + timedelta(hours=1), 2)])
    client.execute(
        "CREATE VIEW v AS SELECT sum(n) AS n FROM t WHERE at <= {as_of:DateTime64(6,'UTC')}"
    )
    sql = "SELECT n FROM v(as_of = %(at)s)"
    assert client.execute(sql, {"at": "2026-11-23 12:30:00.000000"}) == [(1,)]
    assert client.execute(sql, {"at": "2026-11-23 14:00:00.000000"}) == [(3,)]


def test_a_replacing_table_forgets_repeats_by_key(client: Client) -> None:
    client.execute("CREATE TABLE t (k UInt8, v UInt8) ENGINE = ReplacingMergeTree(v) ORDER BY k")
    for version in (1, 3, 2):
        client.execute("INSERT INTO t VALUES", [(1, version)])
    assert client.execute("SELECT v FROM t FINAL") == [(3,)]
    client.execute("OPTIMIZE TABLE t FINAL")
    assert client.execute("SELECT v FROM t") == [(3,)]


def test_limit_by_keeps_the_first_of_each_key(client: Client) -> None:
    sql = "SELECT number % 2 AS k, number FROM numbers(10) ORDER BY number DESC LIMIT 1 BY k"
    assert client.execute(sql) == [(1, 9), (0, 8)]


def test_deletes_and_mutations_take_effect(client: Client) -> None:
    client.execute("CREATE TABLE t (n UInt8, s String) ENGINE = MergeTree ORDER BY n")
    client.execute("INSERT INTO t VALUES", [(n, "old") for n in range(4)])
    client.execute("DELETE FROM t WHERE n = 0")
    client.execute("ALTER TABLE t UPDATE s = 'new' WHERE n = 1 SETTINGS mutations_sync = 1")
    client.execute("ALTER TABLE t DELETE WHERE n = 2 SETTINGS mutations_sync = 1")
    assert client.execute("SELECT n, s FROM t ORDER BY n") == [(1, "new"), (3, "old")]


def test_a_dictionary_looks_a_table_up(client: Client, database: str) -> None:
    client.execute("CREATE TABLE t (id UInt64, name String) ENGINE = MergeTree ORDER BY id")
    client.execute("INSERT INTO t VALUES", [(1, "one")])
    client.execute(
        "CREATE DICTIONARY d (id UInt64, name String) PRIMARY KEY id "
        f"SOURCE(CLICKHOUSE(DB '{database}' TABLE 't' USER 'default' PASSWORD '')) "
        "LAYOUT(FLAT()) LIFETIME(0)"
    )
    assert client.execute(f"SELECT dictGet('{database}.d', 'name', toUInt64(1))") == [("one",)]


def test_a_refreshable_view_fills_itself(client: Client) -> None:
    client.execute("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    client.execute("INSERT INTO t VALUES", [(1,), (2,)])
    client.execute(
        "CREATE MATERIALIZED VIEW v REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY n "
        "AS SELECT sum(n) AS n FROM t"
    )
    wait_until(lambda: client.execute("SELECT n FROM v"), [(3,)])
    client.execute("INSERT INTO t VALUES", [(4,)])
    client.execute("SYSTEM REFRESH VIEW v")
    wait_until(lambda: client.execute("SELECT n FROM v"), [(7,)])
