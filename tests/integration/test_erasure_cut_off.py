"""An erasure that is killed, wherever it stands, is finished by running it again."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from ingest.bring import bring_in
from ingest.receipt import kept
from settings import erasure_key
from tests.integration.test_capture import settings as capturing  # noqa: F401 a fixture
from tests.integration.test_erasure import ADDRESS, PHONE, rows, sources, traces
from tests.killed_erasure import MOMENTS, NEVER

pytestmark = [
    pytest.mark.stack, pytest.mark.slow,
    pytest.mark.timeout(1_200),
]  # fmt: skip


def test_an_erasure_killed_at_every_moment_is_finished_with_one_receipt(capturing, tmp_path):  # noqa: F811
    for source in sources(tmp_path):
        asyncio.run(bring_in(capturing, source))
    (capturing.home / "logs").mkdir(exist_ok=True)
    (capturing.home / "logs" / "worker.log").write_text(f'{{"why": "{ADDRESS}"}}\n')

    for moment in MOMENTS:
        ended = erased(capturing, ADDRESS, moment)
        assert ended == (0 if moment == NEVER else -signal.SIGKILL), moment
    assert erased(capturing, PHONE, NEVER) == 0

    assert traces(capturing) == []
    receipts = kept(capturing.home, erasure_key(capturing).get_secret_value().encode())
    told = rows(capturing, "SELECT erasure_id, done_at IS NULL FROM raw.erasure FINAL")
    assert sorted(told) == sorted((receipt.erasure_id, 0) for receipt in receipts)
    assert [receipt.kind for receipt in receipts if receipt.kind == "email"] == ["email"]


def erased(settings, who, moment):
    """Erase in a process of its own and return how it ended."""
    told = os.environ | {"HEADWATER_WAREHOUSE_URL": settings.warehouse_url.get_secret_value()}
    argv = [sys.executable, "-m", "tests.killed_erasure", str(settings.home), who, moment]
    return subprocess.run(argv, env=told, timeout=120, check=False).returncode
