"""What several integration tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def dbt_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose dbt project is parsed once for the session: it takes seconds."""
    return tmp_path_factory.mktemp("dbt_home")
