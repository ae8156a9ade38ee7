"""What every warehouse promises to the rooms that write and read it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from traceback import format_exception
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import SecretStr

from contracts.capture_rows import CursorRow
from contracts.crm_rows import CurrencyRateRow, OpportunityRow, RepRow
from contracts.errors import Fatal, Rejected, Retryable, UserError
from contracts.rows import ActivityRow, DeadLetterRow, EngagementScoreRow, Row, SightingRow
from local.clickhouse import binary
from tests.warehouse_server import serving
from tests.warehouse_tables import empty, url_of
from warehouse.connection import connect
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
REAL = "HEADWATER_TEST_CLICKHOUSE"


@pytest.fixture(scope="session")
def real_clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    """A ClickHouse of the environment's, else a binary on the PATH; its tables are emptied."""
    if given := os.environ.get(REAL):
        yield SecretStr(given)
    elif binary.find():
        with serving(tmp_path_factory.mktemp("clickhouse")) as (served, _):
            yield url_of(served)
    else:
        pytest.skip(f"neither {REAL} nor a clickhouse 25.3 or newer on the PATH")


@pytest.fixture(params=["ours", "clickhouse"])
def warehouse_url(request: pytest.FixtureRequest) -> Iterator[SecretStr]:
    """A migrated warehouse of each kind, without rows."""
    name = "migrated_warehouse" if request.param == "ours" else "real_clickhouse"
    url = request.getfixturevalue(name)
    migrate(url)
    empty(url)
    yield url
    empty(url)


def activity(**changes: Any) -> ActivityRow:
    row = ActivityRow(
        activity_id=uuid4(),
        channel="email",
        direction="inbound",
        event_time=NOON,
        time_quality="stated",
        knowable_at=NOON,
        received_at=NOON,
        source="test",
        message_id="<1@acme.example>",
        thread_id="",
        subject="Offer",
        body="Hello",
        duration_seconds=0,
        is_automatic=False,
        participant_address=("jo@acme.example", "kim@ourco.example"),
        participant_name=("Jo", ""),
        participant_role=("from", "to"),
        participant_is_ours=(False, True),
    )
    return replace(row, **changes)


def sighting(of: ActivityRow, **changes: Any) -> SightingRow:
    row = SightingRow(
        source="test",
        external_id=str(of.activity_id),
        ingest_run="r",
        kind="mail",
        observer="kim",
        disposition="activity",
        reason="",
        activity_id=of.activity_id,
        event_time=of.event_time,
        received_at=NOON,
    )
    return replace(row, **changes)


def cursor(state: str, at: datetime = NOON) -> CursorRow:
    return CursorRow(source="test", state=state, saved_at=at)


def stored(reader: Reader, row_type: type[Row]) -> list[Any]:
    return reader.rows(row_type, f"SELECT * FROM {row_type.table} FINAL")


# Rows that come back


text = st.text(st.characters(codec="utf-8"), max_size=40)
# The driver reads times by way of floats, which hold every microsecond until 2242.
moment = st.datetimes(
    FIRST.replace(tzinfo=None),
    LAST.replace(year=2241, tzinfo=None),
    timezones=st.just(UTC),
)
a_day = st.dates(FIRST.date(), LAST.date())
people = st.lists(st.tuples(text, st.booleans()), max_size=4)
quick = hypothesis_settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def activities(draw: st.DrawFn) -> ActivityRow:
    some = draw(people)
    return activity(
        activity_id=draw(st.uuids()),
        event_time=draw(moment),
        knowable_at=draw(moment),
        subject=draw(text),
        body=draw(text),
        duration_seconds=draw(st.integers(0, 2**32 - 1)),
        is_automatic=draw(st.booleans()),
        participant_address=tuple(address for address, _ in some),
        participant_name=tuple(address[::-1] for address, _ in some),
        participant_role=tuple("from" for _ in some),
        participant_is_ours=tuple(ours for _, ours in some),
    )


@quick
@given(st.lists(activities(), min_size=1, max_size=50, unique_by=lambda row: row.activity_id))
def test_rows_come_back_as_they_were_written(
    warehouse_url: SecretStr, writer: Writer, reader: Reader, rows: list[ActivityRow]
) -> None:
    empty(warehouse_url)
    writer.write(rows)
    by_id = {row.activity_id: row for row in stored(reader, ActivityRow)}
    assert by_id == {row.activity_id: row for row in rows}


