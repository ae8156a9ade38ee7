"""A backup is what comes back: into a second, fresh server, table by table, to the microsecond."""

import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
import pandas as pd
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from contracts.capture_rows import CursorRow, QuarantineRow
from contracts.clock import ManualClock, SystemClock
from contracts.errors import Retryable, UserError
from contracts.rows import ActivityRow, Row, SightingRow
from tests.row_types import row_types
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse.backup import Manifest, backup, restore
from warehouse.connection import connect
from warehouse.migrate import OWNED, version
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
HOSTILE = "\x00 🙂 '\\ \ud800 \n" + "x" * 10_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    with serving(tmp_path_factory.mktemp("second")) as (address, _):
        yield url_of(address)


@pytest.fixture
def fresh(served: SecretStr) -> SecretStr:
    """A second server, that nobody has migrated."""
    client = connect(served)
    for name in reversed(OWNED):
        client.execute(f"DROP DATABASE IF EXISTS {name} SYNC")
    client.disconnect()
    return served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def example(row_type: type[Row], number: int) -> Row:
    """Return a row whose values differ by number; every other one has None where it may."""
    hints = get_type_hints(row_type)
    told = {name: value(hints[name], name, number) for name in row_type.__struct_fields__}
    if row_type is QuarantineRow:  # its table forgets what is old, at a moment of its own choice
        told["quarantined_at"] = SystemClock().now()
    return row_type(**told)


def value(hint: Any, name: str, number: int) -> Any:
    if get_origin(hint) is UnionType:
        (kind,) = (kind for kind in get_args(hint) if kind is not type(None))
        return None if number % 2 else value(kind, name, number)
    if get_origin(hint) is tuple:
        return tuple(value(get_args(hint)[0], name, number + n) for n in range(number % 3))
    examples = {
        str: f"{name} {number}",
        int: number,
        float: number / 7,
        bool: number % 2 == 0,
        UUID: UUID(int=number),
        datetime: NOON - timedelta(days=9_999 * (number % 4), microseconds=number),
        date: date(1900, 1, 1) + timedelta(days=40_000 * (number % 4)),
        Decimal: Decimal(number).scaleb(-8),
    }
    return examples[hint]


def fill(writer: Writer) -> None:
    """Put a few rows into every table, some of them twice."""
    rows = [example(row_type, n) for row_type in row_types() for n in range(4)]
    hostile = replace(example(ActivityRow, 9), body=HOSTILE, participant_name=(HOSTILE, ""))
    writer.write([*rows, hostile])
    writer.write(rows[::3])


def contents(url: SecretStr) -> dict[str, pd.DataFrame]:
    reader = Reader(url)
    names = reader.frame(
        "SELECT database || '.' || name AS name FROM system.tables "
        "WHERE database IN ('raw', 'ml') AND engine LIKE '%ReplacingMergeTree'"
    )["name"]
    found = {name: reader.frame(f"SELECT * FROM {name} FINAL ORDER BY ALL") for name in names}
    reader.close()
    return found


def counts(url: SecretStr) -> dict[str, int]:
    return {name: len(frame) for name, frame in contents(url).items()}


def test_every_table_comes_back_to_a_fresh_server_as_it_was(
    warehouse_url: SecretStr, writer: Writer, fresh: SecretStr, folder: Path
) -> None:
    fill(writer)
    manifest = backup(warehouse_url, folder, ManualClock(NOON))
    assert restore(fresh, folder) == manifest
    there, back = contents(warehouse_url), contents(fresh)
    assert there.keys() == back.keys() == manifest.tables.keys()
    for name, frame in there.items():
        pd.testing.assert_frame_equal(back[name], frame, obj=name)
        assert len(frame) == manifest.tables[name].rows >= 4
    assert (manifest.taken_at, manifest.migration) == (NOON, version(warehouse_url))
    assert manifest.rows == sum(map(len, there.values()))


def test_an_empty_warehouse_can_be_backed_up_too(
    warehouse_url: SecretStr, fresh: SecretStr, folder: Path
) -> None:
    assert backup(warehouse_url, folder).tables["raw.activity"].rows == 0
    restore(fresh, folder)
    assert counts(fresh) == counts(warehouse_url)


