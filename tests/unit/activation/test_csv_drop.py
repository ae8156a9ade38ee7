"""The CSV target's own files: what is dropped, what is believed, and what is refused."""

import csv
import os
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.csv_drop import CsvDrop, guarded, unguarded
from activation.writeback import write_back
from contracts.clock import ManualClock
from contracts.errors import Fatal, Retryable

SCORE = "headwater_engagement_score"
CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
EXPORT = "account_id,name,website\nA-1,Acme,\nA-2,Bolt,https://theirs.example\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "accounts.csv").write_text(EXPORT)
    return tmp_path


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file may grow beyond its first kilobyte, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _run(folder: Path, desired: dict[str, dict[str, str]]) -> list[str]:
    target = CsvDrop(folder, CLOCK)
    batches = write_back(target, "account", desired, run_id=uuid4(), clock=CLOCK)
    return [row.outcome for batch in batches for row in batch]


def _drops(folder: Path) -> list[list[str]]:
    drops = sorted(folder.glob("headwater-accounts-*.csv"))
    return [drop.read_text(encoding="utf-8").splitlines() for drop in drops]


def test_a_drop_holds_only_what_is_to_be_set_and_nothing_is_dropped_twice(folder):
    for _ in range(2):
        _run(folder, {"A-1": {SCORE: "42"}})
    assert _drops(folder) == [[f"account_id,{SCORE}", "A-1,42"]]


def test_no_drop_has_a_cell_that_would_empty_a_persons_field(folder):
    _run(folder, {i: {SCORE: "42", "website": "https://ours.example"} for i in ("A-1", "A-2")})
    assert _drops(folder) == [
        [f"account_id,{SCORE},website", "A-1,42,https://ours.example"],
        [f"account_id,{SCORE}", "A-2,42"],
    ]


def test_a_drop_never_takes_the_place_of_an_earlier_one(folder):
    for score in ("1", "2", "3"):
        assert _run(folder, {"A-1": {SCORE: score}}) == ["written"]
    assert [drop[1] for drop in _drops(folder)] == ["A-1,1", "A-1,2", "A-1,3"]


def test_an_export_that_is_newer_than_a_drop_is_believed(folder):
    _run(folder, {"A-1": {SCORE: "42", "website": "https://ours.example"}})
    export = folder / "accounts.csv"
    export.write_text(f"account_id,website,{SCORE}\nA-1,,7\n")
    tomorrow = export.stat().st_mtime + 86_400
    os.utime(export, (tomorrow, tomorrow))
    read = CsvDrop(folder, CLOCK).read("account", ["A-1"], [SCORE, "website"])
    assert read["A-1"].values == {SCORE: "7", "website": ""}


def test_own_fields_that_an_export_leaves_out_are_known_from_the_drops(folder):
    _run(folder, {"A-1": {SCORE: "42"}})
    export = folder / "accounts.csv"
    tomorrow = export.stat().st_mtime + 86_400
    os.utime(export, (tomorrow, tomorrow))
    assert _run(folder, {"A-1": {SCORE: "42"}}) == ["unchanged"]


def test_a_field_that_the_export_does_not_have_is_not_filled(folder):
    (folder / "accounts.csv").write_text("account_id,name\nA-1,Acme\n")
    assert _run(folder, {"A-1": {"website": "https://ours.example"}}) == ["failed"]
    assert _drops(folder) == []


def test_no_cell_of_a_drop_is_a_formula(folder):
    (folder / "accounts.csv").write_text("account_id\n=A1\n")
    _run(folder, {"=A1": {SCORE: '=HYPERLINK("http://x")'}})
    (drop,) = folder.glob("headwater-accounts-*.csv")
    with drop.open(newline="") as file:
        assert list(csv.reader(file))[1] == ["'=A1", '\'=HYPERLINK("http://x")']
    assert _run(folder, {"=A1": {SCORE: '=HYPERLINK("http://x")'}}) == ["unchanged"]


@given(st.text(alphabet="'=+-@\t\r\n1.a ") | st.text())
def test_a_guarded_cell_is_no_formula_and_stands_for_its_value(value):
    cell = guarded(value)
    assert unguarded(cell) == value
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
    if cell.startswith(("+", "-")):
        float(cell)


def test_a_folder_without_an_export_says_what_to_do(tmp_path):
    with pytest.raises(Fatal, match=r"accounts\.csv can't be read .* put the CRM's accounts there"):
        CsvDrop(tmp_path, CLOCK).read("account", ["A-1"], [SCORE])


@pytest.mark.parametrize(
    ("export", "refusal"),
    [
        ("id,website\nA-1,\n", "must have one column account_id"),
        ("account_id,website,website\nA-1,,x\n", "no column twice"),
        ("account_id,name,website\nA-1,Ac", "line 2: not as many cells as the header"),
        ("account_id,website\nA-1,x,y\n", "line 2: not as many cells as the header"),
        ("account_id,website\nA-1,x\nA-1,\n", "line 3: A-1 is there twice"),
        ('account_id,website\nA-1,"half', "can't be read"),
        ("", "must have one column account_id"),
    ],
)
def test_an_export_that_cannot_be_trusted_is_refused_whole(folder, export, refusal):
    (folder / "accounts.csv").write_text(export)
    with pytest.raises(Fatal, match=refusal):
        _run(folder, {"A-1": {"website": "https://ours.example"}})
    assert _drops(folder) == []


def test_an_export_that_is_not_utf8_is_refused(folder):
    (folder / "accounts.csv").write_bytes("account_id,name\nA-1,Käufer\n".encode("latin-1"))
    with pytest.raises(Fatal, match="as UTF-8"):
        _run(folder, {"A-1": {SCORE: "1"}})


def test_a_full_disk_is_waited_for_and_leaves_no_half_file(folder, no_room):
    with pytest.raises(Retryable, match="File too large"):
        _run(folder, {"A-1": {SCORE: "x" * 5000}})
    assert [path.name for path in folder.iterdir()] == ["accounts.csv"]