@pytest.mark.parametrize(
    "row",
    [
        OpportunityRow(
            opportunity_id="o", stage="won", created_on=FIRST.date(), close_on=LAST.date(),
            amount_minor=-(2**63), source="crm", knowable_at=FIRST,
        ),
        OpportunityRow(
            opportunity_id="o", stage="new", created_on=date(1969, 12, 31), close_on=None,
            amount_minor=2**63 - 1, source="crm", knowable_at=NOON,
        ),
        RepRow(rep_id="r", name="Åsa 🙂", source="", knowable_at=NOON, left_on=date(2026, 1, 1)),
        CurrencyRateRow(
            currency="JPY", base="USD", rate_on=NOON.date(), rate=Decimal("0.00654321"),
            source="crm", knowable_at=datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        EngagementScoreRow(
            account_id="a", as_of=NOON, weights_version="v1", score=0.1 + 0.2,
            component=("call", "breadth"), points=(0.1, 0.2), activity_count=2**64 - 1,
            last_activity_at=None,
        ),
        cursor("x" * 1_000_000),
    ],
    ids=lambda row: type(row).__name__,
)  # fmt: skip
def test_every_kind_of_value_comes_back_exactly(writer: Writer, reader: Reader, row: Row) -> None:
    writer.write([row])
    assert stored(reader, type(row)) == [row]


def test_a_time_of_another_zone_is_stored_as_the_same_moment(
    writer: Writer, reader: Reader
) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    writer.write([cursor("x", tokyo)])
    (found,) = stored(reader, CursorRow)
    assert found.saved_at == NOON
    assert found.saved_at.utcoffset() == timedelta()


# Repeats


def test_writing_again_changes_nothing(writer: Writer, reader: Reader) -> None:
    rows = [activity() for _ in range(20)]
    for _ in range(3):
        writer.write([row for one in rows for row in (one, sighting(one))])
    assert len(stored(reader, ActivityRow)) == len(stored(reader, SightingRow)) == 20


def test_of_the_same_key_the_last_write_wins(writer: Writer, reader: Reader) -> None:
    row = activity()
    writer.write([row])
    writer.write([replace(row, subject="corrected")])
    assert [found.subject for found in stored(reader, ActivityRow)] == ["corrected"]


def test_the_newest_cursor_wins_whenever_it_is_written(writer: Writer, reader: Reader) -> None:
    writer.write([cursor("new", NOON)])
    writer.write([cursor("old", NOON - timedelta(seconds=1))])
    assert [found.state for found in stored(reader, CursorRow)] == ["new"]


# What does not fit


SURROGATES = [
    ("lone \ud800 half", "lone \ufffd half"),
    ("\udcff", "\ufffd"),
    ("a pair \ud83d\ude42", "a pair 🙂"),
    ("nul \x00 nul", "nul \x00 nul"),
]


@pytest.mark.parametrize(("hostile", "kept"), SURROGATES, ids=ascii)
def test_hostile_text_breaks_no_insert(
    writer: Writer, reader: Reader, hostile: str, kept: str
) -> None:
    writer.write([activity(body=hostile, participant_name=(hostile, "Kim")), activity()])
    (found,) = [row for row in stored(reader, ActivityRow) if row.body != "Hello"]
    assert (found.body, found.participant_name) == (kept, (kept, "Kim"))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            activity(event_time=FIRST - timedelta(microseconds=1)),
            "column event_time of raw.activity",
        ),
        (activity(event_time=datetime(2300, 1, 1, tzinfo=UTC)), "not between the years 1900 and"),
        (activity(knowable_at=datetime(2026, 1, 1)), r"column knowable_at .*\(datetime\)"),  # noqa: DTZ001 naive on purpose
        (activity(received_at="today"), r"column received_at .*\(str\)"),
        (activity(subject=7), r"column subject of raw.activity .*\(int\)"),
        (activity(participant_name=("Jo", None)), "column participant_name of raw.activity"),
        (activity(duration_seconds=-1), "raw.activity: .*duration_seconds"),
        (activity(duration_seconds=2**32), "raw.activity: .*duration_seconds"),
        (activity(duration_seconds="long"), r"column duration_seconds .*\(str\): it holds int"),
        (activity(is_automatic="no"), r"column is_automatic .*\(str\): it holds bool"),
        (activity(activity_id="an id"), r"column activity_id .*\(str\): it holds UUID"),
        (activity(participant_is_ours=(True, 1)), r"column participant_is_ours .*holds bool"),
        (
            RepRow(rep_id="r", name="", source="", knowable_at=NOON, hired_on=date(1899, 12, 31)),
            "column hired_on of raw.rep",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_rejected_and_named(
    writer: Writer, reader: Reader, row: Row, says: str
) -> None:
    with pytest.raises(Rejected, match=says) as rejected:
        writer.write([row])
    assert rejected.value.reason == "bad_row"
    assert stored(reader, type(row)) == []


def test_a_rejected_activity_leaves_no_sighting_that_says_it_is_stored(
    writer: Writer, reader: Reader
) -> None:
    good, bad = activity(), activity(duration_seconds=-1)
    with pytest.raises(Rejected):
        writer.write([sighting(good), good, sighting(bad), bad])
    assert stored(reader, SightingRow) == stored(reader, ActivityRow) == []
    writer.write([sighting(good), good])
    assert stored(reader, SightingRow) == [sighting(good)]


def test_after_a_rejected_row_the_writer_goes_on(writer: Writer, reader: Reader) -> None:
    with pytest.raises(Rejected):
        writer.write([activity(duration_seconds=-1)])
    writer.write([activity()])
    assert len(stored(reader, ActivityRow)) == 1


def test_nothing_to_write_is_nothing_wrong(writer: Writer) -> None:
    writer.write([])


# Many threads, lost connections


def test_threads_share_a_writer_and_a_reader(writer: Writer, reader: Reader) -> None:
    def work(_: int) -> int:
        writer.write([activity() for _ in range(10)])
        return int(reader.value("SELECT count() FROM raw.activity"))

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(16)))
    assert max(counts) == len(stored(reader, ActivityRow)) == 160


