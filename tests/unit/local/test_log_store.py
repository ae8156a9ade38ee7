"""The log's store: durable, ordered, ours alone, and forgetful on time."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.clock import ManualClock
from contracts.errors import Retryable, UserError
from local.log import schema
from local.log.store import Bounds, Draft, Log, Place
from tests.services import need
from tests.waiting import PATIENCE_SECONDS

_START = datetime(2026, 1, 1, tzinfo=UTC)
_MAIL = Place("mail", 0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(_START)


@pytest.fixture
def log(tmp_path, clock) -> Log:
    return Log(tmp_path / "log" / "log.db", partitions=1, clock=clock)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _append(log: Log, *values: bytes, key: bytes | None = None, topic: str = "mail") -> None:
    log.append([Draft(topic, key, value) for value in values])


def _values(log: Log, place: Place = _MAIL) -> list[bytes | None]:
    return [record.value for record in log.read(place, 0, 1000)]


def test_records_are_read_in_the_order_in_which_they_were_appended(log):
    _append(log, b"a", b"b")
    _append(log, b"c")
    assert [(r.offset, r.value) for r in log.read(_MAIL, 0, 10)] == [
        (0, b"a"),
        (1, b"b"),
        (2, b"c"),
    ]
    assert log.bounds() == {_MAIL: Bounds(0, 3)}


def test_a_read_ends_at_its_limits_but_makes_progress(log):
    _append(log, b"x" * 100, b"y" * 100, b"z" * 100)
    assert [r.offset for r in log.read(_MAIL, 1, 1)] == [1]
    assert [r.offset for r in log.read(_MAIL, 0, 10, max_bytes=1)] == [0]
    assert log.read(_MAIL, 3, 10) == []


def test_a_key_has_one_partition_and_keyless_records_are_spread(tmp_path):
    log = Log(tmp_path / "log.db", partitions=4)
    placed = log.append([Draft("mail", b"kim", b"1"), Draft("mail", b"kim", b"2")])
    assert len({place for place, _ in placed}) == 1
    spread = log.append([Draft("mail", None, b"") for _ in range(4)])
    assert {place.partition for place, _ in spread} == {0, 1, 2, 3}


def test_a_partition_that_does_not_exist_is_refused_and_nothing_is_appended(log):
    with pytest.raises(UserError, match="has no partition 7"):
        log.append([Draft("mail", None, b"a"), Draft("mail", None, b"b", partition=7)])
    assert log.bounds() == {}
    _append(log, b"c")
    assert _values(log) == [b"c"]


def test_a_commit_never_moves_back_and_groups_are_apart(log):
    _append(log, b"a", b"b", b"c")
    log.commit("g", {_MAIL: 2})
    log.commit("g", {_MAIL: 1})
    log.commit("h", {_MAIL: 1})
    assert log.committed("g") == {_MAIL: 2}
    assert log.committed("h") == {_MAIL: 1}


def test_what_was_appended_and_committed_is_there_when_opened_again(log):
    _append(log, b"a")
    log.commit("g", {_MAIL: 1})
    log.close()
    again = Log(log.path)
    assert _values(again) == [b"a"]
    assert again.committed("g") == {_MAIL: 1}


def test_eight_processes_may_make_and_fill_one_log_at_once(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from local.log.store import Draft, Log
        log = Log(Path(sys.argv[1]), partitions=1)
        for n in range(20):
            log.append([Draft("mail", None, f"{sys.argv[2]}-{n}".encode())])
    """
    path = tmp_path / "new" / "log.db"
    argv = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    writers = [subprocess.Popen([*argv, str(n)]) for n in range(8)]
    assert [writer.wait(PATIENCE_SECONDS) for writer in writers] == [0] * 8
    log = Log(path)
    records = log.read(_MAIL, 0, 1000)
    assert [r.offset for r in records] == list(range(160))
    for writer in range(8):
        own = [v for r in records if (v := r.value.decode()).startswith(f"{writer}-")]
        assert own == [f"{writer}-{n}" for n in range(20)]


def test_threads_may_share_a_log(log):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: _append(log, b"%d" % n), range(100)))
    assert sorted(int(value) for value in _values(log)) == list(range(100))


# Retention


def test_old_records_that_were_read_expire_and_young_ones_stay(log, clock):
    _append(log, b"old")
    log.commit("g", {_MAIL: 1})
    clock.advance(timedelta(days=8))
    _append(log, b"young")
    week_ago = _ms(clock.now() - timedelta(days=7))
    assert log.expire("mail", before_ms=week_ago, unread_before_ms=0) == (1, 0, 0)
    assert _values(log) == [b"young"]
    assert log.bounds() == {_MAIL: Bounds(1, 2)}


def test_old_records_that_a_known_group_has_not_read_are_kept_and_counted(log, clock):
    _append(log, b"read", b"unread")
    log.commit("quick", {_MAIL: 2})
    log.commit("slow", {_MAIL: 1})
    clock.advance(timedelta(days=8))
    expired = log.expire("mail", before_ms=_ms(clock.now()), unread_before_ms=0)
    assert (expired.read, expired.unread, expired.kept) == (1, 0, 1)
    assert _values(log) == [b"unread"]


