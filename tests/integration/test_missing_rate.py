"""What is computed where a currency has no rate."""

from datetime import UTC, date, datetime
from decimal import Decimal

import dagster as dg
import pytest

from contracts.clock import ManualClock
from contracts.crm_rows import CurrencyRateRow
from orchestration.dbt import Dbt
from orchestration.definitions import build
from orchestration.run import materialize
from tests.integration.test_orchestration import deployment
from tests.seeded_company import activities
from tests.selling_company import company

pytestmark = [pytest.mark.warehouse]

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


def test_a_missing_rate_stops_what_rests_on_it_and_nothing_else(
    warehouse_url, writer, reader, tmp_path
):
    gone = CurrencyRateRow(
        currency="EUR",
        base="USD",
        rate_on=date(2025, 2, 1),
        rate=Decimal(1),
        is_deleted=True,
        source="crm",
        knowable_at=NOW,
    )
    settings = deployment(tmp_path, warehouse_url)
    writer.write([*company(NOW), *activities(NOW)])
    Dbt(settings).build(["+account_engagement"])
    writer.write([gone])
    failed = materialize(settings, ManualClock(NOW), "figures")
    assert any("no EUR to USD rate on or before" in why for why in failed)
    assert reader.value("SELECT max(as_of) FROM ml.engagement_score") == NOW
    assert reader.value("SELECT max(as_of) FROM marts.account_engagement") == NOW
    assert reader.value("SELECT count() FROM ml.investment_judgement") == 0


def test_figures_are_all_but_the_write_back(warehouse_url, tmp_path):
    jobs = build(deployment(tmp_path, warehouse_url), ManualClock(NOW))
    everything, figures = (
        set(jobs.resolve_job_def(name).asset_layer.executable_asset_keys)
        for name in ("everything", "figures")
    )
    assert everything - figures == {dg.AssetKey(["raw", "crm_write"])}