def test_a_lost_connection_is_made_again(writer: Writer, reader: Reader) -> None:
    writer.write([cursor("one")])
    assert reader.value("SELECT 1") == 1
    for client in (writer._client, reader._client):
        client.connection.socket.shutdown(2)
    writer.write([cursor("two", NOON + timedelta(seconds=1))])
    assert [found.state for found in stored(reader, CursorRow)] == ["two"]


# Reading


EVERYTHING = """
    SELECT
        toInt32(1) AS whole, toUInt64(2) AS count, CAST(3 AS Nullable(Int64)) AS maybe_whole,
        1.5 AS real, CAST(NULL AS Nullable(Float64)) AS maybe_real, true AS flag, 'text' AS text,
        toLowCardinality('a') AS category, CAST(NULL AS Nullable(String)) AS maybe_text,
        toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS id, toDate32('2026-11-23') AS day,
        toDateTime64('2026-11-23 12:00:00.123456', 6, 'UTC') AS moment,
        toDateTime64('2026-11-23 21:00:00.123456', 6, 'Asia/Tokyo') AS tokyo,
        toDateTime('2026-11-23 12:00:00') AS no_zone,
        CAST(NULL AS Nullable(DateTime64(6, 'UTC'))) AS maybe_moment,
        ['a', 'b'] AS texts, [1.5] AS reals, map('a', 1) AS counts,
        toDecimal64('1.25', 8) AS decimal, toUInt64(18446744073709551615) AS hash
"""
DTYPES = {
    "whole": "int64", "count": "int64", "maybe_whole": "float64", "real": "float64",
    "maybe_real": "float64", "flag": "bool", "text": "object", "category": "object",
    "maybe_text": "object", "id": "object", "day": "object",
    "moment": "datetime64[us, UTC]", "tokyo": "datetime64[us, UTC]",
    "no_zone": "datetime64[us, UTC]", "maybe_moment": "datetime64[us, UTC]",
    "texts": "object", "reals": "object", "counts": "object", "decimal": "object",
    "hash": "object",
}  # fmt: skip


def test_a_frame_keeps_values_and_has_a_dtype_for_each_type(reader: Reader) -> None:
    frame = reader.frame(EVERYTHING)
    assert frame.dtypes.astype(str).to_dict() == DTYPES
    row = frame.iloc[0]
    assert row["id"] == UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
    assert row["moment"] == row["tokyo"] == pd.Timestamp(NOON)
    assert row["no_zone"] == pd.Timestamp(NOON.replace(microsecond=0))
    assert row["maybe_moment"] is pd.NaT
    assert np.isnan(row["maybe_real"])
    assert row["maybe_text"] is None
    assert (row["texts"], row["reals"], row["counts"]) == (["a", "b"], [1.5], {"a": 1})
    assert (row["day"], row["decimal"]) == (date(2026, 11, 23), Decimal("1.25"))
    assert row["hash"] == 2**64 - 1


def test_an_empty_frame_has_the_same_columns_and_dtypes(reader: Reader) -> None:
    frame = reader.frame(f"SELECT * FROM ({EVERYTHING}) WHERE whole = 0")
    assert len(frame) == 0
    assert frame.dtypes.astype(str).to_dict() == DTYPES | {"hash": "int64"}