def test_unread_records_are_deleted_at_the_erasure_date(log, clock):
    _append(log, b"unread")
    log.commit("slow", {_MAIL: 0})
    clock.advance(timedelta(days=31))
    month_ago = _ms(clock.now() - timedelta(days=30))
    assert log.expire("mail", before_ms=_ms(clock.now()), unread_before_ms=month_ago) == (0, 1, 0)
    assert log.bounds() == {_MAIL: Bounds(1, 1)}


def test_other_topics_do_not_expire(log, clock):
    _append(log, b"mail")
    _append(log, b"call", topic="calls")
    clock.advance(timedelta(days=1))
    log.expire("mail", before_ms=_ms(clock.now()), unread_before_ms=0)
    assert _values(log, Place("calls", 0)) == [b"call"]


def test_offsets_go_on_after_everything_expired(log, clock):
    _append(log, b"a", b"b")
    clock.advance(timedelta(days=1))
    log.expire("mail", before_ms=_ms(clock.now()), unread_before_ms=0)
    assert log.append([Draft("mail", None, b"c")]) == [(_MAIL, 2)]


def test_nothing_of_an_expired_record_is_left_in_the_files(log, clock):
    secret = b"a secret that must not survive " * 500
    _append(log, secret)
    clock.advance(timedelta(days=1))
    log.expire("mail", before_ms=_ms(clock.now()), unread_before_ms=0)
    files = [path.read_bytes() for path in log.path.parent.iterdir()]
    assert files
    assert not any(b"a secret that must not survive" in content for content in files)


def test_a_compacted_topic_keeps_the_newest_record_of_each_key(log):
    log.create("state", 1, compacted=True)
    for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (None, b"kept")):
        log.append([Draft("state", key, value)])
    assert log.compact("state") == 1
    assert [r[2:4] for r in log.read(Place("state", 0), 0, 10)] == [
        (b"b", b"1"),
        (b"a", b"2"),
        (None, b"kept"),
    ]
    with pytest.raises(UserError, match="not a compacted topic"):
        log.compact("mail")


# The file


def test_another_programs_database_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program"):
        Log(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Kim, this is not a database. " * 100)
    with pytest.raises(UserError, match="not a Headwater log"):
        Log(path)


def test_a_newer_log_is_refused(log):
    log.close()
    with closing(sqlite3.connect(log.path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(UserError, match="run the newer Headwater"):
        Log(log.path)


def test_an_older_log_is_brought_up_to_date_and_keeps_its_records(log, monkeypatch):
    _append(log, b"a")
    log.close()
    step = "ALTER TABLE topic ADD COLUMN note TEXT; CREATE TABLE extra (x INTEGER) STRICT;"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    newer = Log(log.path)
    assert _values(newer) == [b"a"]
    with closing(sqlite3.connect(log.path)) as db:
        assert db.execute("SELECT count(*) FROM extra").fetchone() == (0,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)


def test_a_migration_that_fails_leaves_the_log_as_it_was(log, monkeypatch):
    log.close()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE extra (x); CREATE TABLE topic (x)")
    )
    with pytest.raises(sqlite3.OperationalError):
        Log(log.path)
    monkeypatch.undo()
    _append(Log(log.path), b"still a log")


def test_a_backup_is_a_log_and_never_overwrites(log, tmp_path):
    _append(log, b"a")
    log.backup(tmp_path / "copy.db")
    _append(log, b"b")
    assert _values(Log(tmp_path / "copy.db")) == [b"a"]
    with pytest.raises(UserError, match="exists"):
        log.backup(tmp_path / "copy.db")


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path):
    code = """
        from pathlib import Path
        from contracts.errors import Retryable
        from local.log.store import Draft, Log, Place
        log = Log(Path("log.db"), partitions=1)
        placed = []
        try:
            while True:
                placed += log.append([Draft("mail", None, bytes(50_000)) for _ in range(3)])
        except Retryable as error:
            assert "make room" in str(error), error
        else:
            raise AssertionError("the disk never filled")
        assert len(placed) >= 3
        records = log.read(Place("mail", 0), 0, 10_000)
        assert [r.offset for r in records] == [offset for _, offset in placed]
        Path("ballast").unlink()
        log.append([Draft("mail", None, b"there is room again")])
        print("told")
    """
    script = (
        f"mount -t tmpfs -o size=2m none {tmp_path} && cd {tmp_path} && "
        f'head -c 500000 /dev/zero > ballast && {sys.executable} -c "$CODE"'
    )
    need(shutil.which("unshare"), "unshare is needed to make a small disk")
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        env={**os.environ, "CODE": textwrap.dedent(code), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    need("unshare failed" not in done.stderr, f"no small disk can be made here: {done.stderr}")
    assert done.stdout == "told\n", done.stderr


def test_a_busy_log_is_retryable(log, monkeypatch):
    monkeypatch.setattr(schema, "_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        patient = Log(log.path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Retryable, match="another process"):
            _append(patient, b"a")
        other.execute("ROLLBACK")
        _append(patient, b"b")
    assert _values(log) == [b"b"]
