"""A scenario is what its file says, and a mistake in it is named."""

import re
import tomllib
from pathlib import Path

import pytest

from contracts.errors import UserError
from simulator.scenario import Scenario
from simulator.scenario_file import read_scenario, scenario_of


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "scenario.toml"
        path.write_text(text)
        return path

    return write


def test_what_a_file_leaves_out_has_its_default(toml):
    scenario = read_scenario(toml("[people]\nteam_size = 5\n"))
    assert scenario.people.team_size == 5
    assert scenario.market == Scenario().market


@pytest.mark.parametrize(
    ("text", "named", "nearest"),
    [
        ("[peeple]", "peeple", "people"),
        ("[people]\nteam_sise = 5", "people.team_sise", "team_size"),
        ('[[investments]]\nkind = "tool"\nefect = 1', "investments.efect", "effect"),
        ("[[deals.products]]\nprise = 1", "deals.products.prise", "price"),
    ],
)
def test_an_unknown_knob_is_named_with_the_nearest_known_one(toml, text, named, nearest):
    with pytest.raises(UserError, match=rf"{named} is not a knob: did you mean '{nearest}'"):
        read_scenario(toml(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[people]\nattrition_rate = 2.0", r"people\.attrition_rate"),
        ('[[investments]]\nkind = "magic"\neffect = 1', r"investments\[0\]\.kind"),
        ("first_month = 2023-01-15", "first_month"),
        ("[[deals.products]]\nname = 'A'\nshare = 0.5\nprice = 1", "add up to 0.5"),
        ('[[investments]]\nkind = "tool"\neffect = 1\nroll_out = "reversible"', "lasts_months"),
        ('[[investments]]\nkind = "tool"\neffect = 1\nroll_out = "all_at_once"', "one month"),
        (
            '[[investments]]\nkind = "tool"\neffect = 1\nstarts = [2]\nanticipation_months = 3',
            "start it later",
        ),
        ("not toml", "can't be read"),
    ],
)
def test_what_can_not_be_meant_is_refused(toml, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read_scenario(toml(text))


def test_investments_are_named_after_their_place_and_ramp_as_their_kind_does():
    knobs = {"investments": [{"kind": "training", "effect": 1}, {"kind": "tool", "effect": 1}]}
    training, tool = scenario_of(knobs).investments
    assert (training.id, tool.id) == ("INV-01", "INV-02")
    assert (training.ramp_months, tool.ramp_months) == (3, 1)


def blocks_of_the_document():
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


def test_the_document_lists_every_knob_with_its_default(toml):
    defaults, _ = blocks_of_the_document()
    assert read_scenario(toml(defaults)) == Scenario()
    assert_names_all(tomllib.loads(defaults), Scenario(), left_out={"investments"})


def test_the_document_lists_every_knob_of_an_investment_with_its_default(toml):
    _, investment = blocks_of_the_document()
    (told,) = read_scenario(toml(investment)).investments
    (plain,) = scenario_of(
        {"investments": [{"kind": told.kind, "effect": told.effect}]}
    ).investments
    assert told == plain
    assert_names_all(tomllib.loads(investment)["investments"][0], told)


def assert_names_all(table, group, left_out=frozenset()):
    assert set(table) == set(group.__struct_fields__) - left_out
    for name, value in table.items():
        if isinstance(value, dict):
            assert_names_all(value, getattr(group, name))
