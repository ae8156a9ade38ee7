"""Everything computed once, in this process, on a small company; and what was computed."""

import csv
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest

from cli.audit import recompute, write_pack
from contracts.clock import ManualClock
from contracts.command_rows import CommandRow
from contracts.company import Company
from contracts.errors import UserError
from contracts.plan_rules import rules_text
from contracts.rows import EngagementScoreRow
from orchestration.definitions import build
from orchestration.instance import dagster_home
from orchestration.run import materialize
from settings import Settings
from tests.seeded_company import ACCOUNTS, activities
from tests.selling_company import EFFECT_MINOR, company
from tests.warehouse_tables import empty
from warehouse.reader import Reader
from warehouse.writer import Writer

pytestmark = [pytest.mark.warehouse]

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
LIVE = "SELECT * FROM live.engagement(as_of = %(as_of)s, weights_version = 'v1')"
MOMENT = f"{NOW:%Y-%m-%d %H:%M:%S.%f}"


RULED = CommandRow(
    idempotency_key=UUID(int=1),
    kind="set_plan_rules",
    actor="lena",
    reason="",
    subject_id="plan",
    value=rules_text(Company(plan_budget=90_000, plan_kind_caps={"training": 50_000})),
    issued_at=NOW,
    outcome="done",
    detail="",
)


