"""A live day goes on while the worker is started again."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from cli.live_day import LiveDay
from contracts.clock import SystemClock
from local.ports import free_port
from settings import Settings
from simulator.live import LiveCall
from tests.waiting import PATIENCE_SECONDS
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate

pytestmark = pytest.mark.stack


def test_a_call_that_no_worker_takes_is_posted_until_one_does(tmp_path):
    call = {
        "provider": "live", "call_id": "1", "started_at": SystemClock().now().isoformat(),
        "duration_seconds": 60, "from": "+14155550199", "to": "+14155550100",
    }  # fmt: skip
    with serving(tmp_path) as (served, _), ThreadPoolExecutor(1) as pool:
        url, port = url_of(served), free_port()
        migrate(url)
        settings = Settings(
            home=tmp_path, warehouse_url=url, worker_port=port, webhook_secret=SecretStr("hook")
        )
        day = LiveDay(settings, tmp_path / "mail")
        lived = pool.submit(asyncio.run, day.run([LiveCall(call)], 100))
        with working(tmp_path, url, port, webhook_secret="hook"):
            lived.result(PATIENCE_SECONDS)
    assert day.freshness().count == 1
