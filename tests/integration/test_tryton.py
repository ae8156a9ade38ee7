"""What only Tryton does: its kinds of fields, its sessions, its refusals, and its going away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from activation.target import Change, Record
from activation.tryton import Tryton
from activation.writeback import write_back
from contracts.clock import ManualClock
from contracts.errors import Fatal, Retryable
from contracts.rows import CrmWriteRow
from tests.tryton import OURS, PARTY, PASSWORD, Served, serving

pytestmark = pytest.mark.tryton

SCORE = "headwater_engagement_score"
REASONS = "headwater_engagement_reasons"
AS_OF = "headwater_engagement_as_of"
CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


def _parties(tryton: Tryton, count: int) -> list[str]:
    """Make parties, as a person would; return their codes."""
    codes = [f"A-{uuid4().hex[:8]}" for _ in range(count)]
    tryton._call("party.party.create", [{"name": code, "code": code} for code in codes])
    return codes


def _party(tryton: Tryton, code: str, *fields: str) -> dict[str, object]:
    (party,) = tryton._call(
        "party.party.search_read", [["code", "=", code]], 0, None, None, ["id", *fields]
    )
    return party


def _batches(tryton: Tryton, desired: dict[str, dict[str, str]]) -> Iterator[Sequence[CrmWriteRow]]:
    return write_back(tryton, "account", desired, run_id=uuid4(), clock=CLOCK)


def _run(tryton: Tryton, desired: dict[str, dict[str, str]]) -> list[CrmWriteRow]:
    return [row for batch in _batches(tryton, desired) for row in batch]


def test_a_score_is_a_number_and_a_day_a_date_in_the_crm(tryton):
    (code,) = _parties(tryton, 1)
    _run(tryton, {code: {SCORE: "42", AS_OF: "2026-11-23"}})
    party = _party(tryton, code, SCORE, AS_OF)
    assert party[SCORE] == 42
    assert party[AS_OF] == {"__class__": "date", "year": 2026, "month": 11, "day": 23}
    assert {row.outcome for row in _run(tryton, {code: {SCORE: "42", AS_OF: "2026-11-23"}})} == {
        "unchanged"
    }


def test_people_see_the_fields_and_cannot_edit_them_in_the_form(tryton):
    for kind in ("form", "tree"):
        view = tryton._call("party.party.fields_view_get", None, kind)["arch"]
        assert f'name="{SCORE}"' in view
        assert 'readonly="1"' in view


def test_what_tryton_refuses_fails_alone_with_its_words(tryton):
    one, two, three, four = _parties(tryton, 4)
    rows = _run(
        tryton,
        {
            one: {REASONS: "replies"},
            two: {REASONS: "two\nlines"},
            three: {SCORE: "many"},
            four: {SCORE: "7"},
        },
    )
    assert [row.outcome for row in rows] == ["written", "failed", "failed", "written"]
    detail = {row.object_id: row.detail for row in rows}
    assert "Engagement Reasons" in detail[two]
    assert "Traceback" not in detail[two]
    assert "'many' is not of the kind integer" in detail[three]
    assert not _party(tryton, two, REASONS)[REASONS]


def test_a_party_that_is_not_active_is_not_written(tryton):
    (code,) = _parties(tryton, 1)
    tryton._call("party.party.write", [_party(tryton, code)["id"]], {"active": False})
    (row,) = _run(tryton, {code: {SCORE: "42"}})
    assert (row.outcome, row.detail) == ("failed", "the CRM has no such record")


def test_a_website_that_is_added_beside_the_party_in_that_moment_stays_the_partys(tryton):
    (code,) = _parties(tryton, 1)
    read = tryton.read("account", [code], ["website"])[code]
    mechanism = {
        "party": _party(tryton, code)["id"],
        "type": "website",
        "value": "https://theirs.example",
    }
    tryton._call("party.contact_mechanism.create", [mechanism])
    change = Change(code, read.version, {"website": "https://ours.example"})
    list(tryton.write("account", [change]))
    assert _party(tryton, code, "website")["website"] == "https://theirs.example"


class _Meanwhile(Tryton):
    """A Tryton in which a person acts once, right after our first read."""

    def __init__(self, url: str, act: Callable[[], None]) -> None:
        super().__init__(url, "admin", PASSWORD)
        self._acts = [act]

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        read = super().read(object_type, ids, fields)
        while self._acts:
            self._acts.pop()()
        return read


def test_a_party_that_is_deleted_between_our_read_and_our_write_fails_alone(tryton, tryton_url):
    gone, other = _parties(tryton, 2)
    party = _party(tryton, gone)["id"]
    target = _Meanwhile(tryton_url, lambda: tryton._call("party.party.delete", [party]))
    one, two = _run(target, {gone: {SCORE: "42"}, other: {SCORE: "7"}})
    assert (one.outcome, two.outcome) == ("failed", "written")
    assert "don't exist" in one.detail


def test_a_party_that_is_merged_away_between_our_read_and_our_write_is_not_written(
    tryton, tryton_url
):
    gone, other = _parties(tryton, 2)
    party = _party(tryton, gone)["id"]
    merged = {"active": False}  # what the replacing of a party does to it
    target = _Meanwhile(tryton_url, lambda: tryton._call("party.party.write", [party], merged))
    rows = _run(target, {gone: {SCORE: "42"}, other: {SCORE: "7"}})
    assert {row.object_id: row.outcome for row in rows} == {gone: "failed", other: "written"}
    (held,) = tryton._call("party.party.read", [party], [SCORE])
    assert held[SCORE] is None


def test_a_website_that_we_added_and_a_person_took_away_is_not_added_again(tryton):
    (code,) = _parties(tryton, 1)
    wanted = {code: {"website": "https://ours.example"}}
    assert [row.outcome for row in _run(tryton, wanted)] == ["written"]
    tryton._call(
        "party.contact_mechanism.delete",
        _party(tryton, code, "contact_mechanisms")["contact_mechanisms"],
    )
    noted = {(code, "website"): "https://ours.example"}
    batches = write_back(tryton, "account", wanted, run_id=uuid4(), clock=CLOCK, noted=noted)
    assert [row.outcome for batch in batches for row in batch] == ["kept"]
    assert not _party(tryton, code, "website")["website"]


class _AnswerLost(Tryton):
    """A Tryton that commits, and whose answer never arrives."""

    def _set(self, object_type: str, changes: Sequence[Change]) -> None:
        super()._set(object_type, changes)
        raise Retryable("the answer was lost")


def test_what_was_committed_without_an_answer_is_found_and_not_written_twice(tryton, tryton_url):
    (code,) = _parties(tryton, 1)
    wanted = {code: {"website": "https://ours.example", SCORE: "42"}}
    with pytest.raises(Retryable):
        _run(_AnswerLost(tryton_url, "admin", PASSWORD), wanted)
    assert {row.outcome for row in _run(tryton, wanted)} == {"unchanged"}
    assert len(_party(tryton, code, "contact_mechanisms")["contact_mechanisms"]) == 1


def test_a_session_that_is_over_is_opened_again(tryton):
    (code,) = _parties(tryton, 1)
    tryton._session = tryton._session[:-8] + "AAAAAAA="
    assert _run(tryton, {code: {SCORE: "42"}})[0].outcome == "written"


def test_a_wrong_password_is_fatal_and_not_told(tryton_url):
    wrong = Tryton(tryton_url, "admin", SecretStr("nobody-knows"))
    with pytest.raises(Fatal, match="refuses the user 'admin'") as caught:
        wrong.read("account", ["A-1"], [SCORE])
    assert "nobody-knows" not in str(caught.value)


def test_another_database_than_trytons_is_fatal(tryton_url):
    wrong = Tryton(tryton_url.replace("/crm", "/nowhere"), "admin", PASSWORD)
    with pytest.raises(Fatal, match="is not a Tryton database"):
        wrong.read("account", ["A-1"], [SCORE])


def test_a_database_without_our_module_is_fatal_and_says_what_to_install(tmp_path):
    with serving(tmp_path, PARTY) as served:
        bare = Tryton(served.url, "admin", PASSWORD)
        with pytest.raises(Fatal, match="install activation/tryton_module on its server"):
            bare.read("account", ["A-1"], [SCORE])


class _StoppedAt(Tryton):
    """A Tryton whose server stops before a record is written by itself."""

    def __init__(self, served: Served, code: str) -> None:
        super().__init__(served.url, "admin", PASSWORD)
        self._served = served
        self._code = code

    def _set(self, object_type: str, changes: Sequence[Change]) -> None:
        if [change.object_id for change in changes] == [self._code]:
            self._served.server.kill()
            self._served.server.wait()
        super()._set(object_type, changes)


def test_what_was_written_before_tryton_stopped_is_in_the_ledger_and_the_rest_comes_later(
    tmp_path: Path,
):
    with serving(tmp_path, OURS) as served:
        one, two, three = _parties(Tryton(served.url, "admin", PASSWORD), 3)
        desired = {one: {SCORE: "42"}, two: {REASONS: "two\nlines"}, three: {SCORE: "42"}}
        batches = _batches(_StoppedAt(served, three), desired)
        noted = [(row.object_id, row.outcome) for row in next(batches)]
        assert noted == [(one, "written"), (two, "failed")]
        with pytest.raises(Retryable, match="does not answer"):
            next(batches)
    with serving(tmp_path, OURS) as served:
        rows = _run(Tryton(served.url, "admin", PASSWORD), desired)
    outcomes = {row.object_id: row.outcome for row in rows}
    assert outcomes == {one: "unchanged", two: "failed", three: "written"}


def test_among_many_records_only_the_one_that_a_person_changed_is_left_alone(tryton):
    codes = _parties(tryton, 20)
    read = tryton.read("account", codes, [SCORE])
    tryton._call("party.party.write", [_party(tryton, codes[7])["id"]], {"name": "Theirs"})
    changes = [Change(code, read[code].version, {SCORE: "42"}) for code in codes]
    outcome = {code: answer.outcome.value for code, answer in tryton.write("account", changes)}
    assert outcome == dict.fromkeys(codes, "written") | {codes[7]: "conflict"}
    held = tryton.read("account", codes, [SCORE])
    assert {c: held[c].values[SCORE] for c in codes} == dict.fromkeys(codes, "42") | {codes[7]: ""}


def test_a_crm_that_is_away_is_waited_for():
    away = Tryton("http://127.0.0.1:9/crm", "admin", PASSWORD)
    with pytest.raises(Retryable, match="does not answer"):
        away.read("account", ["A-1"], [SCORE])
