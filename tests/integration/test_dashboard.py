"""The pages on a real warehouse, without a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import streamlit as st
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from contracts.clock import SystemClock
from contracts.crm_rows import AccountRow
from dashboard import queries
from tests.seeded_company import ACCOUNTS, seed
from tests.waiting import PATIENCE_SECONDS
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse.migrate import migrate
from warehouse.reader import Reader

pytestmark = pytest.mark.warehouse

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
AWAY = SecretStr("clickhouse://headwater:secret-word@127.0.0.1:1")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    home = tmp_path_factory.mktemp("filled")
    with serving(home) as (served, _):
        migrate(url_of(served))
        seed(url_of(served), SystemClock().now(), home)
        yield url_of(served)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Open the dashboard on a warehouse, in a home with a settings file."""
    (tmp_path / "headwater.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))

    def opened(url: SecretStr, script: str = "live.py", **params: str) -> AppTest:
        monkeypatch.setenv("HEADWATER_WAREHOUSE_URL", url.get_secret_value())
        st.cache_data.clear()
        st.cache_resource.clear()
        app = AppTest.from_file(APP, default_timeout=PATIENCE_SECONDS)
        for name, value in params.items():
            app.query_params[name] = value
        app.run()
        if script != "live.py":
            app.switch_page(script).run()
        assert not app.exception
        return app

    return opened


def html(app: AppTest) -> str:
    bodies = (block.proto.body for block in app.get("html"))
    return "\n".join(body for body in bodies if not body.startswith("<style"))


def test_the_live_page_counts_what_the_warehouse_holds(page, filled):
    app = page(filled)
    reader = Reader(filled)
    text = html(app)
    waiting = reader.value("SELECT count() FROM live.dead_letter WHERE replayed_at IS NULL")
    assert f'Dead letters waiting</dt><dd class="value">{waiting}<' in text
    assert "headwater replay --reason no_sender" in text
    assert f"of {len(ACCOUNTS)}" in text
    assert "Europe/Berlin" in text
    assert reader.value("SELECT count() FROM raw.sighting WHERE is_live") == 0
    assert "nothing live in the last hour" in text


def test_a_score_is_the_sum_of_its_reasons_and_each_reason_of_its_rows(page, filled):
    app = page(filled, account="A-03")
    ranking, rows = (table.value for table in app.dataframe)
    shown = ranking.set_index("name").loc["Müller & Söhne Maschinenbau", "score"]
    assert shown > 0
    assert rows["points"].sum() == pytest.approx(shown, abs=1e-9)
    assert f"Why Müller &amp; Söhne Maschinenbau scores {shown:.1f}" in html(app)


def test_the_sql_on_the_page_gives_the_number_on_the_page(page, filled):
    app = page(filled, account="A-02")
    score, reasons, rows = (Reader(filled).frame(block.value) for block in app.code)
    shown = app.dataframe[0].value.set_index("name").loc["Fjordkraft Energi AS", "score"]
    assert score["score"].item() == pytest.approx(shown, abs=1e-9)
    assert reasons["points"].sum() == pytest.approx(shown, abs=1e-9)
    assert rows["points"].sum() == pytest.approx(shown, abs=1e-9)


def test_the_change_is_against_the_same_view_seven_days_before(page, filled):
    app = page(filled)
    ranking = app.dataframe[0].value.set_index("name")
    sql = app.code[0].value
    as_of = re.search(r"as_of = '([^']+)'", sql).group(1)
    before = Reader(filled).value(
        sql.replace(f"'{as_of}'", f"toDateTime64('{as_of}', 6, 'UTC') - INTERVAL 7 DAY").replace(
            "account_id, score", "score"
        )
    )
    leader = ranking.iloc[0]
    assert leader["score"] - leader["change"] == pytest.approx(before, abs=1e-9)


def test_no_body_is_ever_shown(page, filled):
    for script in ("live.py", "investments.py"):
        app = page(filled, script)
        assert "A body that no page shows" not in html(app) + str(
            [table.value for table in app.dataframe]
        )


def test_every_verdict_stands_with_its_reason_and_its_interval(page, filled):
    text = html(page(filled, "investments.py"))
    cards = text.split('<div class="hw hw-card">')[1:]
    labels = [re.search(r'hw-verdict \w+">. ([^<]+)<', card).group(1) for card in cards]
    assert sorted(labels) == ["Cannot tell", "Does not pay off", "Not identified", "Pays off"]
    judged = Reader(filled).frame("SELECT reason FROM ml.investment_judgement FINAL")
    for reason in judged["reason"]:
        assert reason in text
    for card, label in zip(cards, labels, strict=True):
        shown = card.count("95% interval:")
        assert shown == (0 if label == "Not identified" else 3)
        assert card.count("<b>no estimate</b><small>no interval</small>") == 3 - shown
    assert text.count("Context, not the estimate.") == len(cards)


def test_the_coverage_page_shows_the_gap_its_definition_and_its_age(page, filled):
    text = html(page(filled, "coverage.py"))
    assert "Activity the CRM lacks" in text
    assert "The CRM lacks a buyer if no contact or lead has their address" in text
    assert "As of " in text
    assert "Newest activity stored" in text
    assert "Is all mail heard?" in text


def test_the_matches_page_lists_what_found_no_account_and_explains_one(page, filled):
    sql = "SELECT count() FROM live.match_to_check(since = '2020-01-01', certain = 18) "
    count = Reader(filled).value(sql + "WHERE state = 'no_account'")
    stranger = Reader(filled).value("SELECT activity_id FROM live.match WHERE rule = 'none'")
    app = page(filled, "matches.py", activity=str(stranger))
    assert len(app.dataframe[0].value) == count > 0
    text = html(app)
    assert "No contact has one of its addresses" in text
    assert "This dashboard only shows" in text


def test_a_list_of_other_matches_is_another_table_in_which_no_row_is_ticked(page, filled):
    app = page(filled, "matches.py")
    listed = app.dataframe[0]
    word = str(listed.value["people"].iloc[-1])
    app.text_input(key="match_words").set_value(word).run()
    narrowed = app.dataframe[0]
    assert 0 < len(narrowed.value) < len(listed.value)
    assert narrowed.proto.id != listed.proto.id


def test_a_page_without_a_token_asks_nobody_to_decide(page, filled):
    app = page(filled, "matches.py")
    assert not app.button


def test_an_empty_warehouse_says_what_to_do(page, warehouse_url):
    assert "headwater ingest mbox" in html(page(warehouse_url))
    assert "headwater ingest crm" in html(page(warehouse_url, "investments.py"))
    for script in ("coverage.py", "matches.py"):
        text = html(page(warehouse_url, script))
        assert "headwater ingest mbox" in text
        assert "Nothing to check here" not in text


def test_accounts_without_activities_are_shown_with_a_zero(page, warehouse_url, writer):
    now = SystemClock().now().astimezone(UTC)
    writer.write(
        [
            AccountRow(
                account_id="A-1",
                name="First & only",
                source="crm",
                knowable_at=now - timedelta(days=1),
            )
        ]
    )
    app = page(warehouse_url)
    assert app.dataframe[0].value["score"].tolist() == [0.0]
    assert "Why First &amp; only scores 0.0" in html(app)
    assert "No mail, call or meeting yet" in html(app)


def test_a_warehouse_that_is_away_is_a_message_without_its_password(page):
    for script in ("live.py", "investments.py"):
        text = html(page(AWAY, script))
        assert "The warehouse does not answer" in text
        assert "secret-word" not in text
        assert "hw-figures" not in text


def test_a_warehouse_that_nobody_configured_says_how_to_start_one(page):
    assert "headwater up" in html(page(SecretStr("")))


def test_tables_that_are_not_there_say_to_migrate(page, tmp_path):
    with serving(tmp_path / "unmigrated") as (served, _):
        assert "headwater migrate" in html(page(url_of(served)))


def test_wrong_settings_are_told_and_not_served(page, tmp_path, filled):
    (tmp_path / "headwater.toml").write_text("not_a_setting = 1\n")
    text = html(page(filled))
    assert "not_a_setting" in text
    assert "hw-figures" not in text


def test_a_body_is_never_asked_of_the_warehouse():
    asked = [value for name, value in vars(queries).items() if name.isupper()]
    assert not [sql for sql in asked if re.search(r"\bbody\b", str(sql))]
