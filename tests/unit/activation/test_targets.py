"""Which CRM the settings name."""

from datetime import UTC, datetime

import pytest

from activation.csv_drop import CsvDrop
from activation.targets import target_of
from activation.tryton import Tryton
from contracts.clock import ManualClock
from contracts.errors import UserError
from settings import Settings

CLOCK = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


def test_the_default_is_a_csv_drop_in_the_home(tmp_path):
    drop = tmp_path / "crm_drop"
    drop.mkdir()
    (drop / "accounts.csv").write_text("account_id,website\nA-1,\n")
    target = target_of(Settings(home=tmp_path), CLOCK)
    assert isinstance(target, CsvDrop)
    assert set(target.read("account", ["A-1"], ["website"])) == {"A-1"}


def test_without_the_folder_of_the_drop_there_is_no_target(tmp_path):
    assert target_of(Settings(home=tmp_path), CLOCK) is None


def test_tryton_is_taken_where_it_is_named(tmp_path):
    settings = Settings(home=tmp_path, crm_target="tryton", tryton_url="http://127.0.0.1:8000/crm")
    assert isinstance(target_of(settings, CLOCK), Tryton)


@pytest.mark.parametrize(
    ("crm_target", "refusal"),
    [("tryton", "set HEADWATER_TRYTON_URL"), ("siebel", "'siebel' is not known: it is csv or")],
)
def test_a_target_that_cannot_be_says_what_to_set(tmp_path, crm_target, refusal):
    with pytest.raises(UserError, match=refusal):
        target_of(Settings(home=tmp_path, crm_target=crm_target), CLOCK)
