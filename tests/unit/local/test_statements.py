"""What the server understands of a statement by its text alone."""

import pytest

from local.clickhouse.statements import Insert, literal, quoted, read, unquoted


@pytest.mark.parametrize(
    ("sql", "insert"),
    [
        ("INSERT INTO t VALUES", Insert("t", (), "")),
        ("insert into table t format Native;", Insert("t", (), "")),
        ('INSERT INTO `d b`."t" (a, `b, c`) VALUES', Insert('`d b`."t"', ("a", "b, c"), "")),
        ("INSERT INTO t(*) VALUES", Insert("t", (), "")),
        (
            "/* why */ INSERT INTO t (a) SETTINGS async_insert = 1 VALUES -- rows follow",
            Insert("t", ("a",), "SETTINGS async_insert = 1"),
        ),
        ("INSERT INTO t", Insert("t", (), "")),
        ("INSERT INTO t VALUES (1)", None),
        ("INSERT INTO t SELECT 1", None),
        ("INSERT INTO t (a) SELECT 1", None),
        ("INSERT INTO t SETTINGS async_insert = 1, log_comment = 'a, b' SELECT 1", None),
        ("INSERT INTO FUNCTION file('x') VALUES", None),
        ("SELECT 'INSERT INTO t VALUES'", None),
    ],
)
def test_an_insert_of_blocks_is_told_from_other_inserts(sql: str, insert: Insert | None) -> None:
    assert read(sql).insert == insert


@pytest.mark.parametrize(
    ("sql", "streams", "writes"),
    [
        ("SELECT 1", True, False),
        ("((SELECT 1)) UNION ALL (SELECT 2)", True, False),
        ("WITH 1 AS x SELECT x", True, False),
        ("-- SELECT\nSHOW TABLES", False, False),
        ("INSERT INTO t SELECT 1", False, True),
        ("create table t (a UInt8) ENGINE = Log", False, True),
    ],
)
def test_reading_is_told_from_writing(sql: str, streams: bool, writes: bool) -> None:
    statement = read(sql)
    assert (statement.streams, statement.writes) == (streams, writes)


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT 1 FORMAT JSON", "SELECT 1"),
        ("SELECT 1 FORMAT Native ; -- end", "SELECT 1"),
        ("SELECT ' FORMAT JSON'", "SELECT ' FORMAT JSON'"),
        ("SELECT '-- no' /* yes */;", "SELECT '-- no'"),
        ("SELECT $$-- '$$, `/*`", "SELECT $$-- '$$, `/*`"),
        ("INSERT INTO t FORMAT Native", "INSERT INTO t FORMAT Native"),
    ],
)
def test_comments_and_the_output_format_go_and_nothing_else(sql: str, kept: str) -> None:
    assert read(sql).sql == kept


def test_quoted_text_and_comments_have_no_words() -> None:
    words = read("SELECT 'a b', `c`, \"d\", $x$ e $x$ -- f\n FROM t").words
    assert set(words.replace("'", " ").split()) == {"SELECT", ",", "FROM", "t"}


@pytest.mark.parametrize("name", ["plain", "with `ticks`", "with \\ strokes", "'"])
def test_a_quoted_name_comes_back(name: str) -> None:
    assert unquoted(quoted(name)) == name


def test_a_literal_cannot_be_left() -> None:
    assert literal("a' OR \\'") == "'a\\' OR \\\\\\''"
