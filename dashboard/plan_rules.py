"""The rules of the next plan on its page: what stands, and a form to set others."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

import msgspec
import pandas as pd
import streamlit as st

from contracts.command import CommandKind
from contracts.company import Company
from contracts.errors import HeadwaterError, UserError
from contracts.investments import KINDS
from contracts.plan_rules import ruled
from dashboard import blocks, deciding, reading
from dashboard.acts import Act
from dashboard.format import clock

STANDING: Final = "SELECT value, actor, issued_at FROM live.plan_rules"
NOTE: Final = (
    "In whole {currency}; an empty cell is no rule. What holds for a proposal alone stands in "
    "proposals.csv, and the appetite for risk is chosen above. The next plan keeps what is set "
    "here: tonight's, or that of headwater compute."
)


class Standing(NamedTuple):
    """What stands: rules as JSON, empty for those of the settings, and who set them when."""

    value: str = ""
    actor: str = ""
    issued_at: datetime | None = None


@st.fragment(run_every=30)
def ask() -> None:
    """Show the rules of the next plan, and let a person set others."""
    try:
        standing = _standing()
    except HeadwaterError:
        return  # the plan above it says so
    company = ruled(reading.company(), standing.value)
    note = NOTE.format(currency=company.base_currency)
    st.html(blocks.heading("Rules of the next plan", f"{_whose(standing)} {note}"))
    deciding.progress()
    budget, kinds, months = _form(company, f"rules_{standing.issued_at}")
    if not deciding.can_decide():
        return
    actor, reason = deciding.who("plan")
    keep, back, _ = st.columns([1, 1, 3])
    if keep.button("Keep these rules", type="primary", width="stretch"):
        try:
            ruled(company, text := told(budget, kinds, months))
        except UserError as error:
            st.session_state["refused"] = str(error)
        else:
            _decide(text, standing, actor, reason)
        st.rerun()
    if back.button("Back to the settings'", width="stretch", disabled=not standing.value):
        _decide("", standing, actor, reason)
        st.rerun()


def table(floors: Mapping[str, int], caps: Mapping[str, int]) -> pd.DataFrame:
    """Return a row for each kind of investment with its `floor` and `cap`, empty where none is."""
    columns = {
        name: pd.array([amounts.get(kind) for kind in KINDS], dtype="Int64")
        for name, amounts in (("floor", floors), ("cap", caps))
    }
    return pd.DataFrame({"kind": KINDS, **columns})


def told(budget: int, kinds: pd.DataFrame, months: pd.DataFrame) -> str:
    """Return what the form tells, as `contracts.plan_rules.ruled` takes it.

    Args:
        budget: of the plan.
        kinds: `kind`, `floor`, `cap`.
        months: `month` such as 2026-12, `cap`.

    Raises:
        UserError: if a month has no amount, an amount no month, or a month is there twice.
    """
    by_month = [*_by_month(months)]
    names = [name for name, _ in by_month]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{twice[0]} is there twice: say once how much may start in it")
    rules = {
        "plan_budget": budget,
        "plan_kind_floors": _amounts(kinds, "floor"),
        "plan_kind_caps": _amounts(kinds, "cap"),
        "plan_month_budgets": dict(by_month),
    }
    return msgspec.json.encode(rules).decode()


def _standing() -> Standing:
    rows = reading.reader().frame(STANDING).itertuples(index=False, name=None)
    return Standing(*next(iter(rows), ()))


def _whose(standing: Standing) -> str:
    if standing.issued_at is None:
        return "As headwater.toml has them."
    at = clock(standing.issued_at, reading.now(), reading.zone())
    return (
        f"{'Set' if standing.value else 'Taken back to headwater.toml'} by {standing.actor}, {at}."
    )


def _form(company: Company, key: str) -> tuple[int, pd.DataFrame, pd.DataFrame]:
    """Ask for the budget, the amounts by kind and by month; at first those that stand."""
    columns = st.column_config
    amount = partial(columns.NumberColumn, min_value=0, step=1, format="localized")
    left, right = st.columns(2, gap="medium")
    with right:
        budget = st.number_input(
            "Budget", min_value=1, value=company.plan_budget, step=1, key=f"{key}_budget"
        )
        months = st.data_editor(
            pd.DataFrame(
                {
                    "month": pd.array([*company.plan_month_budgets], dtype="string"),
                    "cap": pd.array([*company.plan_month_budgets.values()], dtype="Int64"),
                }
            ),
            hide_index=True,
            num_rows="dynamic",
            column_config={
                "month": columns.TextColumn("Starts in (2026-12)", validate=r"^\d{4}-\d{2}$"),
                "cap": amount("costs at most"),
            },
            key=f"{key}_months",
        )
    with left:
        kinds = st.data_editor(
            table(company.plan_kind_floors, company.plan_kind_caps),
            hide_index=True,
            disabled=["kind"],
            column_config={
                "kind": columns.TextColumn("Kind"),
                "floor": amount("At least"),
                "cap": amount("At most"),
            },
            key=f"{key}_kinds",
        )
    return int(budget), kinds, months


def _decide(text: str, standing: Standing, actor: str, reason: str) -> None:
    act = Act(CommandKind.SET_PLAN_RULES, "plan", text, str(standing.issued_at))
    deciding.decide([act], actor, reason)


def _amounts(kinds: pd.DataFrame, name: str) -> dict[str, int]:
    given = kinds[kinds[name].notna()]
    return {str(kind): int(amount) for kind, amount in zip(given["kind"], given[name], strict=True)}


def _by_month(months: pd.DataFrame) -> Iterator[tuple[str, int]]:
    for month, cap in months[["month", "cap"]].itertuples(index=False, name=None):
        if pd.isna(month) and pd.isna(cap):
            continue
        if pd.isna(month) or pd.isna(cap):
            raise UserError("a month needs both: which it is, and how much may start in it")
        yield str(month), int(cap)