def test_a_value_is_the_first_cell_or_nothing(reader: Reader) -> None:
    assert reader.value("SELECT number, 1 FROM numbers(5, 5)") == 5
    assert reader.value("SELECT 1 WHERE 0") is None


HOSTILE = "'; DROP TABLE raw.activity; -- \\' %(x)s \x00 \n 🙂"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (HOSTILE, "String"),
        (UUID(int=7), "UUID"),
        (True, "Bool"),
        (-1, "Int64"),
        (0.1 + 0.2, "Float64"),
        (date(2026, 11, 23), "Date32"),
        (NOON, "DateTime64(6, 'UTC')"),
        (None, "Nullable(String)"),
        (["a", HOSTILE], "Array(String)"),
        ([NOON], "Array(DateTime64(6, 'UTC'))"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_parameter_arrives_as_it_is(reader: Reader, value: object, kind: str) -> None:
    """A time keeps its microseconds, whatever the server's time zone."""
    told = {"value": value, "kind": kind}
    found = reader.frame("SELECT CAST(%(value)s, %(kind)s) AS value, '100%%' AS percent", told)
    assert found["value"].iloc[0] == value or (value is None and found["value"].iloc[0] is None)
    assert found["percent"].iloc[0] == "100%"


def test_a_parameter_in_a_list_finds_its_rows(writer: Writer, reader: Reader) -> None:
    rows = [activity(event_time=NOON + timedelta(microseconds=n)) for n in range(3)]
    writer.write(rows)
    told = {
        "ids": tuple(row.activity_id for row in rows[:2]),
        "at": NOON + timedelta(microseconds=1),
    }
    counted = "SELECT count() FROM raw.activity WHERE activity_id IN %(ids)s"
    assert reader.value(counted, told) == 2
    assert reader.value("SELECT count() FROM raw.activity WHERE event_time > %(at)s", told) == 1


def test_rows_that_lack_a_field_or_hold_another_type_are_an_error(reader: Reader) -> None:
    with pytest.raises(UserError, match="CursorRow needs saved_at, state from"):
        reader.rows(CursorRow, "SELECT 'x' AS source")
    with pytest.raises(UserError, match=r"CursorRow: Expected `str`, got `int`.*state"):
        reader.rows(CursorRow, "SELECT 'x' AS source, 1 AS state, now64(6, 'UTC') AS saved_at")


def test_pages_hold_what_rows_hold_so_many_at_once(writer: Writer, reader: Reader) -> None:
    writer.write([activity(event_time=NOON + timedelta(microseconds=n)) for n in range(7)])
    sql = "SELECT * FROM raw.activity FINAL WHERE event_time > %(after)s ORDER BY event_time"
    pages = list(reader.pages(ActivityRow, sql, {"after": NOON}, size=4))
    assert list(map(len, pages)) == [4, 2]
    assert [row for page in pages for row in page] == reader.rows(ActivityRow, sql, {"after": NOON})
    assert list(reader.pages(ActivityRow, sql, {"after": LAST})) == []


def test_a_reader_whose_pages_nobody_reads_to_the_end_goes_on(reader: Reader) -> None:
    asked = "SELECT toString(number) AS source, '' AS state, now64(6, 'UTC') AS saved_at "
    pages = reader.pages(CursorRow, asked + "FROM numbers(10000000)", size=2)
    assert [row.source for row in next(pages)] == ["0", "1"]
    pages.close()
    assert reader.value("SELECT 1") == 1


@pytest.mark.parametrize(
    ("sql", "told", "error", "says"),
    [
        ("SELEC 1", None, UserError, "Syntax error.* The statement was: SELEC 1"),
        ("SELECT toUUID('x')", None, UserError, "The statement was"),
        ("SELECT %(a)s", {"b": 1}, UserError, "no parameter 'a' is given to: SELECT"),
        ("SELECT %(a)s", {"a": datetime(2026, 1, 1)}, UserError, "has no time zone"),  # noqa: DTZ001 naive on purpose
        ("SELECT * FROM raw.nope", None, Fatal, "nope.*headwater migrate"),
        ("SELECT * FROM nope.nope", None, Fatal, "nope.*headwater migrate"),
        ("SELECT nope FROM raw.activity", None, Fatal, "nope.*headwater migrate"),
        ("INSERT INTO raw.source_cursor (state) VALUES ('x')", None, Fatal, "may not do this"),
        ("TRUNCATE TABLE raw.activity", None, Fatal, "may not do this"),
        ("DROP DATABASE raw", None, Fatal, "may not do this"),
        ("SET readonly = 0", None, Fatal, "may not do this"),
        (
            "SELECT groupArray(number) FROM numbers(9999999) SETTINGS max_memory_usage = 5000000",
            None,
            Retryable,
            "it is out of memory",
        ),
    ],
)
def test_what_can_not_be_read_is_an_error_that_says_why(
    reader: Reader, sql: str, told: dict[str, Any] | None, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=f"(?s){says}"):
        reader.value(sql, told)
    with pytest.raises(error, match=f"(?s){says}"):
        next(reader.pages(CursorRow, sql, told))
    assert reader.value("SELECT 1") == 1


def test_a_query_that_takes_too_long_is_stopped(warehouse_url: SecretStr) -> None:
    hasty = Reader(warehouse_url, seconds=3)
    with pytest.raises(Retryable, match="took too long"):
        hasty.value("SELECT max(sipHash64(number)) FROM numbers(1000000000000)")
    assert hasty.value("SELECT 1") == 1
    hasty.close()


# Who may come in, and where to


def test_a_wrong_password_is_fatal_and_no_message_holds_it(warehouse_url: SecretStr) -> None:
    scheme, rest = warehouse_url.get_secret_value().split("://")
    host = rest.rpartition("@")[2]
    wrong = SecretStr(f"{scheme}://headwater:open-sesame@{host}")
    for attempt in (
        lambda: Reader(wrong).value("SELECT 1"),
        lambda: Writer(wrong).write([cursor("x")]),
    ):
        with pytest.raises(Fatal, match="refuses the user or the password") as fatal:
            attempt()
        assert "open-sesame" not in "".join(format_exception(fatal.value))


def test_a_table_that_is_not_there_is_fatal_and_names_the_remedy(writer: Writer) -> None:
    class NopeRow(Row, frozen=True, kw_only=True):
        table = "raw.nope"
        a: str

    with pytest.raises(Fatal, match=r"raw.nope.*Run `headwater migrate`"):
        writer.write([NopeRow(a="x")])


def test_a_row_that_the_table_refuses_is_rejected(
    warehouse_url: SecretStr, writer: Writer, reader: Reader
) -> None:
    admin = connect(warehouse_url)
    admin.execute("ALTER TABLE raw.source_cursor ADD CONSTRAINT small CHECK length(state) < 5")
    try:
        with pytest.raises(Rejected, match=r"raw.source_cursor: .*small"):
            writer.write([cursor("too long")])
        writer.write([cursor("fits")])
    finally:
        admin.execute("ALTER TABLE raw.source_cursor DROP CONSTRAINT small")
    assert [found.state for found in stored(reader, CursorRow)] == ["fits"]


def test_without_a_server_a_write_can_be_tried_again() -> None:
    nowhere = SecretStr("clickhouse://headwater:open-sesame@127.0.0.1:9")
    with pytest.raises(Retryable, match=r"writing 1 rows to raw.source_cursor: the warehouse does"):
        Writer(nowhere).write([cursor("x")])


def test_a_server_that_comes_back_is_written_to_again(tmp_path: Path) -> None:
    """The same writer and reader, before and after; what was acknowledged is still there."""
    with serving(tmp_path) as (served, _):
        url = url_of(served)
        migrate(url)
        writer, reader = Writer(url), Reader(url)
        writer.write([cursor("one")])
        assert len(stored(reader, CursorRow)) == 1
    with pytest.raises(Retryable):
        writer.write([cursor("two", NOON + timedelta(seconds=1))])
    with pytest.raises(Retryable):
        reader.value("SELECT 1")
    with serving(tmp_path, "--port", str(served.port)):
        assert [found.state for found in stored(reader, CursorRow)] == ["one"]
        writer.write([cursor("two", NOON + timedelta(seconds=1))])
        assert [found.state for found in stored(reader, CursorRow)] == ["two"]


def test_a_dead_letter_keeps_its_place_and_bytes(writer: Writer, reader: Reader) -> None:
    row = DeadLetterRow(
        dead_letter_id=uuid4(), topic="heard.mail", partition=2**32 - 1, offset=2**64 - 1,
        position=-1, kind="", source="", external_id="", ingest_run="", reason="bad_wire",
        detail="not a message", is_event=False, event_base64="wQ==", failed_at=NOON,
    )  # fmt: skip
    writer.write([row])
    assert stored(reader, DeadLetterRow) == [row]
    writer.write([replace(row, replayed_at=NOON)])
    assert stored(reader, DeadLetterRow) == [replace(row, replayed_at=NOON)]