def test_a_backup_can_be_read_without_us(
    warehouse_url: SecretStr, writer: Writer, folder: Path
) -> None:
    fill(writer)
    backup(warehouse_url, folder)
    frame = pd.read_parquet(folder / "raw.activity.parquet").set_index("activity_id")
    row = frame.loc[str(UUID(int=2))]
    assert (row["subject"], row["is_automatic"]) == ("subject 2", True)
    assert row["event_time"] == pd.Timestamp(NOON - timedelta(days=2 * 9_999, microseconds=2))
    assert list(row["participant_name"]) == ["participant_name 2", "participant_name 3"]


def test_bytes_that_are_no_text_come_back_too(
    warehouse_url: SecretStr, fresh: SecretStr, folder: Path
) -> None:
    """Somebody else's INSERT may have put them there: a backup must not stumble."""
    client = connect(warehouse_url)
    client.execute("INSERT INTO raw.source_cursor (source, state) VALUES ('x', unhex('FF00FE'))")
    client.disconnect()
    backup(warehouse_url, folder)
    restore(fresh, folder)
    assert Reader(fresh).value("SELECT hex(state) FROM raw.source_cursor") == "FF00FE"


# What is refused


def test_a_warehouse_that_holds_rows_is_left_alone(
    warehouse_url: SecretStr, writer: Writer, fresh: SecretStr, folder: Path
) -> None:
    fill(writer)
    backup(warehouse_url, folder)
    restore(fresh, folder)
    before = counts(fresh)
    with pytest.raises(UserError, match="holds rows already: restore into an empty warehouse, or"):
        restore(fresh, folder)
    assert counts(fresh) == before


def test_by_force_the_rows_join_and_the_newer_one_of_a_key_wins(
    warehouse_url: SecretStr, writer: Writer, fresh: SecretStr, folder: Path
) -> None:
    older, gone = example(ActivityRow, 1), example(ActivityRow, 2)
    writer.write([older, gone])
    backup(warehouse_url, folder)
    restore(fresh, folder)
    newer = replace(older, subject="corrected since")
    added = example(ActivityRow, 3)
    Writer(fresh).write([newer, added])
    for _ in range(2):
        restore(fresh, folder, force=True)
        held = Reader(fresh).rows(ActivityRow, "SELECT * FROM raw.activity FINAL")
        assert sorted(held, key=lambda row: row.activity_id) == [newer, gone, added]


