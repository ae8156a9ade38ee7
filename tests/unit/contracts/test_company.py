from contracts.company import Company
from transforms.colleagues import seen_from


def test_a_company_with_a_plan_can_be_kept_in_a_cache_as_any_other():
    planned = Company(plan_kind_caps={"training": 3}, plan_month_budgets={"2026-12": 5})
    assert hash(planned) == hash(planned.model_copy())
    assert seen_from(planned, "kim@ours.example").own_domains == ("ours.example",)
    assert planned != Company()
