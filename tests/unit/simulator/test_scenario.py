"""A scenario is what its file says, and a mistake in it is named."""

import pytest

from contracts.errors import UserError
from simulator.scenario import Scenario, read_scenario, scenario_of


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
