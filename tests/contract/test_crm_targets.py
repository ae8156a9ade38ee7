"""One suite for every CRM that is written back to: a CSV drop, and a real Tryton."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from activation.csv_drop import CsvDrop
from activation.target import Change, CrmTarget, Outcome
from activation.tryton import Tryton
from activation.writeback import write_back
from contracts.clock import ManualClock
from contracts.errors import Fatal, Retryable
from tests.tryton import PASSWORD

SCORE = "headwater_engagement_score"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class TickingClock(ManualClock):
    """Every look at it is a moment later."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


@dataclass
class Crm:
    """A CRM under test, and what a person can do in it."""

    target: CrmTarget
    known: str
    edit: Callable[[str], None]
    """Give the known account a website, as a person would."""


@pytest.fixture
def csv_crm(tmp_path: Path) -> Crm:
    export = tmp_path / "accounts.csv"

    def edit(website: str) -> None:
        with export.open("w", newline="") as file:
            csv.writer(file).writerows(
                [["account_id", "name", "website"], ["A-1", "Acme", website], ["A-2", "Bolt", ""]]
            )

    edit("")
    return Crm(CsvDrop(tmp_path, TickingClock(NOW)), "A-1", edit)


@pytest.fixture
def tryton_crm(tryton_url: str) -> Crm:
    target = Tryton(tryton_url, "admin", PASSWORD)
    code = f"A-{uuid4().hex[:8]}"
    (party,) = target._call("party.party.create", [{"name": "Acme", "code": code}])

    def edit(website: str) -> None:
        mechanism = {"type": "website", "value": website}
        values = {"contact_mechanisms": [["create", [mechanism]]]}
        target._call("party.party.write", [party], values)

    return Crm(target, code, edit)


@pytest.fixture(params=["csv", pytest.param("tryton", marks=pytest.mark.tryton)])
def crm(request: pytest.FixtureRequest) -> Crm:
    return request.getfixturevalue(f"{request.param}_crm")


def _write_back(crm: Crm, values: dict[str, str]) -> dict[str, tuple[str, str]]:
    clock = ManualClock(NOW)
    batches = write_back(crm.target, "account", {crm.known: values}, run_id=uuid4(), clock=clock)
    return {row.field: (row.outcome, row.old_value) for batch in batches for row in batch}


def _held(crm: Crm, field: str) -> str:
    return crm.target.read("account", [crm.known], [field])[crm.known].values[field]


def test_an_own_field_is_written_read_back_and_left_alone_while_it_stays(crm):
    assert _write_back(crm, {SCORE: "42"}) == {SCORE: ("written", "")}
    assert _held(crm, SCORE) == "42"
    assert _write_back(crm, {SCORE: "42"}) == {SCORE: ("unchanged", "42")}
    assert _write_back(crm, {SCORE: "43"}) == {SCORE: ("written", "42")}
    assert _held(crm, SCORE) == "43"


def test_an_empty_field_is_filled(crm):
    assert "website" in crm.target.fillable("account")
    assert _write_back(crm, {"website": "https://acme.example"}) == {"website": ("written", "")}
    assert _held(crm, "website") == "https://acme.example"


def test_a_field_that_a_person_filled_in_stays(crm):
    crm.edit("https://theirs.example")
    outcome = _write_back(crm, {"website": "https://ours.example", SCORE: "7"})
    assert outcome["website"] == ("kept", "https://theirs.example")
    assert outcome[SCORE][0] == "written"
    assert _held(crm, "website") == "https://theirs.example"


def test_a_record_that_changed_since_it_was_read_is_a_conflict(crm):
    read = crm.target.read("account", [crm.known], ["website"])[crm.known]
    crm.edit("https://theirs.example")
    change = Change(crm.known, read.version, {"website": "https://ours.example"})
    answer = crm.target.write("account", [change])[crm.known]
    assert answer.outcome is Outcome.CONFLICT
    assert _held(crm, "website") == "https://theirs.example"


def test_an_unknown_record_is_not_read(crm):
    assert crm.target.read("account", ["nobody"], [SCORE]) == {}


def test_text_comes_back_as_it_was(crm):
    text = '=SUM(A1); Käufer: «ja», 1,5 "Punkte"'
    _write_back(crm, {SCORE: text})
    assert _held(crm, SCORE) == text


def test_no_cell_of_a_drop_is_a_formula(csv_crm, tmp_path):
    _write_back(csv_crm, {SCORE: "=1+1"})
    (drop,) = tmp_path.glob("headwater-accounts-*.csv")
    with drop.open(newline="") as file:
        assert [row[SCORE] for row in csv.DictReader(file)] == ["'=1+1"]


def test_a_drop_holds_only_what_is_to_be_set(csv_crm, tmp_path):
    _write_back(csv_crm, {SCORE: "42"})
    _write_back(csv_crm, {SCORE: "42"})
    (drop,) = tmp_path.glob("headwater-accounts-*.csv")
    assert drop.read_text().splitlines() == [f"account_id,{SCORE}", "A-1,42"]


def test_a_folder_without_an_export_says_what_to_do(tmp_path):
    with pytest.raises(Fatal, match=r"accounts\.csv can't be read .* put the CRM's accounts there"):
        CsvDrop(tmp_path, ManualClock(NOW)).read("account", ["A-1"], [SCORE])


def test_a_drop_that_cannot_be_written_leaves_no_half_file(csv_crm, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("activation.csv_drop.os.fsync", full)
    with pytest.raises(Retryable, match="No space left"):
        _write_back(csv_crm, {SCORE: "42"})
    assert [path.name for path in tmp_path.iterdir()] == ["accounts.csv"]


@pytest.mark.tryton
def test_a_wrong_password_is_fatal_and_not_told(tryton_url):
    wrong = Tryton(tryton_url, "admin", SecretStr("nobody-knows"))
    with pytest.raises(Fatal, match="refuses the user 'admin'") as caught:
        wrong.read("account", ["A-1"], [SCORE])
    assert "nobody-knows" not in str(caught.value)


def test_a_crm_that_is_away_is_waited_for():
    away = Tryton("http://127.0.0.1:9/crm", "admin", PASSWORD)
    with pytest.raises(Retryable, match="does not answer"):
        away.read("account", ["A-1"], [SCORE])
