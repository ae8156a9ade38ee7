import subprocess
import sys

import dagster as dg
import pytest

from contracts.clock import SystemClock
from orchestration.dbt import environment
from orchestration.definitions import build
from orchestration.defs.when import schedules
from orchestration.instance import dagster_home
from settings import Settings

HEAVY = ("dbt", "diff_diff", "faust", "streamlit", "chdb")


def test_loading_the_definitions_leaves_out_what_takes_seconds_to_import():
    code = (
        "import sys, orchestration.definitions; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_the_code_server_can_load_every_job(tmp_path):
    known = build(Settings(home=tmp_path), SystemClock())
    known.get_repository_def().load_all_definitions()


def test_schedules_run_by_default_on_the_company_s_clock(tmp_path):
    settings = Settings(home=tmp_path, company={"time_zone": "Europe/Oslo"})
    plans = {plan.name: plan for plan in schedules(settings)}
    assert {name: plan.cron_schedule for name, plan in plans.items()} == {
        "engagement_schedule": "*/15 * * * *",
        "marts_schedule": "5 * * * *",
        "write_back_schedule": "20 * * * *",
        "return_on_investment_schedule": "30 2 * * *",
        "plan_schedule": "30 3 * * *",
    }
    assert {plan.execution_timezone for plan in plans.values()} == {"Europe/Oslo"}
    assert {plan.default_status for plan in plans.values()} == {dg.DefaultScheduleStatus.RUNNING}


@pytest.mark.parametrize(
    ("url", "password", "secure"),
    [
        ("clickhouse://me:p%40ss%2Fword@db.example:9440/?secure=true", "p@ss/word", "True"),
        ("clickhouses://me:x@db.example:9440", "x", "True"),
        ("clickhouse://me:x@db.example:9440", "x", "False"),
    ],
)
def test_dbt_reaches_the_warehouse_that_the_settings_name(tmp_path, url, password, secure):
    told = environment(Settings(home=tmp_path, warehouse_url=url), tmp_path)
    assert told["HEADWATER_DBT_HOST"] == "db.example"
    assert told["HEADWATER_DBT_PORT"] == "9440"
    assert told["DBT_ENV_SECRET_HEADWATER_PASSWORD"] == password
    assert told["HEADWATER_DBT_SECURE"] == secure


def test_dagster_s_folder_is_ready_and_tells_nobody(tmp_path):
    home = dagster_home(Settings(home=tmp_path))
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}")
    assert dagster_home(Settings(home=tmp_path)) == home
    assert "enabled: false" in (home / "dagster.yaml").read_text()


def test_dbt_makes_its_views_on_the_cluster_that_the_settings_name(tmp_path):
    url = "clickhouse://me:x@db.example:9000"
    one = environment(Settings(home=tmp_path, warehouse_url=url), tmp_path)
    many = environment(Settings(home=tmp_path, warehouse_url=url, warehouse_cluster="m"), tmp_path)
    assert (one["HEADWATER_DBT_CLUSTER"], many["HEADWATER_DBT_CLUSTER"]) == ("", "m")