def test_a_damaged_backup_is_refused_before_a_row_is_written(
    warehouse_url: SecretStr, writer: Writer, fresh: SecretStr, folder: Path
) -> None:
    fill(writer)
    backup(warehouse_url, folder)
    file = folder / "raw.match.parquet"
    sound = file.read_bytes()
    damaged = bytearray(sound)
    damaged[len(sound) // 2] ^= 1
    for bad in (bytes(damaged), sound[:-1], b""):
        file.write_bytes(bad)
        with pytest.raises(UserError, match=r"raw\.match\.parquet is missing or damaged: nothing"):
            restore(fresh, folder)
    file.unlink()
    with pytest.raises(UserError, match="missing or damaged"):
        restore(fresh, folder)
    assert contents(fresh) == {}
    file.write_bytes(sound)
    restore(fresh, folder)


def test_a_backup_that_was_cut_off_is_none(
    warehouse_url: SecretStr, fresh: SecretStr, folder: Path
) -> None:
    backup(warehouse_url, folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"is not a whole backup: its manifest\.json can't be read"):
        restore(fresh, folder)
    (folder / "manifest.json").write_text('{"format": 1}')
    with pytest.raises(UserError, match="is not a whole backup"):
        restore(fresh, folder)


@pytest.mark.parametrize("change", [{"migration": 99}, {"format": 99}], ids=str)
def test_a_backup_of_a_newer_version_is_refused(
    warehouse_url: SecretStr, fresh: SecretStr, folder: Path, change: dict[str, int]
) -> None:
    manifest = backup(warehouse_url, folder)
    newer = msgspec.structs.replace(manifest, **change)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(UserError, match="is a backup of a newer version"):
        restore(fresh, folder)
    assert contents(fresh) == {}


def test_a_folder_that_holds_something_is_left_alone(
    warehouse_url: SecretStr, folder: Path
) -> None:
    backup(warehouse_url, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(UserError, match="is not empty: name a new folder"):
        backup(warehouse_url, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_disk_that_takes_no_more_is_told_and_leaves_no_backup(
    warehouse_url: SecretStr, writer: Writer, fresh: SecretStr, folder: Path
) -> None:
    writer.write([replace(example(ActivityRow, n), body=str(uuid4()) * 99) for n in range(999)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(UserError, match=r"can't be written to .*backup: File too large"):
            backup(warehouse_url, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(UserError, match="is not a whole backup"):
        restore(fresh, folder)


def test_a_folder_that_can_not_be_made_is_told(warehouse_url: SecretStr, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"can't be written to .*file/backup: Not a directory"):
        backup(warehouse_url, tmp_path / "file" / "backup")


def test_what_is_backed_up_is_for_its_owner_alone(warehouse_url: SecretStr, folder: Path) -> None:
    backup(warehouse_url, folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_without_a_server_nothing_is_a_backup(folder: Path) -> None:
    with pytest.raises(Retryable, match="the warehouse does not answer"):
        backup(SecretStr("clickhouse://headwater:pw@127.0.0.1:9"), folder)
    assert not (folder / "manifest.json").exists()


# While rows arrive


def test_what_a_backup_says_is_stored_is_in_it_while_rows_arrive(
    warehouse_url: SecretStr, fresh: SecretStr, folder: Path
) -> None:
    stop = threading.Event()
    hearing = threading.Thread(target=hear_until, args=(stop, warehouse_url))
    hearing.start()
    try:
        manifests = [backup(warehouse_url, folder / str(n)) for n in range(3)]
    finally:
        stop.set()
        hearing.join()
    assert manifests[0].rows < manifests[-1].rows, "rows did arrive"
    for n in range(3):
        restore(fresh, folder / str(n), force=True)
        reader = Reader(fresh)
        orphans = (
            "SELECT count() FROM raw.sighting WHERE activity_id NOT IN "
            "(SELECT activity_id FROM raw.activity)"
        )
        behind = (
            "SELECT (SELECT max(toUInt32(state)) FROM raw.source_cursor) > "
            "(SELECT max(toUInt32(external_id)) FROM raw.sighting)"
        )
        assert (reader.value(orphans), reader.value(behind)) == (0, False)
        reader.close()


def hear_until(stop: threading.Event, url: SecretStr) -> None:
    """Hear one activity after the other, with its sighting, and keep a cursor behind them."""
    writer = Writer(url)
    number = 0
    while not stop.is_set():
        number += 1
        activity = replace(example(ActivityRow, number), event_time=NOON, activity_id=uuid4())
        heard = replace(
            example(SightingRow, 0), external_id=str(number), activity_id=activity.activity_id
        )
        writer.write([heard, activity])
        writer.write([CursorRow(source="s", state=str(number), saved_at=NOON)])
    writer.close()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_warehouse(
    warehouse_url: SecretStr, fresh: SecretStr, tmp_path: Path
) -> None:
    """40 MB of mail, then 120 MB, out and in again."""
    used: dict[str, list[int]] = {"backup": [], "restore": []}
    for rows in (4_000, 8_000):
        fill_by_the_server(warehouse_url, rows, body_bytes=10_000)
        used["backup"].append(memory_of("backup", warehouse_url, tmp_path / str(rows)))
        used["restore"].append(memory_of("restore", fresh, tmp_path / str(rows)))
    assert Reader(fresh).value("SELECT sum(length(body)) FROM raw.activity FINAL") == 120_000_000
    for step, (little, much) in used.items():
        assert much - little < 40, f"{step} of 80 MB more took {much - little} MB more"


def memory_of(step: str, url: SecretStr, folder: Path) -> int:
    """Return how many MB a process needs at most that backs up, or restores by force."""
    program = (
        "import resource, sys; from pathlib import Path; from pydantic import SecretStr\n"
        f"from warehouse.backup import {step}\n"
        f"{step}(SecretStr(sys.argv[1]), Path(sys.argv[2]){', force=True' * (step == 'restore')})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    argv = [sys.executable, "-c", program, url.get_secret_value(), str(folder)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return int(said) // 1_000


def fill_by_the_server(url: SecretStr, rows: int, body_bytes: int) -> None:
    client = connect(url)
    client.execute(
        "INSERT INTO raw.activity (activity_id, event_time, body) "
        "SELECT generateUUIDv4(), now64(6), randomPrintableASCII(%(bytes)s) FROM numbers(%(rows)s)",
        {"rows": rows, "bytes": body_bytes},
    )
    client.disconnect()


def test_the_manifest_is_plain(warehouse_url: SecretStr, folder: Path) -> None:
    manifest = backup(warehouse_url, folder)
    assert msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest) == manifest
    assert list(manifest.tables)[:3] == ["raw.source_cursor", "raw.sighting", "raw.match"]
