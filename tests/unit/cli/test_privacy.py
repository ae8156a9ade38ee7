from pathlib import Path

import pytest

from cli.privacy import receipt
from contracts.errors import UserError


def test_a_receipt_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-receipt\.json can't be read: No such file"):
        receipt(tmp_path / "no-receipt.json", tmp_path)