def deployment(home: Path, url) -> Settings:
    (home / "crm_drop").mkdir(exist_ok=True)
    with (home / "crm_drop" / "accounts.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["account_id", "name", "website"])
        rows.writerows([known.account_id, known.name, ""] for known in ACCOUNTS)
    return Settings(home=home, warehouse_url=url)


@pytest.fixture(scope="module")
def computed(migrated_warehouse, dbt_home):
    """A deployment in which everything has been computed once, and what failed."""
    settings = deployment(dbt_home, migrated_warehouse)
    empty(migrated_warehouse)
    writer = Writer(migrated_warehouse)
    writer.write([*company(NOW), *activities(NOW), RULED])
    yield settings, materialize(settings, ManualClock(NOW))
    writer.close()
    empty(migrated_warehouse)


@pytest.fixture(scope="module")
def asked(computed):
    reader = Reader(computed[0].warehouse_url)
    yield reader
    reader.close()


def test_everything_is_computed_and_every_check_passes(computed):
    assert computed[1] == []


def test_an_asset_s_key_is_its_table_s_path(computed, asked):
    graph = build(computed[0], ManualClock(NOW)).resolve_asset_graph()
    keys = {".".join(key.path) for key in graph.get_all_asset_keys()}
    tables = asked.frame("SELECT concat(database, '.', name) AS path FROM system.tables")["path"]
    assert keys <= set(tables)
    rebuilt = {path for path in tables if path.startswith(("staging.", "marts.", "ml."))}
    assert rebuilt <= keys


def test_what_is_computed_names_what_it_was_computed_from(computed):
    graph = build(computed[0], ManualClock(NOW)).resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.parent_keys, f"{key} names no parents"
        assert node.description, f"{key} has no description"
        assert node.freshness_policy or key.path[0] == "staging"


def scores(asked, sql=LIVE):
    rows = asked.rows(EngagementScoreRow, sql, {"as_of": MOMENT})
    return {row.account_id: row for row in rows}


def test_the_live_number_is_the_batch_number(asked):
    kept, live = scores(asked, "SELECT * FROM ml.engagement_score FINAL"), scores(asked)
    assert kept.keys() == live.keys() == {known.account_id for known in ACCOUNTS}
    assert sum(row.score > 1 for row in kept.values()) > len(ACCOUNTS) / 2
    for account_id, row in live.items():
        assert row.score == pytest.approx(kept[account_id].score, abs=1e-9)
        assert row.points == pytest.approx(kept[account_id].points, abs=1e-9)
        assert sum(row.points) == pytest.approx(row.score, abs=1e-9)


def test_a_replay_changes_neither_number(computed, asked):
    before = {account_id: row.score for account_id, row in scores(asked).items()}
    writer = Writer(computed[0].warehouse_url)
    writer.write([*activities(NOW)])
    writer.close()
    after = {account_id: row.score for account_id, row in scores(asked).items()}
    assert after == pytest.approx(before, abs=1e-9)


def test_the_planted_return_is_found_and_the_unidentified_one_refused(asked):
    judged = asked.frame("SELECT * FROM marts.investment_roi ORDER BY investment_id")
    assert judged["verdict"].tolist() == ["pays_off", "not_identified"]
    coaching = judged.iloc[0]
    assert coaching["effect_low"] < EFFECT_MINOR < coaching["effect_high"]
    assert coaching["name"] == "Coaching"


def test_what_is_kept_beside_a_judgement_can_be_asked_for(asked):
    steps = asked.frame("SELECT * FROM ml.investment_event_study WHERE investment_id = 'coaching'")
    assert {-1, 0} <= set(steps["months_since_start"])
    said = asked.frame("SELECT * FROM ml.investment_diagnostic WHERE investment_id = 'coaching'")
    assert "pre_trend" in set(said["diagnostic"])
    credited = asked.frame("SELECT * FROM marts.investment_roi ORDER BY investment_id")
    assert credited["attributed_bookings_minor"].gt(0).all()


def test_a_plan_keeps_the_rules_that_a_person_set(asked):
    budget = "SELECT max(budget_minor) FROM ml.allocation_total FINAL WHERE is_asked"
    assert asked.value(budget) == 90_000_00
    most = "SELECT max(spend_minor) FROM ml.allocation FINAL WHERE kind = 'training'"
    assert 0 < asked.value(most) <= 50_000_00


def test_a_judgement_is_audited_and_recomputed_without_the_warehouse(asked, tmp_path):
    folder = tmp_path / "pack"
    assert write_pack(asked, "coaching", NOW, folder) == "pays_off"
    assert {"panel.csv", "panel.parquet", "terms.json", "judgement.json", "README.md"} <= {
        path.name for path in folder.iterdir()
    }
    assert recompute(folder) == []
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_no_byte_of_an_audit_can_be_altered_unnoticed(asked, tmp_path):
    folder = tmp_path / "pack"
    write_pack(asked, "coaching", NOW, folder)
    for path in sorted(folder.iterdir()):
        was = path.read_bytes()
        for place in (0, len(was) // 2, len(was) - 1):
            path.write_bytes(was[:place] + bytes([was[place] ^ 1]) + was[place + 1 :])
            assert recompute(folder), f"{path.name}, byte {place}"
        path.write_bytes(was)
    assert recompute(folder) == []


def test_an_altered_question_does_not_give_the_answer_whatever_the_sums_say(asked, tmp_path):
    folder = tmp_path / "pack"
    write_pack(asked, "coaching", NOW, folder)
    terms, sums = (folder / name for name in ("terms.json", "SHA256SUMS"))
    was = sha256(terms.read_bytes()).hexdigest()
    terms.write_text(terms.read_text().replace("20000000", "20000001"))
    sums.write_text(sums.read_text().replace(was, sha256(terms.read_bytes()).hexdigest()))
    assert any(line.startswith("roi: it was") for line in recompute(folder))


def test_a_refusal_is_audited_as_well_and_an_audit_of_nothing_says_why(asked, tmp_path):
    assert write_pack(asked, "dialer", NOW, tmp_path / "pack") == "not_identified"
    assert recompute(tmp_path / "pack") == []
    with pytest.raises(UserError, match="exists already"):
        write_pack(asked, "coaching", NOW, tmp_path / "pack")
    with pytest.raises(UserError, match="was not judged by"):
        write_pack(asked, "ghost", NOW, tmp_path / "ghost")
    with pytest.raises(UserError, match="can't be read"):
        recompute(tmp_path)


def test_the_crm_is_told_and_every_field_is_in_the_ledger(computed, asked):
    outcomes = asked.frame("SELECT outcome, count() AS n FROM raw.crm_write FINAL GROUP BY outcome")
    assert set(outcomes["outcome"]) == {"written", "unchanged"}  # no reason is an empty field
    drops = list((computed[0].home / "crm_drop").glob("headwater-accounts-*.csv"))
    told = {row["account_id"]: row for drop in drops for row in csv.DictReader(drop.open())}
    scores = asked.frame("SELECT account_id, score FROM marts.account_engagement")
    for account_id, score in zip(scores["account_id"], scores["score"], strict=True):
        assert told[account_id]["headwater_engagement_score"] == f"{score:.0f}"


def test_the_run_is_kept_where_the_ui_looks(computed):
    with dg.DagsterInstance.from_config(str(dagster_home(computed[0]))) as instance:
        (run,) = instance.get_runs()
        assert run.job_name == "everything"
        assert run.status is dg.DagsterRunStatus.SUCCESS
        assert instance.get_latest_materialization_event(dg.AssetKey(["marts", "rep_month"]))
        assert not instance.telemetry_enabled
