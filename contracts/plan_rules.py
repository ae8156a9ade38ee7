"""The rules of the next plan: those of the settings, or what a person set on the Plan page."""

import json
from typing import Final

from pydantic import ValidationError

from contracts.company import Company
from contracts.errors import UserError

RULES: Final = frozenset(
    {"plan_budget", "plan_kind_floors", "plan_kind_caps", "plan_month_budgets"}
)
"""Which of a company's settings they are."""


def rules_text(company: Company) -> str:
    """Return a company's rules as JSON; `ruled` is its inverse."""
    return company.model_dump_json(include=set(RULES))


def ruled(company: Company, text: str) -> Company:
    """Return the company with the rules that a JSON text tells; with its own where that is empty.

    Raises:
        UserError: if it does not tell all rules and nothing else, or amounts that exclude each
            other.
    """
    if not text:
        return company
    try:
        told = json.loads(text)
    except ValueError as error:
        raise UserError(f"the plan's rules are no JSON: {error}") from error
    if not isinstance(told, dict) or told.keys() != RULES:
        raise UserError(f"the plan's rules are {', '.join(sorted(RULES))}: tell each, and no other")
    try:
        changed = Company.model_validate(company.model_dump() | told)
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError("; ".join(said)) from error
    _refuse_excluding(changed)
    return changed


def _refuse_excluding(company: Company) -> None:
    floors = company.plan_kind_floors
    for kind, most in company.plan_kind_caps.items():
        if floors.get(kind, 0) > most:
            raise UserError(f"{kind} is to get at least {floors[kind]:,} and at most {most:,}")
    if sum(floors.values()) > company.plan_budget:
        raise UserError(
            f"all kinds together are to get at least {sum(floors.values()):,}, and the budget is "
            f"{company.plan_budget:,}"
        )
