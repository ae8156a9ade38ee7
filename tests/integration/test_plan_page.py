"""The Plan page on a real warehouse, without a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from contracts.clock import SystemClock
from contracts.plan_rows import AllocationTotalRow, InvestmentForecastRow
from dashboard import plan_reading
from dashboard.experiments import as_csv
from tests.planned_company import M, made, proposal
from tests.waiting import PATIENCE_SECONDS
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = pytest.mark.warehouse

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    """A plan over proposals, made after one over kinds alone, which is not to be seen."""
    with serving(tmp_path_factory.mktemp("plan")) as (served, _):
        migrate(url_of(served))
        plan(url_of(served))
        yield url_of(served)


def plan(url: SecretStr) -> None:
    writer = Writer(url)
    writer.write(made(as_of=SystemClock().now()).rows)
    proposals = (
        proposal("Coaching <b>all</b>", is_whole=True),
        proposal("Dinners", "event", 4 * M, 20, floor_units=5.0),
        proposal("Free", "tool", 0),
    )
    writer.write(made(*proposals, as_of=SystemClock().now()).rows)
    writer.close()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Open the Plan page on a warehouse."""
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))

    def opened(url: SecretStr) -> AppTest:
        monkeypatch.setenv("HEADWATER_WAREHOUSE_URL", url.get_secret_value())
        st.cache_data.clear()
        st.cache_resource.clear()
        app = (
            AppTest.from_file(APP, default_timeout=PATIENCE_SECONDS)
            .run()
            .switch_page("plan.py")
            .run()
        )
        assert not app.exception
        return app

    return opened


def html(app: AppTest) -> str:
    bodies = (block.proto.body for block in app.get("html"))
    return "\n".join(body for body in bodies if not body.startswith("<style"))


def test_before_the_first_plan_the_page_says_what_to_do(page, warehouse_url):
    text = html(page(warehouse_url))
    assert "No plan has been made yet" in text
    assert "headwater ingest crm" in text


def test_the_newest_plan_s_proposals_stand_with_their_verdict_interval_and_reason(page, planned):
    text = html(page(planned))
    rows = Reader(planned).rows(InvestmentForecastRow, plan_reading.FORECASTS)
    assert {row.proposal_id for row in rows} == {"Coaching <b>all</b>", "Dinners", "Free"}
    assert text.count('class="hw hw-card hw-forecast"') == len(rows)
    assert text.count("Present value") == sum(row.margin is not None for row in rows)
    assert "Not scored" in text
    assert "<b>all</b>" not in text
    assert "Nobody has proposed anything" not in text


def test_choosing_a_budget_and_an_appetite_shows_that_scenario(page, planned):
    app = page(planned)
    totals = Reader(planned).rows(AllocationTotalRow, plan_reading.TOTALS)
    largest = max(total.budget_minor for total in totals)
    app.select_slider(key="plan_budget").set_value(largest).run()
    app.radio(key="plan_appetite").set_value("careful").run()
    assert not app.exception
    (chosen,) = [t for t in totals if (t.budget_minor, t.appetite) == (largest, "careful")]
    assert f"<tfoot><tr><td>Net +${chosen.net / 100:,.0f}</td>" in html(app)
    assert "What each rule costs is told for the budget that was asked about" in html(app)


def test_the_sql_on_the_page_gives_the_allocation_on_the_page(page, planned):
    app = page(planned)
    (code,) = app.code
    parts = Reader(planned).frame(code.value)
    (asked,) = [
        t
        for t in Reader(planned).rows(AllocationTotalRow, plan_reading.TOTALS)
        if t.is_asked and t.appetite == "balanced"
    ]
    assert parts["spend_minor"].sum() == asked.spend_minor
    shown = re.findall(r"<td>\$([\d,]+)</td>", html(app))
    assert {f"{spend / 100:,.0f}" for spend in parts["spend_minor"]} <= set(shown)


def test_nobody_is_told_to_train_a_part_of_a_person(page, planned):
    text = html(page(planned))
    told = re.findall(r"from \w+ \d{4}, ([\d.,]+) (\w+)<", text)
    assert ("people" in {unit for _, unit in told}) or "1 person" in text
    assert all("." not in count for count, _ in told)


def test_a_rollout_is_shown_and_no_cell_of_its_file_acts_as_a_formula(page, planned):
    app = page(planned)
    drawn = app.dataframe[0].value
    assert drawn["wave"].value_counts().nunique() == 1
    hostile = drawn.assign(name="=cmd()")
    assert b"'=cmd()" in as_csv(hostile)
    assert as_csv(drawn).decode().splitlines()[0] == "unit_id,name,team_id,team,wave,starts_on"


def test_the_rules_that_stand_are_shown_and_a_dashboard_without_a_token_only_shows(page, planned):
    app = page(planned)
    assert "As headwater.toml has them." in html(app)
    (budget,) = (one for one in app.number_input if one.label == "Budget")
    assert budget.value == 200_000
    assert "This dashboard only shows" in html(app)
    assert not app.button


def test_rules_are_set_by_somebody_and_only_where_they_can_hold(page, planned, monkeypatch):
    monkeypatch.setenv("HEADWATER_COMMAND_TOKEN", "a-token-of-the-tests")
    app = page(planned)
    keep, back = app.button
    assert back.disabled
    keep.click().run()
    assert "say who you are" in html(app)
    (budget,) = (one for one in app.number_input if one.label == "Budget")
    assert budget.set_value(300_000).run().number_input[0].value == 300_000
