import json

import pytest

from contracts.company import Company
from contracts.errors import UserError
from contracts.plan_rules import ruled, rules_text

OURS = Company(name="Ours", plan_budget=500, plan_kind_caps={"tool": 5})
SET = {
    "plan_budget": 900,
    "plan_kind_floors": {"event": 100},
    "plan_kind_caps": {"training": 300},
    "plan_month_budgets": {"2026-12": 400},
}


def test_what_was_set_replaces_every_rule_of_the_settings_and_nothing_else():
    company = ruled(OURS, json.dumps(SET))
    assert company == Company(name="Ours", **SET)
    assert ruled(Company(name="Ours"), rules_text(company)) == company


def test_where_nothing_was_set_the_settings_stand():
    assert ruled(OURS, "") is OURS


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"plan_kind_caps": {"trainin": 3}}, "did you mean 'training'"),
        ({"plan_month_budgets": {"December": 3}}, "'December' is not a month such as 2026-12"),
        ({"plan_budget": 0}, "plan_budget: Input should be greater than 0"),
        ({"plan_kind_floors": {"event": -1}}, "plan_kind_floors.event"),
        ({"plan_kind_caps": {"event": 99}}, "event is to get at least 100 and at most 99"),
        ({"plan_kind_floors": {"event": 500, "tool": 401}}, "at least 901, and the budget is 900"),
        ({"plan_kind_cap": {}}, "tell each, and no other"),
    ],
)
def test_what_cannot_hold_is_refused_and_never_dropped(changed, words):
    with pytest.raises(UserError, match=words):
        ruled(OURS, json.dumps(SET | changed))


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"plan_budget": 900})])
def test_what_does_not_tell_all_rules_is_refused(text):
    with pytest.raises(UserError, match="the plan's rules are"):
        ruled(OURS, text)
