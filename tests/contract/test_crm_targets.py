"""One suite for every CRM that is written back to: a CSV drop, and a real Tryton."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from activation.csv_drop import CsvDrop
from activation.target import Change, CrmTarget, Outcome, Record
from activation.tryton import Tryton
from activation.writeback import write_back
from contracts.clock import ManualClock

SCORE = "headwater_engagement_score"
REASONS = "headwater_engagement_reasons"
CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


class Interrupted:
    """A target in which a person acts once, right after our first read."""

    def __init__(self, target: CrmTarget, act: Callable[[], None]) -> None:
        self._target = target
        self._acts = [act]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        read = self._target.read(object_type, ids, fields)
        while self._acts:
            self._acts.pop()()
        return read


@dataclass
class Crm:
    """A CRM under test, one account of it, and what a person can do in it."""

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
    return Crm(CsvDrop(tmp_path, CLOCK), "A-1", edit)


@pytest.fixture
def tryton_crm(tryton: Tryton) -> Crm:
    code = f"A-{uuid4().hex[:8]}"
    (party,) = tryton._call("party.party.create", [{"name": "Acme", "code": code}])

    def edit(website: str) -> None:
        mechanism = {"type": "website", "value": website}
        values = {"contact_mechanisms": [["create", [mechanism]]]}
        tryton._call("party.party.write", [party], values)

    return Crm(tryton, code, edit)


@pytest.fixture(params=["csv", pytest.param("tryton", marks=pytest.mark.tryton)])
def crm(request: pytest.FixtureRequest) -> Crm:
    return request.getfixturevalue(f"{request.param}_crm")


def _write_back(
    crm: Crm, values: dict[str, str], target: CrmTarget | None = None
) -> dict[str, tuple[str, str]]:
    batches = write_back(
        target or crm.target, "account", {crm.known: values}, run_id=uuid4(), clock=CLOCK
    )
    return {row.field: (row.outcome, row.old_value) for batch in batches for row in batch}


def _held(crm: Crm, field: str) -> str:
    return crm.target.read("account", [crm.known], [field])[crm.known].values[field]


def test_an_own_field_is_written_read_back_and_left_alone_while_it_stays(crm):
    assert _write_back(crm, {SCORE: "42"}) == {SCORE: ("written", "")}
    assert _held(crm, SCORE) == "42"
    assert _write_back(crm, {SCORE: "42"}) == {SCORE: ("unchanged", "42")}
    assert _write_back(crm, {SCORE: "0"}) == {SCORE: ("written", "42")}
    assert _held(crm, SCORE) == "0"


def test_an_own_field_can_be_emptied(crm):
    _write_back(crm, {SCORE: "42", REASONS: "replies 10.0"})
    assert set(_write_back(crm, {SCORE: "", REASONS: ""}).values()) == {
        ("written", "42"),
        ("written", "replies 10.0"),
    }
    assert _write_back(crm, {SCORE: "", REASONS: ""})[REASONS] == ("unchanged", "")


def test_an_empty_field_is_filled_once(crm):
    assert "website" in crm.target.fillable("account")
    assert _write_back(crm, {"website": "https://acme.example"}) == {"website": ("written", "")}
    assert _held(crm, "website") == "https://acme.example"
    again = _write_back(crm, {"website": "https://other.example"})
    assert again == {"website": ("kept", "https://acme.example")}


def test_a_field_that_a_person_filled_in_stays(crm):
    crm.edit("https://theirs.example")
    outcome = _write_back(crm, {"website": "https://ours.example", SCORE: "7"})
    assert outcome["website"] == ("kept", "https://theirs.example")
    assert outcome[SCORE][0] == "written"
    assert _held(crm, "website") == "https://theirs.example"


def test_what_a_person_fills_in_between_our_read_and_our_write_stays(crm):
    target = Interrupted(crm.target, lambda: crm.edit("https://theirs.example"))
    outcome = _write_back(crm, {"website": "https://ours.example", SCORE: "7"}, target)
    assert outcome == {"website": ("kept", "https://theirs.example"), SCORE: ("written", "")}
    assert _held(crm, "website") == "https://theirs.example"
    assert _held(crm, SCORE) == "7"


def test_a_record_that_changed_since_it_was_read_is_a_conflict(crm):
    read = crm.target.read("account", [crm.known], ["website"])[crm.known]
    crm.edit("https://theirs.example")
    change = Change(crm.known, read.version, {"website": "https://ours.example"})
    ((known, answer),) = crm.target.write("account", [change])
    assert (known, answer.outcome) == (crm.known, Outcome.CONFLICT)
    assert _held(crm, "website") == "https://theirs.example"


def test_a_field_of_people_that_may_not_be_filled_is_not_shown(crm):
    read = crm.target.read("account", [crm.known], ["name", "phone", "website"])
    assert set(read[crm.known].values) == {"website"}
    assert _write_back(crm, {"phone": "+1 555 0100"})["phone"] == ("failed", "")


def test_an_unknown_record_is_not_read_and_not_made(crm):
    assert crm.target.read("account", ["nobody"], [SCORE]) == {}
    batches = write_back(
        crm.target, "account", {"nobody": {SCORE: "1"}}, run_id=uuid4(), clock=CLOCK
    )
    assert [row.outcome for batch in batches for row in batch] == ["failed"]
    assert crm.target.read("account", ["nobody"], [SCORE]) == {}


@pytest.mark.parametrize("text", ['=SUM(A1); Käufer: «ja», 1,5 "Punkte"', "'=1", "-5", "@x", "'s"])
def test_text_comes_back_as_it_was(crm, text):
    _write_back(crm, {REASONS: text})
    assert _held(crm, REASONS) == text
    assert _write_back(crm, {REASONS: text}) == {REASONS: ("unchanged", text)}
