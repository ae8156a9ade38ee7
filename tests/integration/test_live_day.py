"""A live day goes on while the worker, or the warehouse, is started again."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from cli.live_day import LiveDay
from contracts.clock import SystemClock
from contracts.errors import HeadwaterError
from local.ports import free_port
from settings import Settings
from simulator.live import LiveCall
from tests.waiting import PATIENCE_SECONDS
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from tests.worker_process import working
from warehouse.migrate import migrate

pytestmark = pytest.mark.stack


def a_call(call_id="1"):
    now = SystemClock().now().isoformat()
    return LiveCall(
        {
            "provider": "live", "call_id": call_id, "started_at": now, "duration_seconds": 60,
            "from": "+14155550199", "to": "+14155550100",
        }
    )  # fmt: skip


def test_a_day_goes_on_while_the_warehouse_is_away(tmp_path):
    port, warehouse_port = free_port(), str(free_port())
    with serving(tmp_path, "--port", warehouse_port) as (served, _):
        url = url_of(served)
        migrate(url)
    settings = Settings(
        home=tmp_path, warehouse_url=url, worker_port=port, webhook_secret=SecretStr("hook")
    )
    day = LiveDay(settings, tmp_path / "mail")
    with ThreadPoolExecutor(1) as pool:
        lived = pool.submit(asyncio.run, day.run([a_call()], 100))
        with (
            serving(tmp_path, "--port", warehouse_port),
            working(tmp_path, url, port, webhook_secret="hook"),
        ):
            lived.result(PATIENCE_SECONDS)
    assert day.freshness().count == 1


def test_a_call_that_no_worker_takes_is_posted_until_one_does_and_a_refused_one_is_told(tmp_path):
    with serving(tmp_path) as (served, _), ThreadPoolExecutor(1) as pool:
        url, port = url_of(served), free_port()
        migrate(url)
        settings = Settings(
            home=tmp_path, warehouse_url=url, worker_port=port, webhook_secret=SecretStr("hook")
        )
        day = LiveDay(settings, tmp_path / "mail")
        lived = pool.submit(asyncio.run, day.run([a_call()], 100))
        with working(tmp_path, url, port, webhook_secret="hook"):
            lived.result(PATIENCE_SECONDS)
            forged = settings.model_copy(update={"webhook_secret": SecretStr("another")})
            with pytest.raises(HeadwaterError, match="401"):
                asyncio.run(LiveDay(forged, tmp_path / "mail").run([a_call("2")], 100))
    assert day.freshness().count == 1
