import pandas as pd
import pytest

from contracts.company import Company
from contracts.errors import UserError
from contracts.plan_rules import ruled
from dashboard.plan_rules import table, told


def months(*rows):
    return pd.DataFrame(rows, columns=["month", "cap"])


def test_what_stands_in_the_form_is_told_as_it_stands():
    company = Company(
        plan_budget=900,
        plan_kind_floors={"event": 0, "tool": 5},
        plan_kind_caps={"training": 300},
        plan_month_budgets={"2026-12": 400},
    )
    kinds = table(company.plan_kind_floors, company.plan_kind_caps)
    assert ruled(Company(), told(900, kinds, months(("2026-12", 400)))) == company


def test_an_empty_row_is_no_rule():
    text = told(1, table({}, {}), months((None, None), ("2026-12", 0)))
    assert ruled(Company(), text).plan_month_budgets == {"2026-12": 0}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("2026-12", None)], "a month needs both"),
        ([(None, 3)], "a month needs both"),
        ([("2026-12", 3), ("2026-12", 4)], "2026-12 is there twice"),
    ],
)
def test_a_half_told_month_is_refused(rows, words):
    with pytest.raises(UserError, match=words):
        told(1, table({}, {}), months(*rows))
