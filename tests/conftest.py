"""Fixtures that every test may use, each in a module of its own.

No property fails by the clock. CI tries the same examples every time, so that what it says is about
the change at hand; other runs try new ones, and keep what fails in `.hypothesis`.
"""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.dovecot",
    "tests.kafka",
    "tests.tryton",
    "tests.warehouse_server",
    "tests.warehouse_tables",
]

_MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def _main_module():
    """Put back the main module: Streamlit's AppTest leaves its page there, and a process that a
    later test makes would run that page.
    """
    sys.modules["__main__"] = _MAIN
