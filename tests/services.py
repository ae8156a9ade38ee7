"""What a test may need from its machine: present, or skipped with the reason (failed in CI)."""

import os

import pytest


def need(present: object, reason: str) -> None:
    """Go on where the service is present; otherwise skip, or fail where CI must have it."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {reason}", pytrace=False)
    pytest.skip(reason)
